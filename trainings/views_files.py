"""The addresses that people copy: they stay, and lead to wherever the files are at the moment."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from datasets import storage
from loratrainer.outcomes import TryAgainLater
from trainings.http import lora_or_404
from trainings.own import filename, suffix_of
from wallets.http import Request

OPEN_FOR = timedelta(hours=1)
"""How long the address that we lead to can be read: a slow download begins well within."""


@login_not_required
@require_safe
def weights(request: Request, pk: UUID, name: str = "") -> HttpResponse:
    """The LoRA itself: public, unless its owner keeps it private. Never through our own memory.

    The address may end in a file's name, because some tools take no other (Replicate wants
    `….safetensors`) and some save the file under it; which name it is changes nothing.
    """
    lora = lora_or_404(request, pk)
    return lead_to(request, lora.weights, filename(lora, ".safetensors"))


@login_not_required
@require_safe
def config(request: Request, pk: UUID) -> HttpResponse:
    """What the trainer wrote about how it trained, where it wrote anything."""
    lora = lora_or_404(request, pk)
    if not lora.config:
        raise Http404
    return lead_to(request, lora.config, filename(lora, f"-config{suffix_of(lora.config)}"))


def lead_to(request: Request, name: str, filename: str) -> HttpResponse:
    """Redirect to a signed address of the storage, for an hour; 503 while it cannot sign."""
    try:
        url = storage.signed_url(name, expires_in=OPEN_FOR, filename=filename)
    except TryAgainLater as exc:
        context = {"status": 503, "title": _("The file is out of reach"), "text": str(exc)}
        response = render(request, "errors/page.html", context | {"again": True}, status=503)
        response.headers["Retry-After"] = "10"
        return response
    return HttpResponseRedirect(url, headers={"Cache-Control": "private, no-store"})
