"""The two links in our mails. Their token says it all: nobody has to be signed in.

Both ask on GET and act on POST: programs that scan mails follow links, and agree to nothing.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from wallets.destinations import to_confirm, to_unsubscribe


# The token is the proof; the headers' guard turns away what other sites send.
@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Let a mail address count, because somebody who reads the mailbox says so."""
    is_ours, mailbox = to_confirm(token)
    if not is_ours:
        raise Http404
    if mailbox is None:
        context = {
            "status": 410,
            "title": _("This link has run out"),
            "text": _("It works for a day. Add the address to your notices again."),
        }
        return render(request, "errors/page.html", context, status=410)
    if request.method == "POST":
        mailbox.confirm()
        mailbox.refresh_from_db()
    return _private(render(request, "wallets/confirm.html", {"mailbox": mailbox}))


# A mail program that ends the mails for its reader (RFC 8058) has no cookie and no token of ours.
@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """End the mails to an address; whoever comes again reads that they have ended."""
    is_ours, mailbox = to_unsubscribe(token)
    if not is_ours:
        raise Http404
    if mailbox is not None and request.method == "POST":
        mailbox.remove()
        mailbox = None
    return _private(render(request, "wallets/unsubscribe.html", {"mailbox": mailbox}))


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"  # The token is in the address.
    return response
