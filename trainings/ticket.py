"""The order beside the form: what is bought, what it costs, and the one thing to do next."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from datasets.models import Dataset
from payments.models import Entry
from payments.templatetags.payments import usd
from trainings.forms import TrainingForm
from wallets.models import Wallet

FRAMES = 4
"""How many pictures the contact strip shows."""


def missing_cents(wallet: Wallet, price_cents: int) -> int:
    """Return what the balance lacks for a price, in US cents; 0 when it allows it."""
    if wallet.is_exempt:
        return 0
    return max(0, price_cents - max(0, Entry.objects.balance_of(wallet)))


def ticket(
    user: Wallet | AnonymousUser, dataset: Dataset | None, form: TrainingForm, chosen: int
) -> dict[str, Any]:
    """Return the `ticket` of parts/ticket.html for a draft with so many chosen pictures."""
    price = settings.TRAINING_USD_CENTS
    wallet = user if isinstance(user, Wallet) else None
    missing = missing_cents(wallet, price) if wallet else price
    lines = [
        (_("Images"), chosen),
        (_("Steps"), number_format(form.steps, force_grouping=True)),
        (_("Type"), form.chosen_kind.label),
        (_("Trainer"), _(form.trainer.title)),
    ]
    if wallet and not wallet.is_exempt and missing < price:
        lines.append((_("From your balance"), usd(missing - price)))
    return {
        "name": str(form["trigger_word"].value() or "").strip()[:24] or _("Your LoRA"),
        "strip": strip_of(dataset, chosen) if dataset else None,
        "lines": lines,
        "total": usd(missing),
        "total_note": _("in ETH on Base") if missing else "",
        "eth_url": f"{reverse('trainings:price')}?cents={missing}" if missing else "",
        "trail": _trail(wallet, missing),
        "connect": wallet is None,
        "label": _label(missing),
        "form": "settings",
        "fine": _fine(wallet, missing),
    }


def strip_of(dataset: Dataset, chosen: int, **more: Any) -> dict[str, Any] | None:
    """Return the `strip` of parts/strip.html; None while there is no picture to show in it."""
    version = dataset.digest or _facts_of_frames(dataset)
    if not version:
        return None
    # Browsers keep a strip for ever, so its address must change with its frames.
    return {
        "src": f"{reverse('datasets:strip', args=[dataset.pk])}?v={version[:12]}",
        "placeholder": dataset.placeholder,
        "alt": _("{frames} of the {all} training images").format(
            frames=min(FRAMES, chosen), all=chosen
        ),
        "tail": f"+{chosen - FRAMES}" if chosen > FRAMES else "",
        "eager": True,
        **more,
    }


def _facts_of_frames(dataset: Dataset) -> str:
    frames = dataset.pictures.chosen().kept().values_list("sha256", "rotation", "crop")[:FRAMES]
    return hashlib.sha256(repr(list(frames)).encode()).hexdigest() if frames else ""


def _label(missing: int) -> str:
    if not missing:
        return _("Train")
    return _("Pay {price} and train").format(price=usd(missing))


def _trail(wallet: Wallet | None, missing: int) -> list[dict[str, str]]:
    signed_in = "ok" if wallet else ""
    return [
        {
            "state": signed_in or "now",
            "text": _("Wallet connected") if wallet else _("Connect a wallet"),
            "note": wallet.short_address if wallet else "",
        },
        {"state": signed_in, "text": _("Signed in") if wallet else _("Sign in")},
        *([{"state": "now" if wallet else "", "text": _("Pay")}] if missing else []),
        {"state": "now" if wallet and not missing else "", "text": _("Train")},
    ]


def _fine(wallet: Wallet | None, missing: int) -> str:
    if wallet is None:
        return _("Your wallet is your account here. Signing in is free and sends no transaction.")
    if wallet.is_exempt:
        return _("Your wallet pays nothing here.")
    if not missing:
        return _("Your balance pays for it. If training fails, the price comes back to it.")
    return _(
        "The next page has the exact amount in ETH, and your wallet asks you to confirm it. If "
        "training fails, the payment covers another try."
    )
