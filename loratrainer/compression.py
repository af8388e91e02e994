"""Packs the pages that are the same for everybody."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TEXTS = ("text/", "application/json", "application/atom+xml", "application/xml")


class PublicGZipMiddleware(GZipMiddleware):
    """Packs texts that any cache may keep, and nothing else.

    Whoever can watch the length of a packed page and have it repeat their words can guess a secret
    in it (BREACH, breachattack.com). Pages that everybody gets have no secrets.
    """

    max_random_bytes = 0  # Against BREACH; here it would only make equal pages differ.

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Pack it if it is such a text and the browser can unpack it."""
        is_text = response.headers.get("Content-Type", "").startswith(TEXTS)
        is_public = "public" in response.headers.get("Cache-Control", "")
        if is_text and is_public and not response.streaming and not response.cookies:
            return super().process_response(request, response)
        return response
