"""Addresses that only the browser tests have, beside those of the site."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

from loratrainer.urls import (  # noqa: F401 - the error pages of the site
    handler400,
    handler403,
    handler404,
    handler500,
)
from loratrainer.urls import urlpatterns as site_urls

polled: list[str] = []
"""The addresses that were polled, in their order."""


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


@login_not_required
def dialog(request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        '<dialog class="panel" aria-labelledby="t"><header><h2 id="t" tabindex="-1" autofocus>Title'
        '</h2><button class="btn quiet icon" type="button" data-close aria-label="Close">x</button>'
        '</header><a class="btn" href="/toast" hx-get="/toast" hx-swap="none">Say it</a></dialog>'
    )


@login_not_required
def toast(request: HttpRequest) -> HttpResponse:
    words = '{"toast": {"text": "KILNGLZ is ready.", "href": "/", "label": "View"}}'
    return HttpResponse(status=204, headers={"HX-Trigger": words})


@login_not_required
def poll(request: HttpRequest) -> HttpResponse:
    polled.append(request.path)
    return HttpResponse(
        '<p id="poll" hx-get="/poll" hx-trigger="every 50ms" hx-swap="outerMorph">Working</p>'
    )


urlpatterns = [
    *site_urls,
    path("broken", broken),
    path("dialog", dialog),
    path("toast", toast),
    path("poll", poll),
]
