"""From this browser to another one: where the wallet is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from datasets.http import refuse
from datasets.models import Dataset, Frozen, NotReady, TooMany
from loratrainer.paths import own_path
from loratrainer.qr import qr
from trainings.drafts import Draft
from trainings.handovers import Gone, Handover
from trainings.models import Training
from trainings.progress import headline
from trainings.states import Status
from trainings.views import draft_of
from wallets.deep_links import deep_links
from wallets.http import Request


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def handover(request: Request) -> HttpResponse:
    """How the draft's way to another browser is going; a POST offers it, by code and by links.

    Without a draft the page alone is offered, which anybody may open.
    """
    try:
        draft = draft_of(request)
    except Frozen:
        draft = None  # It is being trained with already.
    if request.method == "POST":
        part = "#offer" if request.htmx else ""
        context = offer(draft, own_path(request.POST.get("next", "")))
        return render(request, f"trainings/handover.html{part}", context)
    found = Handover.objects.filter(dataset=draft.dataset).first() if draft else None
    if request.htmx and found and found.is_open:
        return HttpResponse(status=204)  # The code stays where it is.
    part = "#way" if request.htmx else ""
    return render(request, f"trainings/handover.html{part}", {"draft": draft} | way(found))


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def go_on(request: Request, token: str) -> HttpResponse:
    """What the other browser shows first; a POST takes the draft over.

    Whatever looks at addresses before people do sends no POST, and so uses none up.
    """
    found = Handover.objects.of_token(token).select_related("dataset").first()
    if found is None:
        return gone(request)
    if Dataset.objects.mine(request).filter(pk__in=[found.dataset_id, found.taken_id]).exists():
        return redirect(found.next_url)  # Opened twice, or where it comes from.
    if request.method == "POST":
        return take(request, found)
    if not found.is_open:
        return gone(request)
    context = {"images": found.dataset.pictures.chosen().count(), "name": name_of(found.dataset)}
    return render(request, "trainings/go_on.html", context)


def offer(draft: Draft | None, next_url: str) -> dict[str, Any]:
    """Offer the draft, and return the context of trainings/handover.html#offer."""
    path, images = next_url, 0
    if draft:
        token = Handover.offer(draft.dataset, next_url=next_url)
        path = reverse("trainings:go_on", args=[token])
        images = draft.dataset.pictures.chosen().count()
    url = settings.SITE_URL + path
    codes = {"url": url, "qr": qr(url), "deep_links": deep_links(url)}
    return {"draft": draft, "images": images, **codes}


def way(found: Handover | None) -> dict[str, Any]:
    """Return the context of trainings/handover.html#way: how far a draft is on its way."""
    if found is None:
        return {"words": _("Nothing is on its way to another browser."), "can_offer": True}
    if found.is_open:
        return {"words": _("Waiting until you open it there"), "is_going": True}
    if not found.taken:
        words = _("The code has expired. Nothing is lost.")
        return {"words": words, "can_offer": True, "next": found.next_url}
    if training := found.taken.trainings.first():
        return way_of(training)
    return {"words": _("It is open there. Continue in that browser."), "is_going": True}


def way_of(training: Training) -> dict[str, Any]:
    """Return the same for a draft that has become a training in the other browser."""
    if training.status == Status.AWAITING_PAYMENT:
        return {"words": _("Waiting for the payment there"), "is_going": True}
    if training.status in (Status.FAILED, Status.CANCELLED):
        return {"words": headline(training)}
    return {"words": _("Paid. The training has begun."), "has_begun": True}


def take(request: Request, found: Handover) -> HttpResponse:
    """Give this browser its copy, and go on; or say why not."""
    try:
        found.take(request)
    except (Gone, Frozen):
        return gone(request)
    except NotReady as exc:
        return refuse(request, 409, str(exc))
    except TooMany as exc:
        return refuse(request, 429, str(exc))
    return redirect(found.next_url)


def gone(request: Request) -> HttpResponse:
    """Answer 404, with words: with this address nobody gets anything, or not any more."""
    words = _("A link works once, for 15 minutes. Make a new one where you got it.")
    return refuse(request, 404, _("This link has been used, or it has expired"), words)


def name_of(dataset: Dataset) -> str:
    """Return what a draft is called."""
    draft = Draft.objects.filter(dataset=dataset).first()
    word = draft.typed.get("trigger_word") if draft else ""
    return word or dataset.channel_title or _("Your LoRA")
