"""Requests as our views receive them."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from wallets.models import Wallet


class Request(HttpRequest):
    """Any request, after the middleware."""

    htmx: HtmxDetails
    user: Wallet | AnonymousUser


class WalletRequest(Request):
    """A request that `LoginRequiredMiddleware` let through."""

    user: Wallet
