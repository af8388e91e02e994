"""Cross-site request forgery: where a form comes from, by the browser's word or Django's token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseForbidden
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import decorator_from_middleware


class CsrfMiddleware(CsrfViewMiddleware):
    """Django's, without its token where the browser says that a page of this very site asks.

    No page can write `Sec-Fetch-Site` itself (W3C Fetch Metadata; "forbidden request-header" in the
    Fetch standard), and every browser since March 2023 sends it to https and to localhost. A token
    belongs to a cookie, and on a page whose parts arrive side by side, or that was open while its
    person signed in elsewhere, the newest cookie is not the one that the form was made for.
    """

    def process_view(
        self,
        request: HttpRequest,
        callback: Callable[..., HttpResponseBase],
        callback_args: tuple[Any, ...],
        callback_kwargs: dict[str, Any],
    ) -> HttpResponseForbidden | None:
        """Let a request of our own page pass; ask all others, programs too, for the token."""
        if request.headers.get("Sec-Fetch-Site") == "same-origin":
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)


csrf_protect = decorator_from_middleware(CsrfMiddleware)
"""For a view that another decorator has exempted from the middleware."""


def is_forged(request: HttpRequest) -> bool:
    """Whether nothing says that our own page asks, where the view is exempt from the middleware."""

    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    return csrf_protect(view)(request).status_code == 403
