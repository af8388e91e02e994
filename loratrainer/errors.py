"""The pages of things that went wrong: what happened, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loratrainer.context import site

type View = Callable[[HttpRequest], HttpResponse]
type Words = str | Promise

RETRY_AFTER = timedelta(minutes=2)
OPEN_DURING_MAINTENANCE = ("/healthz", "/readyz", "/metrics")
OPEN_BELOW_DURING_MAINTENANCE = ("/api/webhook/", settings.STATIC_URL)
"""The paths that answer during maintenance: a webhook that is turned away may never come again."""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400: the request could not be read."""
    return _page(
        request,
        400,
        _("That request could not be read"),
        _("Something in the address or in what was sent is not what this page expects."),
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403, with the words of the exception: whoever raises it speaks to the visitor."""
    return _page(
        request,
        403,
        _("That is not yours to do"),
        str(exception) or _("It belongs to another wallet. Connect that wallet and try again."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 to a form whose token does not fit its browser any more.

    Django's `reason` is for developers, and stands in the log.
    """
    return _page(
        request,
        403,
        _("This page was open for too long"),
        _("You may have signed in or out since it was opened. Nothing was sent: load it again."),
        again=True,
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    return _page(
        request,
        404,
        _("Nothing hangs here"),
        _("The link may be cut off, or its owner has hidden or deleted what was here."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 where the database is away: providers then ring again, and people wait.

    Whatever broke may break again, so this asks nothing and nobody.
    """
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        response = _page(
            request,
            503,
            _("Our database did not answer"),
            _("Nothing is lost; trainings keep running. Try again in a minute."),
            again=True,
        )
        response.headers["Retry-After"] = "30"
        return response
    return _page(
        request,
        500,
        _("Something broke on our side"),
        _("It is in our log. Trainings that are running keep running. Try again in a minute."),
        again=True,
    )


def unavailable(request: HttpRequest) -> HttpResponse:
    """Answer 503; `Retry-After` is in seconds (RFC 9110, 10.2.3)."""
    response = _page(
        request,
        503,
        _("Back in a few minutes"),
        _("We are working on the site. Nothing is lost: trainings and payments are picked up."),
        again=True,
    )
    response.headers["Retry-After"] = str(int(RETRY_AFTER.total_seconds()))
    response.headers["Cache-Control"] = "no-store"
    return response


def maintenance(get_response: View) -> View:
    """Middleware: answer 503 to everybody while the setting `MAINTENANCE` is on."""

    def respond(request: HttpRequest) -> HttpResponse:
        is_open = request.path in OPEN_DURING_MAINTENANCE or request.path.startswith(
            OPEN_BELOW_DURING_MAINTENANCE
        )
        if settings.MAINTENANCE and not is_open:
            return unavailable(request)
        return get_response(request)

    return respond


def _page(
    request: HttpRequest, status: int, title: Words, text: Words, *, again: bool = False
) -> HttpResponse:
    """Draw a whole page, or for htmx what fits its target.

    The headers are read here and not in `request.htmx`: some errors come before its middleware.
    """
    if (
        request.headers.get("HX-Request") != "true"
        or request.headers.get("HX-Request-Type") == "full"
    ):
        template = "errors/page.html"
    elif request.headers.get("HX-Target") == "div#modal":
        template = "errors/dialog.html"
    else:
        template = "parts/note.html"
    context = {**site(None), "status": status, "title": title, "text": text, "again": again}
    response = HttpResponse(render_to_string(template, context), status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Request-Type", "HX-Target"])
    return response
