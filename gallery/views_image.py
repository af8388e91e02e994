"""The page of one image, which people share, and what its maker, its LoRA's owner or an admin do.

Whoever may not see one of its LoRAs does not see the image either (`GenerationQuerySet.made_of`).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from gallery.caching import for_everybody
from gallery.views_owner import refuse
from generations.images import Hider
from generations.models import GeneratedImage, Generation
from generations.pages import frame, hiding, seen_by, shown_batch, size_words
from generations.views_images import next_url
from trainings.exhibits import NotYours
from trainings.views_start import leave
from wallets.http import Request, WalletRequest
from wallets.models import Wallet

REFUSED = {
    Hider.MAKER: gettext_lazy(
        "Whoever made it has hidden it, so only they or an admin can show it again."
    ),
    Hider.OWNER: gettext_lazy(
        "The LoRA's owner has hidden it, so only they or an admin can show it again."
    ),
    Hider.ADMIN: gettext_lazy("An admin has hidden it, so only an admin can show it again."),
}


@for_everybody
@login_not_required
@require_safe
def image(request: Request, pk: UUID) -> HttpResponse:
    """An image with its prompt, its LoRAs and how it was drawn; 404 for who may not see it."""
    found = GeneratedImage.objects.visible_to(AnonymousUser()).filter(pk=pk).first()
    is_public = found is not None
    viewer = AnonymousUser() if is_public else request.user
    if found is None:
        found = get_object_or_404(GeneratedImage.objects.visible_to(viewer), pk=pk)
    batch = seen_by(viewer, Generation.objects.all()).get(pk=found.generation_id)
    drawn = shown_batch(batch)
    context = {
        "image": frame(found, batch.prompt) | {"width": found.width, "height": found.height},
        "batch": drawn,
        "others": [other for other in drawn["images"] if other["pk"] != found.pk],
        "lora": batch.training,
        "facts": facts(found, batch),
        "is_public": is_public,
        "url": settings.SITE_URL + reverse("gallery:image", args=[found.pk]),
        "origin": settings.SITE_URL,
        "file_type": "image/png" if found.file.endswith(".png") else "image/jpeg",
    }
    return render(request, "gallery/image.html", context)


def facts(found: GeneratedImage, batch: Generation) -> list[tuple[str, object]]:
    """Return the `facts` of parts/spec.html: how it was drawn."""
    suffix = found.file.rpartition(".")[2].replace("jpg", "jpeg").upper()
    return [
        (_("Size"), size_words(found.width or 0, found.height or 0)),
        (_("Seed"), found.seed),
        (_("Steps"), batch.inference_steps),
        (_("Guidance"), f"{batch.guidance:g}"),
        (_("File"), f"{suffix}, {filesizeformat(found.size or 0)}"),
        (_("Made"), date_format(batch.created_at, _("j M Y"))),
    ]


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def image_visitor(request: Request, pk: UUID) -> HttpResponse:
    """What this visitor can do with an image, as a fragment of its page; nothing for nobody."""
    found = get_object_or_404(GeneratedImage.objects.visible_to(request.user), pk=pk)
    if not request.htmx:
        return redirect("gallery:image", pk)
    context: dict[str, Any] = {}
    if isinstance(request.user, Wallet):
        drawn = frame(found, found.generation.prompt) | hiding(found, request.user)
        drawn["is_favourite"] = found.favourites.filter(wallet=request.user).exists()
        context = {"image": drawn, "next": reverse("gallery:image", args=[pk])}
    return render(request, "gallery/image.html#visitor", context)


@require_POST
def hide_image(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Take one image away from others."""
    found = curated_or_404(request, pk)
    found.hide(by=request.user)
    return back(request, found)


@require_POST
def show_image(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Let others see one image again, as far as it is this wallet's to say. 403 with who hides it.

    What somebody else hides too stays hidden, and its page says by whom.
    """
    found = curated_or_404(request, pk)
    try:
        found.show(by=request.user)
    except NotYours:
        role = found.held_by(request.user)
        return refuse(request, str(REFUSED[role or Hider.ADMIN]))
    return back(request, found)


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def remove_image(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Say what deleting one's own image means, and do it on a POST."""
    mine = GeneratedImage.objects.visible_to(request.user).filter(generation__wallet=request.user)
    found = get_object_or_404(mine, pk=pk)
    if request.method == "POST":
        found.remove()
        return leave(request, next_url(request, otherwise=reverse("generations:history")))
    drawn = frame(found, found.generation.prompt)
    context = {"image": drawn, "next": request.GET.get("next", "")}
    part = "#dialog" if request.htmx else ""
    return render(request, f"gallery/image_remove.html{part}", context)


def curated_or_404(request: WalletRequest, pk: UUID) -> GeneratedImage:
    """Return an image that is this wallet's to hide: it made it, owns its LoRA, or is an admin.

    Raises `Http404`.
    """
    wallet = request.user
    images = GeneratedImage.objects.visible_to(wallet).select_related("generation__training")
    if not wallet.is_admin:
        images = images.filter(
            Q(generation__wallet=wallet) | Q(generation__training__wallet=wallet)
        )
    return get_object_or_404(images, pk=pk)


def back(request: WalletRequest, found: GeneratedImage) -> HttpResponse:
    """Lead to the page whose form it was, else to the images of the LoRA."""
    images_url = reverse("gallery:images", args=[found.generation.training_id])
    return redirect(next_url(request, otherwise=images_url))
