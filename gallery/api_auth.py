"""Who asks: a wallet, by its API key or its session; or nobody."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security import APIKeyCookie, HttpBearer

from gallery.api_problems import Problem
from loratrainer.csrf import is_forged
from wallets.http import Request
from wallets.keys import ApiKey
from wallets.models import Wallet, may_sign_in


class ApiRequest(Request):
    """A request to the API; `auth` is who asks."""

    auth: Wallet | AnonymousUser


class WalletApiRequest(Request):
    """A request to the API by a wallet."""

    auth: Wallet


class Key(HttpBearer):
    """`Authorization: Bearer lt_…` (RFC 6750)."""

    def authenticate(self, request: HttpRequest, token: str) -> Wallet:
        """Return the wallet of the key. A wrong key is never taken for nobody."""
        wallet = ApiKey.wallet_of(token)
        if wallet is None or not may_sign_in(wallet.address):
            raise Problem(401, _("Nobody has this key. It may have been revoked."))
        return wallet


class Session(APIKeyCookie):
    """The session of the site, for scripts of its pages: changes need the CSRF token."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Wallet | None:
        """Return the wallet that is signed in, if one is. Raises `Problem` without the token."""
        user = cast("Request", request).user if self.param_name in request.COOKIES else None
        if not isinstance(user, Wallet):
            return None
        if is_forged(request):
            raise Problem(403, _("Send the page's CSRF token in the header X-CSRFToken."))
        return user

    def authenticate(self, request: HttpRequest, key: str | None) -> Wallet | None:
        """Named by ninja's interface; `__call__` does it all."""
        return self(request)


def nobody(request: HttpRequest) -> AnonymousUser:
    """Let in whoever shows neither key nor session; reads no session."""
    return AnonymousUser()


WALLET = [Key(), Session()]
ANYBODY = [*WALLET, nobody]
OPTIONAL: dict[str, Any] = {"security": [{}]}
"""For OpenAPI: without any of them is fine, too."""
