"""What the owner of a LoRA can do with it, and an admin; each has an address of its own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from gallery.lora import batches
from gallery.owner_forms import LoraForm
from gallery.views_lora import tools
from generations.pages import shown_batch
from trainings.exhibits import NotYours
from trainings.models import Training
from trainings.own import weights_url
from trainings.views import uuid_of
from trainings.views_start import leave
from wallets.http import WalletRequest

BATCHES = 12
"""How many batches the page of images shows at a time."""


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def edit(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Name and description: a dialog, or a page with all that the owner can do."""
    found = get_object_or_404(Training.objects.owned_by(request.user), pk=pk)
    said = {"name": found.name, "description": found.description}
    typed = request.POST if request.method == "POST" else None
    form = LoraForm(typed, initial=said, auto_id="lora-%s")
    if form.is_valid():
        found.rename(**form.cleaned_data)
        return leave(request, url_of(found))
    context = {"lora": found, "form": form} | tools(found, request.user)
    part = "#dialog" if request.htmx else ""
    status = 422 if form.is_bound else 200
    return render(request, f"gallery/lora_edit.html{part}", context, status=status)


@require_POST
def make_private(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Keep it to its owner."""
    found = get_object_or_404(Training.objects.owned_by(request.user), pk=pk)
    found.make_private()
    return leave(request, url_of(found))


@require_POST
def make_public(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Let everybody see it."""
    found = get_object_or_404(Training.objects.owned_by(request.user), pk=pk)
    found.make_public()
    return leave(request, url_of(found))


@require_POST
def hide(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Take it off the wall."""
    found = get_object_or_404(Training.objects.curated_by(request.user), pk=pk)
    found.hide(by=request.user)
    return leave(request, url_of(found))


@require_POST
def show(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Hang it on the wall again. 403 for what an admin hid."""
    found = get_object_or_404(Training.objects.curated_by(request.user), pk=pk)
    try:
        found.show(by=request.user)
    except NotYours:
        return refuse(request, _("An admin has hidden it, so only an admin can show it again."))
    return leave(request, url_of(found))


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def remove(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Say what deleting it breaks, and do it on a POST."""
    found = get_object_or_404(Training.objects.owned_by(request.user), pk=pk)
    if request.method == "POST":
        found.remove()
        return leave(request, reverse("trainings:trainings"))
    context = {"lora": found, "weights_url": weights_url(found)}
    part = "#dialog" if request.htmx else ""
    return render(request, f"gallery/lora_remove.html{part}", context)


@require_safe
def images(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Every image of a LoRA, hidden ones too, each to be hidden or shown; newest first.

    Those of its report card are among them.
    """
    found = get_object_or_404(Training.objects.curated_by(request.user), pk=pk)
    before = uuid_of(request.GET["before"]) if "before" in request.GET else None
    every = batches(found, request.user, before=before, with_cells=True)
    found_batches = list(every[: BATCHES + 1])
    context = {
        "lora": found,
        "batches": [shown_batch(batch, request.user) for batch in found_batches[:BATCHES]],
        "last": found_batches[BATCHES - 1].pk if len(found_batches) > BATCHES else None,
    }
    return render(request, "gallery/lora_images.html", context)


def url_of(lora: Training) -> str:
    """The address of its page."""
    return reverse("gallery:lora", args=[lora.pk])


def refuse(request: WalletRequest, words: str) -> HttpResponse:
    """Say why something is somebody else's to do: 403."""
    context: dict[str, Any] = {"status": 403, "title": _("That is not yours to do"), "text": words}
    template = "parts/note.html" if request.htmx else "errors/page.html"
    return render(request, template, context, status=403)
