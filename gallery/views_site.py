"""What the wall tells robots, and about the weights."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gallery.caching import for_everybody
from wallets.http import Request

ROBOTS = """\
User-agent: *
Disallow: /account
Disallow: /api/
Disallow: /connect
Disallow: /datasets
Disallow: /draft
Disallow: /files/
Disallow: /generations
Disallow: /h/
Disallow: /loras?*
Disallow: /loras/pinned
Disallow: /loras/*/generate
Disallow: /loras/*/weights
Disallow: /loras/*/config
Disallow: /price
Disallow: /trainings
Disallow: /wallet
Sitemap: {sitemap}
"""
"""What is somebody's own, what is heavy, and views of the wall, whose LoRAs the sitemap has."""


@for_everybody
@login_not_required
@require_safe
def robots(request: Request) -> HttpResponse:
    """What crawlers may read, and where they begin (RFC 9309)."""
    text = ROBOTS.format(sitemap=settings.SITE_URL + reverse("gallery:sitemap"))
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@for_everybody
@login_not_required
@require_safe
def licence(request: Request) -> HttpResponse:
    """What may be done with the weights, and with what is generated."""
    return render(request, "gallery/licence.html")
