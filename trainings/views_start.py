"""From a draft to a training: what will be sent, the start, and the price to pay."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect

from datasets.archives import training_caption
from datasets.forms import read_captions
from datasets.models import Dataset, Frozen, NotReady, TooMany
from loratrainer.outcomes import TryAgainLater
from payments.models import CannotPay, Quote
from payments.models import TooMany as TooManyQuotes
from providers.base import Kind as KindName
from providers.base import TrainingOrder
from trainings.drafts import Draft
from trainings.forms import TrainingForm
from trainings.models import Training
from trainings.own import purpose_of
from trainings.progress import url_of
from trainings.states import Status
from trainings.ticket import missing_cents
from trainings.views import changes, draft_of, form_of, page, refuse_too_many, uuid_of
from wallets.http import Request
from wallets.models import Wallet

logger = logging.getLogger(__name__)

NO_WORD = "TOK"
"""Stands in the preview while no trigger word is typed; it is the trainers' own example."""


@login_not_required
@require_POST
def start(request: Request) -> HttpResponse:
    """Begin the training of the draft, and lead to its page, where it is paid for.

    Nothing typed is lost: not by an error (422), and not by signing in first. A second click leads
    to the training of the first one.
    """
    if training := begun(request):
        return leave(request, url_of(training))
    try:
        draft = draft_of(request) or Draft(dataset=Dataset.begin(request))
        form = form_of(draft, request.POST)
        keep(draft, request.POST.dict())
        if not isinstance(request.user, Wallet):
            return leave(request, f"{reverse('wallets:connect')}?next={reverse('home')}")
        training = begin(request.user, draft, form)
    except NotReady as exc:
        return refuse(request, draft, form, str(exc))
    except TooMany as exc:
        return refuse_too_many(request, exc)
    except Frozen:
        return leave(request, reverse("trainings:trainings"))
    ask_price(training)
    return leave(request, url_of(training))


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def preview(request: Request) -> HttpResponse:
    """What the trainer would get: the archive's files, each caption, and the request."""
    draft = Draft.current(request)
    form = form_of(draft)
    word = str(form["trigger_word"].value() or "").strip() or NO_WORD
    pictures = draft.dataset.pictures.chosen().kept() if draft else []
    context = {
        "files": [
            {
                "name": f"{number:03}{picture.suffix}",
                "caption_name": f"{number:03}.txt",
                "caption": training_caption(
                    picture.caption, trigger_word=word, kind=form.chosen_kind
                ),
                "src": picture.square_url,
                "size": picture.source_size,
            }
            for number, picture in enumerate(pictures, 1)
        ],
        "model": form.trainer.model,
        "sent": json.dumps(sent(form, word), indent=2, ensure_ascii=False, default=str),
    }
    part = "#dialog" if request.htmx else ""
    return render(request, f"trainings/preview.html{part}", context)


def sent(form: TrainingForm, word: str) -> dict[str, Any]:
    """Return what the trainer's adapter would send, or the order that it writes it from.

    Our keys are in no body.
    """
    strict = form.strict()
    strict.full_clean()
    order = TrainingOrder(
        archive_url=_("(the address of the archive)"),
        name="lora-…",
        trigger_word=word,
        steps=form.steps,
        kind=cast("KindName", form.chosen_kind.value),
        sent_at=timezone.now(),
        settings=strict.options(),
    )
    write: Callable[[TrainingOrder], dict[str, Any]] = getattr(
        form.trainer, "training_input", asdict
    )
    return write(order)


def begun(request: Request) -> Training | None:
    """Return the training that this page's draft has become already, if it has."""
    if not isinstance(request.user, Wallet):
        return None
    return request.user.trainings.filter(
        dataset_id=uuid_of(request.POST.get("dataset", ""))
    ).first()


def keep(draft: Draft, typed: dict[str, str]) -> None:
    """Keep the settings, and captions that the page sends along: their own posts may come later.

    Raises `NotReady`, with words, and `Frozen`.
    """
    draft.keep(typed)
    try:
        draft.dataset.write_captions(read_captions(typed))
    except ValidationError as exc:
        raise NotReady(" ".join(exc.messages)) from exc


def begin(wallet: Wallet, draft: Draft, form: TrainingForm) -> Training:
    """Begin the training of a draft. Raises `NotReady`, with words, and `Frozen`."""
    draft.check_ready(form)
    training = Training.begin(wallet, draft.dataset, parent=draft.parent, **form.choices())
    draft.delete()
    return training


def ask_price(training: Training) -> None:
    """Have a quote for what the balance lacks; without one, the training's page asks again."""
    missing = missing_cents(training.wallet, training.price_cents)
    if training.status != Status.AWAITING_PAYMENT or not missing:
        return
    try:
        training.quote = Quote.offer(training.wallet, missing, purpose_of(training))
    except (CannotPay, TooManyQuotes, TryAgainLater) as exc:
        logger.info("No quote for %s: %s", training.pk, exc)
    else:
        Training.objects.filter(pk=training.pk).update(quote=training.quote)


def refuse(request: Request, draft: Draft, form: TrainingForm, words: str) -> HttpResponse:
    """Answer 422 with the form, its errors, and the words beside the button, where they stay."""
    draft.refuse()
    problem = {"problem": words}
    if request.htmx:
        context = changes(request, draft, form) | problem
        return render(request, "trainings/train.html#refused", context, status=422)
    return render(request, "trainings/train.html", page(request, draft, form) | problem, status=422)


def leave(request: Request, url: str) -> HttpResponse:
    """Go to another page."""
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)
