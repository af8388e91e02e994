"""Images of LoRAs: the strip, the training pictures, the card for links; and what describes it."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from datasets import storage
from datasets.http import in_words
from gallery import cards
from trainings.http import lora_or_404
from trainings.models import Training
from wallets.http import Request

KEPT = "public, max-age=3600, s-maxage=60"
"""For how long public images are kept: by a browser that has seen one, and by caches between.

What is hidden is shown to nobody new after a minute.
"""
THUMBNAILS = (160, 640)
"""Sides in pixels: square, and fitted."""


@login_not_required
@require_safe
@in_words
def strip(request: Request, pk: UUID) -> HttpResponseBase:
    """Four training pictures as film, 770 by 200 pixels; made when it is first asked for."""
    found = lora_or_404(request, pk)
    if not found.dataset.strip:
        found.dataset.develop_strip()
    if not found.dataset.strip:
        raise Http404
    return _image(request, found, f"{found.dataset.strip}/strip")


@login_not_required
@require_safe
@in_words
def picture(request: Request, pk: UUID, picture_pk: UUID, size: int) -> HttpResponseBase:
    """A training picture: 160 pixels square, or 640 on the longer side."""
    found = lora_or_404(request, pk)
    pictures = found.dataset.pictures.chosen().exclude(thumbnails="")
    shown = get_object_or_404(pictures, pk=picture_pk)
    if size not in THUMBNAILS:
        raise Http404
    return _image(request, found, f"{shown.thumbnails}/{size}")


@login_not_required
@require_safe
@in_words
def card(request: Request, pk: UUID) -> HttpResponseBase:
    """What other sites show beside a link: 1200 by 630 pixels. Public LoRAs only."""
    found = get_object_or_404(Training.objects.public().select_related("dataset"), pk=pk)
    name, file = cards.card(found)
    response = HttpResponse(file, content_type="image/jpeg")
    # Other sites may show it: that is what it is for.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = KEPT
    return _unless_known(request, name, response)


@login_not_required
@require_safe
def oembed(request: Request) -> JsonResponse:
    """Describe a public LoRA by the address of its page (https://oembed.com, 2.3).

    400 without an address, 404 for any other, 501 for another format than JSON.
    """
    if request.GET.get("format", "json") != "json":
        return JsonResponse({"error": "Only JSON is spoken here."}, status=501)
    if "url" not in request.GET:
        return JsonResponse({"error": "The address is missing: ?url=…"}, status=400)
    found = _lora_at(request.GET["url"])
    card_url = settings.SITE_URL + reverse("gallery:card", args=[found.pk])
    width, height = cards.SIZE
    described = {
        "version": "1.0",
        "type": "photo",
        "title": found.trigger_word,
        "author_name": found.wallet.short_address,
        "author_url": found.wallet.explorer_url,
        "provider_name": settings.SITE_NAME,
        "provider_url": settings.SITE_URL,
        "url": card_url,
        "width": width,
        "height": height,
    }
    return JsonResponse(described, headers={"Cache-Control": KEPT})


def _lora_at(url: str) -> Training:
    """The public LoRA whose page this is. Raises `Http404`."""
    try:
        address = urlsplit(url)
        match = resolve(address.path)
    except (ValueError, Resolver404) as error:
        raise Http404 from error
    if f"{address.scheme}://{address.netloc}" != settings.SITE_URL:
        raise Http404
    if match.view_name != "gallery:lora":
        raise Http404
    return get_object_or_404(Training.objects.public().select_related("wallet"), **match.kwargs)


def _image(request: Request, lora: Training, name: str) -> HttpResponseBase:
    """An image of the storage that has no suffix yet: AVIF for browsers that take it, else WebP.

    Whoever may not see the LoRA any more gets no image either, once their hour is over.
    """
    suffix = "avif" if "image/avif" in request.headers.get("Accept", "") else "webp"
    response = HttpResponse(content_type=f"image/{suffix}")
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Vary"] = "Accept"
    response.headers["Cache-Control"] = KEPT if lora.is_public else "private, no-cache"
    answer = _unless_known(request, f"{name}.{suffix}", response)
    if answer is response:
        response.content = storage.read(f"{name}.{suffix}")
    return answer


def _unless_known(request: HttpRequest, name: str, response: HttpResponse) -> HttpResponseBase:
    """The response, or 304 for a browser that has it: files never change under their names."""
    etag = f'"{hashlib.sha256(name.encode()).hexdigest()[:24]}"'
    response.headers["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response
