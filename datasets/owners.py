"""Whose a dataset is: a wallet's, or that of a browser in which nobody has signed in yet."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from datasets.refusals import TooMany
from wallets.networks import network_of

if TYPE_CHECKING:
    from wallets.http import Request

SESSION_KEY = "drafts"
"""Where a session keeps the secret of its drafts."""
DRAFTS_PER_NETWORK = 60
"""How many drafts without a wallet one network may begin in an hour."""


def of(request: Request) -> Q:
    """Those of the wallet that is signed in, and what this browser began since it was nobody's.

    A draft that was adopted while requests are on their way is still theirs. Signing out, and
    signing in as somebody else, throw the browser's secret away.
    """
    found = Q(pk__in=[])
    if request.user.is_authenticated:
        found |= Q(wallet=request.user)
    if secret := request.session.get(SESSION_KEY):
        found |= Q(browser=_hash(secret))
    return found


def new_for(request: Request) -> dict[str, Any]:
    """The fields that make a new draft this visitor's, signed in or not. Raises `TooMany`."""
    if request.user.is_authenticated:
        return {"wallet_id": request.user.pk, "browser": None, "network": ""}
    from datasets.models import Dataset  # noqa: PLC0415 - the two need each other

    network = network_of(request)
    recent = Dataset.objects.filter(
        network=network, wallet=None, created_at__gt=Now() - timedelta(hours=1)
    )
    if recent.count() >= DRAFTS_PER_NETWORK:
        raise TooMany(_("Too many new sets from your network. Connect a wallet, or wait."))
    secret = request.session.setdefault(SESSION_KEY, secrets.token_urlsafe(32))
    return {"wallet_id": None, "browser": _hash(secret), "network": network}


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
