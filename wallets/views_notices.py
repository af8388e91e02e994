"""Where a wallet wants to hear from us: the page, and what can be done on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from loratrainer.environment import BASE_DIR
from wallets.destinations import DESTINATIONS_PER_KIND, Destination, Kind, TooMany, offered
from wallets.forms import BrowserForm, MailboxForm, WebhookForm
from wallets.http import Request, WalletRequest
from wallets.notices import Notice
from wallets.push import public_key

WORKER = BASE_DIR / "static" / "js" / "sw.js"


@require_safe
def notices(request: WalletRequest) -> HttpResponse:
    """All browsers, mailboxes and webhooks of the wallet, and how to add one."""
    return _page(request)


@require_POST
def add_browser(request: WalletRequest) -> HttpResponse:
    """Keep a browser's subscription, which a script of ours asked it for."""
    form = BrowserForm(request.POST)
    if Kind.PUSH not in offered() or not form.is_valid():
        words = _("The browser could not be added. Allow it again.")
        return _page(request, status=422, push_error=words)
    sent = form.cleaned_data
    try:
        Destination.add_browser(
            request.user, sent["endpoint"], key=sent["p256dh"], secret=sent["auth"]
        )
    except TooMany as exc:
        return _page(request, status=409, push_error=str(exc))
    return redirect("wallets:notices")


@require_POST
def add_mailbox(request: WalletRequest) -> HttpResponse:
    """Keep a mail address, and ask there whether it agrees."""
    if Kind.MAIL not in offered():
        raise Http404
    form = MailboxForm(request.POST)
    if not form.is_valid():
        return _page(request, status=422, mailbox_form=form)
    try:
        mailbox = Destination.add_mailbox(request.user, form.cleaned_data["address"])
        if mailbox.confirmed_at is None:
            Notice.ask(mailbox)
    except TooMany as exc:
        form.add_error("address", str(exc))
        return _page(request, status=409, mailbox_form=form)
    return redirect("wallets:notices")


@require_POST
def add_webhook(request: WalletRequest) -> HttpResponse:
    """Keep the address of a webhook, and show its secret, this once."""
    form = WebhookForm(request.POST)
    if not form.is_valid():
        return _page(request, status=422, webhook_form=form)
    url = form.cleaned_data["url"]
    if request.user.destinations.live().filter(kind=Kind.WEBHOOK, address=url).exists():
        form.add_error("url", _("This webhook is in the list already."))
        return _page(request, status=409, webhook_form=form)
    try:
        made = Destination.add_webhook(request.user, url)
    except TooMany as exc:
        form.add_error("url", str(exc))
        return _page(request, status=409, webhook_form=form)
    return _page(request, status=201, made=made)


@require_safe
@vary_on_headers("HX-Request")
def destination(request: WalletRequest, pk: UUID) -> HttpResponse:
    """How one of them is doing; the page asks while a test is on its way."""
    found = get_object_or_404(request.user.destinations.live(), pk=pk)
    if not request.htmx:
        return redirect("wallets:notices")
    return _private(render(request, "wallets/notices.html#state", {"destination": found}))


@require_POST
def test(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Send a test; a second one right after it is not sent."""
    found = get_object_or_404(request.user.destinations.live(), pk=pk)
    if found.kind == Kind.MAIL:
        raise Http404  # That mails arrive was shown by the link that confirmed the address.
    Notice.test(found)
    return redirect("wallets:notices")


@require_POST
def enable(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Switch one on again that failed too often."""
    get_object_or_404(request.user.destinations.live(), pk=pk).enable()
    return redirect("wallets:notices")


@require_POST
def remove(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Send nothing there any more."""
    get_object_or_404(request.user.destinations.live(), pk=pk).remove()
    return redirect("wallets:notices")


@login_not_required
@require_safe
def worker(request: Request) -> HttpResponse:
    """The service worker that shows notices, at the root, so that it may open every page.

    Browsers ask for it again by themselves, and must then get the newest one.
    """
    response = HttpResponse(WORKER.read_bytes(), content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _page(request: WalletRequest, *, status: int = 200, **extra: Any) -> HttpResponse:
    live = request.user.destinations.live()
    kinds = offered()
    context: dict[str, Any] = {
        "browsers": live.of(Kind.PUSH),
        "mailboxes": live.of(Kind.MAIL),
        "webhooks": live.of(Kind.WEBHOOK),
        "push_key": public_key(),
        "has_mail": Kind.MAIL in kinds,
        "most": DESTINATIONS_PER_KIND,
        "mailbox_form": MailboxForm(),
        "webhook_form": WebhookForm(),
    }
    return _private(render(request, "wallets/notices.html", context | extra, status=status))


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "private, no-store"
    return response
