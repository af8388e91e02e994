"""Which language a page speaks: the visitor's choice, else what their browser asks for."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

type View = Callable[[HttpRequest], HttpResponse]

WITH_WORDS = ("text/html", "application/json", "application/problem+json", "application/atom+xml")
"""What is not the same in another language. Files are, and may be kept without asking which."""


def current_language() -> str:
    """Return the code of the language that is spoken now: "en", "ru"."""
    return translation.get_language() or settings.LANGUAGE_CODE


# Public pages have no CSRF token; what comes from other sites is turned away by the headers' guard.
@csrf_exempt
@login_not_required
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the posted `language` in a cookie for a year, and lead back to the page it came from."""
    return set_language(request)


def middleware(get_response: View) -> View:
    """Speak the language of the cookie `language`, else of `Accept-Language`, else English.

    Django's LocaleMiddleware finds it likewise, but does not tell caches of the cookie, keeps
    speaking when the request is over, and has its say about pictures and fonts too.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        language = translation.get_language_from_request(request)
        with translation.override(language):
            response = get_response(request)
            tell_caches(response)
        return response

    return respond


def tell_caches(response: HttpResponseBase) -> None:
    """Say in the headers which language the response speaks, and what decided about it.

    Views that answer 304 call it themselves: that answer must say the same (RFC 9110, 15.4.5), but
    no longer tells what it is about.
    """
    if response.headers.get("Content-Type", "").startswith(WITH_WORDS):
        response.headers.setdefault("Content-Language", current_language())
        patch_vary_headers(response, ["Accept-Language", "Cookie"])
