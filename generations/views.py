"""Asking for images: the dialog, and how a batch is doing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.functions import Now
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from generations.allowance import LimitReached
from generations.dialog import asked_of, dialog, form_for, query_of
from generations.models import Generation
from generations.pages import drawn_allowance, seen_by, shown_batch
from trainings.http import lora_or_404
from trainings.models import Training
from wallets.http import Request
from wallets.models import Wallet

if TYPE_CHECKING:
    from generations.forms import PromptForm
    from generations.pages import SeenBatch

RECENT = timedelta(minutes=10)
"""So long the dialog still shows what was asked for last, if it was closed meanwhile."""
GENERATED = "generated"
"""The event that the page hears when a batch has begun, and when it is over."""


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request", "HX-Target")
def generate(request: Request, pk: UUID) -> HttpResponse:
    """The dialog, or a page without script; a POST begins a batch.

    A query says what the fields begin with. Without one, it goes on where it was closed.
    """
    lora = lora_or_404(request, pk)
    if request.method == "POST":
        return begin(request, lora)
    batch = None if request.GET else latest(request, lora)
    query = asked_of(batch) if batch else query_of(request.GET)
    form = form_for(request.user, lora, query=query)
    return answer(request, lora, dialog(request.user, lora, form, batch=batch))


def begin(request: Request, lora: Training) -> HttpResponse:
    """Begin the batch of the form: 422, 401 or 429 with all that was typed, if it cannot begin."""
    form = form_for(request.user, lora, data=request.POST)
    status, wait = 422, 0
    if not isinstance(request.user, Wallet):
        status = 401
    elif form.is_valid():
        try:
            batch = Generation.begin(request.user, lora, **form.choices())
        except ValidationError as refused:
            form.add_error(None, refused)
        except LimitReached as reached:
            wait = max(1, int((reached.free_at - timezone.now()).total_seconds()))
            status = 429
        else:
            if form.asked_for(batch) and batch.training_id == lora.pk:
                return begun(request, lora, form, batch)
            words = _("This form was sent before with something else in it. Send it once more.")
            form.add_error(None, words)
    response = answer(request, lora, dialog(request.user, lora, form), status=status)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def begun(request: Request, lora: Training, form: PromptForm, batch: Generation) -> HttpResponse:
    """Show a batch that was begun; the same form again leads to the same batch."""
    if not request.htmx:
        return redirect("generations:generation", batch.pk)
    seen = seen_by(request.user, Generation.objects.all()).get(pk=batch.pk)
    response = answer(request, lora, dialog(request.user, lora, form, batch=seen))
    return trigger_client_event(response, GENERATED)


def answer(
    request: Request, lora: Training, gen: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Draw what was asked for: a new dialog, what is in it, or a page."""
    is_new = request.htmx.target == "div#modal"
    template = "generations/generate.html"
    if request.htmx:
        template = "generations/generate.html#dialog" if is_new else "parts/generate.html#pane"
    # What is put into an open dialog must leave the focus where it is.
    context = {"lora": lora, "gen": gen, "inline": not is_new}
    return render(request, template, context, status=status)


def latest(request: Request, lora: Training) -> SeenBatch | None:
    """Return the visitor's batch of this LoRA that is being drawn, or was a moment ago."""
    if not isinstance(request.user, Wallet):
        return None
    recent = Q(due_at__isnull=False) | Q(created_at__gt=Now() - RECENT)
    seen = Training.objects.visible_to(request.user)
    mine = request.user.generations.wished().filter(recent, training=lora).made_of(seen)
    return seen_by(request.user, mine.newest()).first()


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def generation(request: Request, pk: UUID) -> HttpResponse:
    """One batch: its images, and for whoever asked for it how it is doing."""
    batch, is_mine = batch_or_404(request, pk)
    lora = lora_or_404(request, batch.training_id)
    context: dict[str, Any] = {"lora": lora, "batch": shown_batch(batch), "is_mine": is_mine}
    if not is_mine:
        return render(request, "generations/generation.html", context)
    if request.htmx:
        context["gen"] = dialog(request.user, lora, batch=batch)
        response = render(request, "parts/generate.html#poll", context)
        return trigger_client_event(response, GENERATED) if batch.is_over else response
    form = form_for(request.user, lora, query=asked_of(batch))
    context["gen"] = dialog(request.user, lora, form, batch=batch)
    return render(request, "generations/generation.html", context)


def batch_or_404(request: Request, pk: UUID) -> tuple[SeenBatch, bool]:
    """Return a batch that the visitor may see, and whether they asked for it. Raises `Http404`."""
    mine = Q(wallet=request.user) if isinstance(request.user, Wallet) else Q(pk__in=[])
    loras = Training.objects.visible_to(request.user)
    seen = Generation.objects.visible_to(request.user).filter(pk=pk)
    own = Generation.objects.wished().filter(mine).made_of(loras)
    found = Generation.objects.filter(Q(pk__in=seen) | Q(pk__in=own), pk=pk)
    batch = seen_by(request.user, found).first()
    if batch is None:
        raise Http404
    return batch, batch.wallet == request.user


@login_not_required
@require_safe
def allowance(request: Request) -> HttpResponse:
    """How many generations are left, as a fragment."""
    context = {"allowance": drawn_allowance(request.user)}
    return render(request, "parts/allowance.html", context)
