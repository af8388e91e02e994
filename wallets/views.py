"""Signing in with a wallet (EIP-4361), and out again."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url, reselect, reswap, retarget

from loratrainer.paths import own_path
from wallets.demo import is_available
from wallets.forms import ChallengeForm, SignatureForm
from wallets.http import Request, WalletRequest
from wallets.models import Challenge, TooManyChallenges, Wallet, may_sign_in, shorten_address
from wallets.networks import LOGGED, network_of
from wallets.signatures import BadSignature, NodeUnavailable, check_signature

logger = logging.getLogger(__name__)

BODY_BYTES = 12_000
"""The most that a request to sign in may send."""
BROWSER_COOKIE = "__Host-browser" if settings.HTTPS else "browser"
"""Holds the secret that binds a challenge to the browser that asked for it."""

type View = Callable[[Request], HttpResponse]


class Refusal(Exception):
    """Nobody is signed in: words for the person, an outcome for the log, a wait in seconds."""

    def __init__(
        self, status: int, outcome: str, words: str, *, address: str = "", wait: int | None = None
    ) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.address = address
        self.response = JsonResponse({"error": words}, status=status)
        if wait is not None:
            self.response.headers["Retry-After"] = str(wait)


def answers_refusals(view: View) -> View:
    """Turn a `Refusal` into `{error}` and a line in the log; refuse what is too long to be read."""

    @wraps(view)
    def respond(request: Request) -> HttpResponse:
        try:
            length = request.META.get("CONTENT_LENGTH") or "0"
            if not length.isdecimal() or int(length) > BODY_BYTES:
                raise Refusal(413, "too long", _("That is more than a wallet has to say."))
            return view(request)
        except Refusal as refusal:
            _log(request, refusal.outcome, refusal.address)
            return refusal.response

    return respond


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def connect(request: Request) -> HttpResponse:
    """The list of wallets: a page, or a dialog over the page that sent an htmx request.

    A fragment that needs a wallet redirects here, so the answer says itself where it belongs: on
    top of whatever is open, and not where that fragment would have been.
    """
    context = {
        "next": _next_url(request),
        "chain_id": settings.CHAIN_ID,
        "demo_wallet": is_available(),
    }
    if not request.htmx or request.htmx.boosted or request.htmx.history_restore_request:
        return render(request, "wallets/connect.html", context)
    dialog = render(request, "wallets/connect.html#dialog", context)
    placed = reselect(reswap(retarget(dialog, "#modal"), "beforeend"), "dialog")
    return push_url(placed, url=False)


@login_not_required
@require_POST
@answers_refusals
def challenge(request: Request) -> HttpResponse:
    """Answer with a text that this address may sign, once, in this browser: `{id, text}`."""
    address: str = _cleaned(ChallengeForm(request.POST))["address"]
    _admit(address)
    secret = request.COOKIES.get(BROWSER_COOKIE) or secrets.token_urlsafe(32)
    try:
        issued = Challenge.issue(address, browser_secret=secret, network=network_of(request))
    except TooManyChallenges:
        words = _("Too many attempts from your network. Wait a minute.")
        raise Refusal(429, "too many challenges", words, address=address, wait=60) from None
    response = JsonResponse({"id": issued.pk, "text": issued.text})
    response.set_cookie(
        BROWSER_COOKIE,
        secret,
        max_age=settings.CHALLENGE_LIFETIME,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Strict",
    )
    return response


@login_not_required
@require_POST
@answers_refusals
def verify(request: Request) -> HttpResponse:
    """Sign the wallet in whose signature belongs to the challenge: `{next, csrf_token}`.

    The challenge is consumed before the signature is looked at, so each costs us one look.
    """
    sent = _cleaned(SignatureForm(request.POST))
    secret = request.COOKIES.get(BROWSER_COOKIE, "")
    try:
        asked = Challenge.consume(sent["challenge"], browser_secret=secret)
    except Challenge.DoesNotExist:
        words = _("This request to sign is used up or too old. Try again.")
        raise Refusal(401, "unknown challenge", words) from None
    address = asked.address
    _admit(address)
    try:
        check_signature(address, asked.text, sent["signature"], chain_id=asked.chain_id)
    except BadSignature:
        words = _("The signature is not from {address}.").format(address=shorten_address(address))
        raise Refusal(401, "bad signature", words, address=address) from None
    except NodeUnavailable:
        words = _("Base did not answer, so we could not check. Try again in a moment.")
        raise Refusal(503, "node unavailable", words, address=address, wait=10) from None
    wallet, _created = Wallet.objects.get_or_create(address=address)
    login(request, wallet)
    _log(request, "signed in", address)
    return JsonResponse({"next": own_path(sent["next"]), "csrf_token": get_token(request)})


@login_not_required
@require_POST
def disconnect(request: Request) -> HttpResponse:
    """End this browser's session, here and in the database."""
    logout(request)
    return redirect("home")


@require_POST
def disconnect_everywhere(request: WalletRequest) -> HttpResponse:
    """End every session of this wallet."""
    request.user.end_sessions()
    logout(request)
    return redirect("home")


@login_not_required
@require_safe
def account(request: Request) -> HttpResponse:
    """The corner of every page that says who is signed in."""
    if not request.htmx:
        return redirect("wallets:wallet")
    context = {
        "next": _next_url(request),
        "chain_id": settings.CHAIN_ID,
        "demo_wallet": is_available(),
    }
    return render(request, "wallets/account.html", context)


@require_safe
def wallet(request: WalletRequest) -> HttpResponse:
    """The wallet that is signed in."""
    return render(request, "wallets/wallet.html", {"demo_wallet": is_available()})


def _next_url(request: Request) -> str:
    """Where to go after signing in: back to the page that asked, not to its fragment."""
    if request.htmx:
        here = request.htmx.current_url_abs_path or "/"
        return own_path(request.GET.get("next", "") if here.startswith(request.path) else here)
    return own_path(request.GET.get("next", ""))


def _cleaned(form: Form) -> dict[str, Any]:
    if not form.is_valid():
        first = next(str(error) for errors in form.errors.values() for error in errors)
        raise Refusal(400, "unreadable", first)
    return form.cleaned_data


def _admit(address: str) -> None:
    if not may_sign_in(address):
        words = _("This site is open to some wallets only, and yours is not among them.")
        raise Refusal(403, "not on the list", words, address=address)


def _log(request: HttpRequest, outcome: str, address: str) -> None:
    who = shorten_address(address) if address else "-"
    logger.info("outcome=%r wallet=%s network=%s", outcome, who, network_of(request, LOGGED))
