"""A wallet's own trainings: the list, one of them, and what its owner can do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from loratrainer.jobs import StaleJob
from payments.templatetags.payments import usd
from trainings.drafts import Draft
from trainings.models import TooLate
from trainings.own import earlier, own, report, row
from trainings.progress import WORKING, headline, percent_of, url_of
from trainings.views import uuid_of
from trainings.views_start import leave
from wallets.http import Request, WalletRequest
from wallets.models import Wallet

if TYPE_CHECKING:
    from trainings.own import OwnTraining

PAGE = 20
"""How many trainings the list shows at a time."""


@require_safe
@vary_on_headers("HX-Request")
def trainings(request: WalletRequest) -> HttpResponse:
    """Mine, the newest first, twenty at a time; `before` is the last one of the page before."""
    mine = own(request.user)
    before = request.GET.get("before", "")
    if before:
        mine = earlier(mine, than=get_object_or_404(mine, pk=uuid_of(before)))
    found = list(mine[: PAGE + 1])
    context = {
        "rows": [row(training) for training in found[:PAGE]],
        "last": found[PAGE - 1].pk if len(found) > PAGE else None,
        "before": before,
    }
    part = "#rows" if request.htmx and before else ""
    return render(request, f"trainings/trainings.html{part}", context)


@require_safe
@vary_on_headers("HX-Request")
def training(request: WalletRequest, pk: UUID) -> HttpResponse:
    """How one training is doing: a page, or the part of it that asks again while it works."""
    found = get_object_or_404(own(request.user), pk=pk)
    part = "#progress" if request.htmx else ""
    return render(request, f"trainings/training.html{part}", report(found))


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def cancel(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Say what cancelling means for the money, and do it on a POST. 409 when it is too late."""
    found = get_object_or_404(own(request.user), pk=pk)
    if request.method == "POST":
        try:
            found.cancel()
        except (TooLate, StaleJob):
            return too_late(request, pk)
        return leave(request, url_of(found))
    if not found.can_be_cancelled:
        return too_late(request, pk)
    context = {"training": found, "price": usd(found.price_cents) if found.is_charged else ""}
    part = "#dialog" if request.htmx else ""
    return render(request, f"trainings/cancel.html{part}", context)


@require_POST
def retry(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Begin again after a failure, for nothing more. 409 when it has not failed."""
    found = get_object_or_404(own(request.user), pk=pk)
    try:
        found.retry()
    except (TooLate, StaleJob):
        return too_late(request, pk)
    return leave(request, url_of(found))


@require_POST
def again(request: WalletRequest, pk: UUID) -> HttpResponse:
    """A new draft with everything of this training, to be changed on the train page."""
    Draft.again(get_object_or_404(own(request.user), pk=pk))
    return leave(request, reverse("home"))


@login_not_required
@require_safe
def now(request: Request) -> HttpResponse:
    """The bar that follows a person over the pages while something of theirs is trained.

    `was` is the training that the page showed last: when it is over, a toast says so, once.
    """
    if not isinstance(request.user, Wallet):
        return HttpResponse()
    last = Q(pk=uuid_of(request.GET["was"])) if "was" in request.GET else Q()
    found = own(request.user).filter(Q(status__in=WORKING) | last)
    elsewhere = [training for training in found if not _is_open(request, training)]
    working = next((training for training in elsewhere if training.status in WORKING), None)
    context: dict[str, Any] = {"training": working}
    if working:
        drawn = {"url": url_of(working), "percent": percent_of(working)}
        context |= drawn | {"headline": headline(working)}
    response = render(request, "trainings/now.html", context)
    for over in elsewhere:
        if str(over.pk) == request.GET.get("was") and over.is_over:
            words = f"{over.trigger_word}: {headline(over)}."
            toast = {"text": words, "href": url_of(over), "label": _("View")}
            trigger_client_event(response, "toast", toast)
    return response


def too_late(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Answer 409: it has gone on meanwhile, so that cannot be done any more."""
    found = get_object_or_404(own(request.user), pk=pk)
    context = {
        "status": 409,
        "title": _("It has gone on meanwhile"),
        "text": f"{found.trigger_word}: {headline(found)}.",
        "url": url_of(found),
        "label": _("View it"),
    }
    template = "parts/note.html" if request.htmx else "errors/page.html"
    return render(request, template, context, status=409)


def _is_open(request: Request, training: OwnTraining) -> bool:
    """Whether the person is on the training's own page, which says it all."""
    return request.htmx.current_url_abs_path == url_of(training)
