"""A wallet's own trainings, as its pages show them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypedDict, cast

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments.models import Quote
from payments.templatetags.payments import usd
from trainings.models import Training
from trainings.progress import headline, percent_of, strip, text, trainer_of, url_of, usual_time
from trainings.states import Status
from trainings.ticket import missing_cents
from trainings.timeline import timeline
from wallets.models import Wallet

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class Facts(TypedDict):
        """What `own` adds to each training."""

        images: int
        now: datetime

    type OwnTraining = WithAnnotations[Training, Facts]

AT_FIRST = timedelta(minutes=3)
"""So long its page asks every two seconds, then every five."""
PURPOSE_LENGTH = 80
ACTS = {
    Status.AWAITING_PAYMENT: gettext_lazy("Pay"),
    Status.FAILED: gettext_lazy("Try again"),
    Status.CANCELLED: gettext_lazy("Train again"),
}
"""What its owner is most likely to do with it, where that is more than to look at it."""


def own(wallet: Wallet) -> QuerySet[OwnTraining]:
    """Return a wallet's trainings, the newest first, with the number of `images` and the time."""
    images = Count("dataset__pictures", filter=Q(dataset__pictures__chosen=True))
    mine = Training.objects.filter(wallet=wallet, deleted_at=None)
    mine = mine.select_related("dataset", "wallet").newest()
    return cast("QuerySet[OwnTraining]", mine.annotate(images=images, now=Now()))


def earlier(trainings: QuerySet[OwnTraining], *, than: Training) -> QuerySet[OwnTraining]:
    """Return those that come behind one of them."""
    same_moment = Q(created_at=than.created_at, pk__lt=than.pk)
    return trainings.filter(Q(created_at__lt=than.created_at) | same_moment)


def row(training: OwnTraining) -> dict[str, Any]:
    """Return the `row` of parts/row.html."""
    is_ready = training.status == Status.COMPLETED
    about = [
        training.name if training.name != training.trigger_word else "",
        training.get_kind_display(),
        "" if is_ready and not training.is_private else _("only you see this"),
    ]
    drawn = {
        "url": url_of(training),
        "name": training.trigger_word,
        "about": " · ".join(part for part in about if part),
        "hue": training.dataset.hue,
        "strip": strip(training, training.images),
    }
    if is_ready:
        return drawn | {
            "steps": training.training_steps,
            "images": training.images,
            "wallet": training.wallet.address,
            "wallet_url": training.wallet.explorer_url,
            "at": training.completed_at,
            "weights_url": weights_url(training),
            "download_url": reverse("trainings:weights", args=[training.pk]),
            "size": training.weights_size,
        }
    return drawn | {
        "state": "failed" if training.is_over else "training",
        "status": headline(training),
        "percent": percent_of(training),
        "text": text(training, training.now),
        "act_url": url_of(training),
        "act": ACTS.get(Status(training.status), _("View")),
    }


def report(training: OwnTraining) -> dict[str, Any]:
    """Return the context of trainings/training.html."""
    since = training.started_at or training.created_at
    elapsed = (training.completed_at or training.now) - since
    is_waiting = training.status == Status.AWAITING_PAYMENT
    return {
        "training": training,
        "url": url_of(training),
        "strip": strip(training, training.images),
        "headline": headline(training),
        "percent": percent_of(training),
        "text": text(training, training.now),
        "trail": timeline(training, training.now),
        "pace": 2 if elapsed < AT_FIRST else 5,
        "is_waiting": is_waiting,
        "elapsed": None if is_waiting else elapsed,
        "usual": usual_time(training),
        "heard_in": training.now - training.heard_at if training.heard_at else None,
        "next_in": training.due_at - training.now if training.due_at else None,
        "quote": newest_quote(training) if is_waiting else None,
        "purpose": purpose_of(training),
        "due_cents": missing_cents(training.wallet, training.price_cents) if is_waiting else 0,
        "weights_url": weights_url(training),
        "download_url": reverse("trainings:weights", args=[training.pk]),
        "config_url": reverse("trainings:config", args=[training.pk]) if training.config else "",
        "config_suffix": suffix_of(training.config),
        "facts": facts(training),
    }


def facts(training: OwnTraining) -> list[tuple[str, object]]:
    """Return the `facts` of parts/spec.html: what is trained, with what, by whom."""
    trainer = trainer_of(training)
    options = {setting.name: _(setting.title) for setting in trainer.settings} if trainer else {}
    return [
        (_("Images"), training.images),
        (_("Steps"), number_format(training.training_steps, force_grouping=True)),
        (_("Type"), training.get_kind_display()),
        (_("Trainer"), _(trainer.title) if trainer else training.provider),
        *((options.get(name, name), value) for name, value in training.options.items()),
        (_("Seen by"), _("you alone") if training.is_private else _("everybody")),
        (_("Price"), usd(training.price_cents) if training.price_cents else _("free for you")),
        (_("Begun"), date_format(training.created_at, _("d M Y"))),
    ]


def weights_url(training: Training) -> str:
    """Return the address that people copy: it stays, whatever becomes of storage and provider."""
    return settings.SITE_URL + reverse("trainings:weights", args=[training.pk])


def filename(training: Training, suffix: str) -> str:
    """Return what a file is saved as: `KILNGLZ-flux-lora-1a2b3c4d<suffix>`.

    Tools call a LoRA by its file's name, so that must be telling, and no other's. It is made of
    letters, digits, `_` and `-`, and stays whatever the LoRA is renamed to.
    """
    return f"{training.trigger_word}-flux-lora-{training.pk.hex[:8]}{suffix}"


def suffix_of(name: str) -> str:
    """Return the suffix of a file in the storage: fal's configs are JSON, Replicate's YAML."""
    return PurePosixPath(name).suffix


def purpose_of(training: Training) -> str:
    """Return what a quote says it is for; it is found by these words, so they stay as they are."""
    with translation.override(training.language):
        return _("Training {name}").format(name=training.name)[:PURPOSE_LENGTH]


def newest_quote(training: Training) -> Quote | None:
    """Return the quote to show: whoever paid too little, or too late, has newer ones."""
    quotes = training.wallet.quotes.filter(purpose=purpose_of(training))
    return quotes.order_by("-created_at").first()
