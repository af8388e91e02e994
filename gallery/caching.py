"""What may be kept of a page that is the same for everybody, by whom, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponseBase
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page

from loratrainer.languages import tell_caches
from wallets.http import Request

type View = Callable[..., HttpResponseBase]

FOR_EVERYBODY = "public, max-age=0, s-maxage=30, stale-while-revalidate=300"
"""Browsers ask each time, a cache before us at most every 30 seconds (RFC 9111, RFC 5861)."""


def for_everybody(view: View) -> View:
    """Let shared caches keep what a view answers with 200, unless it has read who asks.

    The answer gets an `ETag` of its bytes, is 304 to whoever has them, and is sent packed: nothing
    in it is secret, so its length tells nothing (the BREACH attack).
    """

    @wraps(view)
    def respond(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        tell_caches(response)
        if response.status_code == 200 and not request.session.accessed:
            response.headers.setdefault("Cache-Control", FOR_EVERYBODY)
        return response

    return gzip_page(conditional_page(respond))
