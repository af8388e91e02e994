"""What the owner of a quote sees: in which state it is, what has happened and what is to come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from payments.models import Hint, Quote
from payments.templatetags.payments import about_eth, usd

LONG = timedelta(minutes=1)
"""A transaction that Base has not taken for so long probably offers too low a fee."""
POLLS = {"pay": "every 10s", "sent": "every 2s", "confirming": "every 2s"}
"""How often the page asks, by state; in the others nothing changes by itself."""


def panel(quote: Quote) -> dict[str, Any]:
    """Return the context of `payments/quote.html`; the quote must be `timed`."""
    unanswered = list(quote.hints.unanswered())
    seconds_left = max(0, int((quote.expires_at - quote.now).total_seconds()))
    paid_cents = quote.paid_cents
    state = _state(quote, unanswered, seconds_left, paid_cents)
    hint = unanswered[-1] if unanswered else None
    return {
        "quote": quote,
        "state": state,
        "poll": POLLS.get(state, ""),
        "seconds_left": seconds_left,
        "paid_cents": paid_cents,
        "missing_cents": quote.usd_cents - paid_cents,
        "trail": _trail(quote, state, hint),
        "transfers": quote.transfers.order_by("created_at"),
        "hint": hint,
        "is_slow": state == "sent" and hint is not None and quote.now - hint.created_at > LONG,
        "refusals": quote.hints.exclude(refusal="").order_by("pk"),
        "value": hex(quote.wei),
    }


def _state(quote: Quote, unanswered: list[Hint], seconds_left: int, paid_cents: int) -> str:
    match quote.status:
        case "settled" | "final":
            return "paid" if paid_cents >= quote.usd_cents else "short"
        case "open" | "lapsed" if unanswered:
            return "sent"
        case "open" | "lapsed":
            return "pay" if seconds_left else "over"
        case status:
            return str(status)


def _trail(quote: Quote, state: str, hint: Hint | None) -> list[dict[str, str]]:
    """Return the three steps of a payment, for `parts/trail.html`."""
    amount = _("{eth} ETH").format(eth=about_eth(quote.wei))
    done = {"pay": 0, "over": 0, "sent": 1, "confirming": 2}.get(state, 3)
    blocks = quote.note if state == "confirming" and quote.note else ""
    steps = [
        (_("Send {amount}").format(amount=amount), ""),
        (_("Base takes the transaction"), f"{hint.hash[:6]}…{hint.hash[-4:]}" if hint else ""),
        (blocks or _("{all} blocks confirm it").format(all=settings.CONFIRMATIONS), ""),
    ]
    states = ["ok"] * done + ["now"] + [""] * 3
    if state in {"reversed", "failed"}:
        states = ["ok", "failed", ""]
    if state == "over":
        states = ["", "", ""]
    trail = [
        {"state": told, "text": text, "note": note}
        for told, (text, note) in zip(states, steps, strict=False)
    ]
    if state in {"paid", "short"}:
        trail[-1]["note"] = usd(quote.paid_cents)
    return trail
