"""Paying: a quote, its payment, and the balance with its movements."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from loratrainer.outcomes import TryAgainLater
from payments.forms import HashForm, QuoteForm
from payments.models import AlreadyCounted, CannotPay, Entry, Quote, TooMany
from payments.panel import POLLS, panel
from payments.rates import CENTS
from payments.templatetags.payments import eth
from wallets.http import WalletRequest

RETRY_SECONDS = 10
MOVEMENTS = 50
"""How many movements the page shows; the CSV holds all of them."""
COLUMNS = ("booked_at", "kind", "usd", "eth", "wei", "usd_per_eth", "transaction", "cause", "note")


@require_POST
def quotes(request: WalletRequest) -> HttpResponse:
    """Offer a price for `usd_cents` and `purpose`: the quote that can be paid, or a new one.

    Asking twice gives the same quote. 422 for what cannot be paid, 429 for too many, 503 when the
    chain or the price is not to be had.
    """
    form = QuoteForm(request.POST)
    if not form.is_valid():
        return _refuse(request, 422, _first_error(form))
    try:
        offered = Quote.offer(request.user, **form.cleaned_data)
    except CannotPay as exc:
        return _refuse(request, 422, _("This wallet cannot pay here yet"), str(exc))
    except TooMany as exc:
        return _refuse(request, 429, str(exc))
    except TryAgainLater as exc:
        words = _("Nothing was paid. Try again in a moment.")
        response = _refuse(request, 503, str(exc), words)
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    if not request.htmx:
        return redirect("payments:quote", pk=offered.pk)
    return _render(request, offered.pk, status=201)


@require_safe
@vary_on_headers("HX-Request")
def quote(request: WalletRequest, pk: UUID) -> HttpResponse:
    """A price and how far its payment is: a page, or the panel of one that polls.

    A poll that finds it paid brings the event `deposited` with it.
    """
    return _render(request, pk)


@require_POST
def sent(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Take the hash of a transaction that was sent for this quote: 202, it is looked at soon.

    409 when it has been counted for another quote, 422 when it is no hash.
    """
    told = get_object_or_404(request.user.quotes, pk=pk)
    form = HashForm(request.POST)
    if not form.is_valid():
        return _refuse(request, 422, _first_error(form))
    try:
        told.tell(form.cleaned_data["hash"])
    except AlreadyCounted:
        return _refuse(request, 409, _("This payment has been counted already."))
    except TooMany as exc:
        return _refuse(request, 429, str(exc))
    return _render(request, pk, status=202)


@require_safe
@vary_on_headers("HX-Request")
def balance(request: WalletRequest) -> HttpResponse:
    """What a wallet has here, and what moved it: a page, or a part of the wallet's page."""
    entries = request.user.entries.select_related("transfer", "payout")
    context = {
        "cents": request.user.entries.total(),
        "entries": entries.newest()[:MOVEMENTS],
        "total": entries.count(),
    }
    part = "#balance" if request.htmx else ""
    return render(request, f"payments/balance.html{part}", context)


@require_safe
def movements(request: WalletRequest) -> HttpResponseBase:
    """Every movement of the wallet's balance as a CSV file, the newest first."""
    entries = request.user.entries.select_related("transfer", "payout").newest()
    response = StreamingHttpResponse(_lines(entries.iterator()), content_type="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="movements.csv"'
    return response


def _render(request: WalletRequest, pk: UUID, status: int = 200) -> HttpResponse:
    shown = get_object_or_404(request.user.quotes.timed(), pk=pk)
    context = panel(shown)
    if not request.htmx:
        return render(request, "payments/quote.html", context, status=status)
    response = render(request, "payments/quote.html#panel", context, status=status)
    # Only a panel that has changed says so: what it makes the page load may hold it again.
    if context["state"] in {"paid", "short"} and request.GET.get("was", "") in POLLS:
        trigger_client_event(response, "deposited")
    return response


def _refuse(request: WalletRequest, status: int, title: str, text: str = "") -> HttpResponse:
    template = "parts/note.html" if request.htmx else "payments/refused.html"
    return render(request, template, {"title": title, "text": text}, status=status)


def _first_error(form: QuoteForm | HashForm) -> str:
    return next(str(error) for errors in form.errors.values() for error in errors)


def _lines(entries: Iterator[Entry]) -> Iterator[str]:
    yield _line(COLUMNS)
    for entry in entries:
        yield _line(
            (
                entry.created_at.isoformat(),
                entry.kind,
                _dollars(entry.cents),
                eth(entry.wei) if entry.wei else "",
                entry.wei or "",
                f"{entry.rate.normalize():f}" if entry.rate else "",
                entry.on_chain.hash if entry.on_chain else "",
                _inert(entry.cause),
                _inert(entry.note or (entry.title if entry.kind == "payout" else "")),
            )
        )


def _line(cells: tuple[object, ...]) -> str:
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _dollars(cents: int) -> str:
    whole, rest = divmod(abs(cents), CENTS)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def _inert(text: str) -> str:
    """Keep a spreadsheet from running a text as a formula (OWASP, "CSV injection")."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
