"""What operations of the API say about their requests and responses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from gallery.api_problems import Invalid, Problem, answer
from gallery.caching import FOR_EVERYBODY
from gallery.schemas import ProblemDetails
from wallets.models import Wallet

type Run = Callable[..., HttpResponse]

JSON_BYTES = 100_000


def problems(*statuses: int) -> dict[int, type[ProblemDetails]]:
    """Return the part of ninja's `response` that names what can go wrong."""
    return dict.fromkeys(statuses, ProblemDetails)


def takes(media_type: str, most: Callable[[], int]) -> Callable[[Run], Run]:
    """Refuse a body of another type, or that says to be longer than `most()` bytes, unread."""

    def decorate(run: Run) -> Run:
        @wraps(run)
        def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.content_type != media_type:
                words = _("Send {type}.").format(type=media_type)
                return answer(Problem(415, words, headers={"Accept-Post": media_type}))
            if int(request.META.get("CONTENT_LENGTH") or 0) > most():
                return answer(Problem(413))
            return run(request, *args, **kwargs)

        return respond

    return decorate


def cached_for(viewer: Wallet | AnonymousUser, response: HttpResponse) -> None:
    """Let caches keep what everybody may read, and nobody what one wallet reads."""
    response.headers["Vary"] = "Authorization, Cookie"
    response.headers["Cache-Control"] = (
        "private, no-store" if isinstance(viewer, Wallet) else FOR_EVERYBODY
    )


def only(request: HttpRequest, *names: str) -> None:
    """Raise 422 for a parameter that there is not: a typing error would change what is meant."""
    words = _("There is no such parameter.")
    unknown = [name for name in request.GET if name not in names]
    if unknown:
        raise Invalid([{"parameter": name[:100], "detail": words} for name in unknown])
