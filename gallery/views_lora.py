"""The page of one LoRA, and the part of it that depends on who looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from gallery.caching import for_everybody
from gallery.lora import lora_page, older_batches
from generations.pages import drawn_allowance
from generations.report_pages import shown_card
from trainings.http import lora_or_404
from trainings.models import Training
from trainings.views import uuid_of
from wallets.http import Request
from wallets.models import Wallet

if TYPE_CHECKING:
    from generations.pages import Viewer


@for_everybody
@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def lora(request: Request, pk: UUID) -> HttpResponse:
    """Facts, pictures, downloads, and images by batch; `before` is the last batch of a page."""
    found = lora_or_404(request, pk)
    before = uuid_of(request.GET["before"]) if "before" in request.GET else None
    if request.htmx and before:
        context = older_batches(found, _viewer(request, found), before=before)
        return render(request, "gallery/lora.html#batches", context)
    context = lora_page(found, _viewer(request, found), before=before)
    return render(request, "gallery/lora.html", context)


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def visitor(request: Request, pk: UUID) -> HttpResponse:
    """What the page says to this visitor: how many batches are left, and what is theirs to do."""
    found = lora_or_404(request, pk)
    if not request.htmx:
        return redirect("gallery:lora", pk)
    context: dict[str, Any] = {"lora": found, "allowance": drawn_allowance(request.user)}
    if isinstance(request.user, Wallet):
        context |= tools(found, request.user)
    return render(request, "gallery/lora_visitor.html", context)


@for_everybody
@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def report(request: Request, pk: UUID) -> HttpResponse:
    """The report card, which the page asks for again while its images are drawn."""
    found = lora_or_404(request, pk)
    if not request.htmx:
        return redirect(f"{reverse('gallery:lora', args=[pk])}#report")
    card = shown_card(found, _viewer(request, found))
    if card is None:
        raise Http404
    return render(request, "gallery/report.html", {"lora": found, "report": card})


def tools(lora: Training, wallet: Wallet) -> dict[str, bool]:
    """What this wallet may do with a LoRA, for `gallery/lora_tools.html`."""
    is_owner = lora.wallet_id == wallet.pk
    return {
        "is_owner": is_owner,
        "can_hide": is_owner or wallet.is_admin,
        "can_show": lora.can_be_shown_by(wallet),
    }


def _viewer(request: Request, lora: Training) -> Viewer:
    """Nobody for what is public, so that everybody gets the same bytes."""
    return AnonymousUser() if lora.is_public else request.user
