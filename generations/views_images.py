"""Images: the files, and what whoever asked for them can do with them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

from datasets import storage
from generations.images import SIZES, Favourite, GeneratedImage
from generations.pages import FULL, frame, hiding
from loratrainer.outcomes import TryAgainLater
from wallets.http import Request, WalletRequest

PUBLIC = "public, max-age=300, s-maxage=60"
"""In seconds, for a browser and for caches between: so long what was just hidden may be seen."""
PRIVATE = "private, no-cache"
CONTENT_TYPES = {"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png"}
NAME_LENGTH = 60
"""Letters of a prompt in a file name."""


@login_not_required
@require_safe
def image(request: Request, pk: UUID, size: int) -> HttpResponseBase:
    """An image: 320 or 640 pixels on its longer side, or the file itself (1024, or its width).

    Who asks is looked at only for what is not public, so that caches may keep the rest.
    """
    found = GeneratedImage.objects.visible_to(AnonymousUser()).filter(pk=pk).first()
    is_public = found is not None
    if found is None:
        found = get_object_or_404(GeneratedImage.objects.visible_to(request.user), pk=pk)
    if size not in {*SIZES, FULL, found.width}:
        raise Http404
    suffix = "avif" if "image/avif" in request.headers.get("Accept", "") else "webp"
    etag = f'"{found.sha256[:32]}-{size}-{suffix}"'
    response: Any = get_conditional_response(request, etag=etag)
    if response is None:
        response = thumbnail(found, size, suffix) if size in SIZES else whole(found)
    if response.status_code != 503:
        response.headers["ETag"] = etag
        response.headers["Cache-Control"] = PUBLIC if is_public else PRIVATE
    response.headers["Vary"] = "Accept" if is_public else "Accept, Cookie"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response  # type: ignore[no-any-return]


def thumbnail(found: GeneratedImage, size: int, suffix: str) -> HttpResponse:
    """Answer with a small version of an image."""
    return file(f"{found.thumbnails}/{size}.{suffix}", f"image/{suffix}")


def whole(found: GeneratedImage) -> HttpResponse:
    """Answer with the file itself, under a name that says what it is."""
    response = file(found.file, CONTENT_TYPES[found.file.rpartition(".")[2]])
    if response.status_code == 200:
        name = content_disposition_header(as_attachment=False, filename=file_name(found))
        response.headers["Content-Disposition"] = name or "inline"
    return response


def file(name: str, content_type: str) -> HttpResponse:
    """Answer with a file of the storage; 503 while it does not answer. Raises `Http404`."""
    try:
        return HttpResponse(storage.read(name), content_type=content_type)
    except storage.Missing as missing:
        raise Http404 from missing
    except TryAgainLater as exc:
        return HttpResponse(
            str(exc), status=503, content_type="text/plain", headers={"Retry-After": "10"}
        )


def file_name(found: GeneratedImage) -> str:
    """Return what an image is saved as: `kilnglz-a-teal-vase-123456-1.jpg`."""
    batch = found.generation
    words = slugify(f"{batch.training.trigger_word} {batch.prompt}")[:NAME_LENGTH].strip("-_")
    suffix = found.file.rpartition(".")[2].replace("jpeg", "jpg")
    return f"{words}-{found.seed}-{found.number}.{suffix}"


@require_POST
def favourite(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Make an image a favourite of this wallet, or no longer: `on` says which."""
    found = get_object_or_404(GeneratedImage.objects.visible_to(request.user), pk=pk)
    if request.POST.get("on") == "1":
        Favourite.objects.get_or_create(wallet=request.user, image=found)
    else:
        Favourite.objects.filter(wallet=request.user, image=found).delete()
    return changed(request, found)


def changed(request: WalletRequest, found: GeneratedImage) -> HttpResponse:
    """Draw the buttons of an image anew, or lead back to the page that they stand on."""
    url = next_url(request, otherwise=reverse("generations:history"))
    if not request.htmx:
        return redirect(url)
    drawn = frame(found, found.generation.prompt) | hiding(found, request.user)
    drawn["is_favourite"] = found.favourites.filter(wallet=request.user).exists()
    context = {"image": drawn, "next": url, "on_page": url == drawn["page_url"]}
    return render(request, "generations/image_tools.html", context)


def next_url(request: Request, *, otherwise: str) -> str:
    """Return where a form leads afterwards: the page that it stood on, if that is one of ours."""
    url = str(request.POST.get("next", ""))
    is_ours = url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    return url if is_ours else otherwise
