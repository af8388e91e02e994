"""What the owner of a training is told: where it is, how far, how long it may still take."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payments.templatetags.payments import usd
from providers import Provider, get_providers
from trainings.models import Training
from trainings.states import Status
from trainings.ticket import strip_of

KNOWN_PERCENT = 5
"""From here on the trainer's own pace tells the time that is left."""
WORKING = (Status.ARCHIVING, Status.SUBMITTING, Status.TRAINING, Status.MIRRORING)
"""What a worker does one after the other, once it is paid."""


def url_of(training: Training) -> str:
    """Return the address of the training's page."""
    return reverse("trainings:training", args=[training.pk])


def trainer_of(training: Training) -> Provider | None:
    """Return the training's provider; None if the settings do not have it any more."""
    return get_providers().get(training.provider)


def headline(training: Training) -> str:
    """Say in a few words where the training is."""
    if training.status == Status.TRAINING and (before := training.queue_position) is not None:
        return (
            _("In the queue, {number} before it").format(number=before)
            if before
            else _("Next in the queue")
        )
    if (percent := percent_of(training)) is not None:
        return _("Training, {percent}%").format(percent=percent)
    if training.status == Status.FAILED:
        return _("Training failed")
    return str(Status(training.status).label)


def percent_of(training: Training) -> int | None:
    """Return how far the trainer is, in percent; None while nobody knows."""
    if training.status != Status.TRAINING or training.queue_position is not None:
        return None
    return None if training.percent is None else min(training.percent, 100)


def strip(training: Training, images: int) -> dict[str, Any] | None:
    """Return the `strip` of parts/strip.html: in development, ready, or fogged."""
    match training.status:
        case Status.COMPLETED:
            return strip_of(training.dataset, images)
        case Status.FAILED | Status.CANCELLED:
            return strip_of(training.dataset, images, failed=True)
        case Status.MIRRORING:
            percent = 100
        case _before:
            percent = percent_of(training) or 0
    return strip_of(training.dataset, images, percent=percent, tail=f"{percent}%")


def text(training: Training, now: datetime) -> str:
    """Say what is going on; `now` is the database's time."""
    match training.status:
        case Status.COMPLETED:
            return _("The weights are in our storage, and verified.")
        case Status.CANCELLED:
            return str(training.history[-1]["why"]) if training.history else ""
        case Status.FAILED if training.charges and training.price_cents:
            back = _("{price} went back to your balance: another try costs nothing more.")
            return f"{training.error} {back.format(price=usd(training.price_cents))}"
        case Status.FAILED:
            return f"{training.error} {_('Nothing was charged.')}"
        case Status.AWAITING_PAYMENT:
            return _("It starts as soon as the payment is confirmed.")
    parts = [training.note, steps_done(training), time_left(training, now)]
    if training.cancel_asked_at:
        parts.append(_("We have asked the trainer to stop."))
    return " ".join(part for part in parts if part)


def steps_done(training: Training) -> str:
    """Say at which step the trainer is, as far as its percent tells."""
    percent = percent_of(training)
    if percent is None:
        return ""
    whole = training.training_steps
    done = number_format(whole * percent // 100, force_grouping=True)
    return _("Step {done} of {all}.").format(
        done=done, all=number_format(whole, force_grouping=True)
    )


def usual_time(training: Training) -> timedelta | None:
    """Return about how long the trainer takes for the steps, if it is still known."""
    trainer = trainer_of(training)
    return trainer.usual_in * training.training_steps / 1000 if trainer else None


def time_left(training: Training, now: datetime) -> str:
    """Say how long the trainer may still take: by its own pace, and before that by experience."""
    percent, usual = percent_of(training), usual_time(training)
    began = [line["at"] for line in training.history if line["to"] == Status.TRAINING]
    if percent is None or not began:
        return ""
    elapsed = now - datetime.fromisoformat(began[-1])
    if percent >= KNOWN_PERCENT:
        rest = elapsed * (100 - percent) / percent
    elif usual is not None and usual > elapsed:
        rest = usual - elapsed
    else:
        return ""
    minutes = max(1, round(rest / timedelta(minutes=1)))
    words = ngettext("About a minute left.", "About {minutes} minutes left.", minutes)
    return words.format(minutes=minutes)
