"""What has happened to a training, what happens now, and what is to come, for parts/trail.html."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from payments.templatetags.payments import usd
from trainings.models import Training
from trainings.progress import WORKING, percent_of
from trainings.states import Status

STAGES = (Status.AWAITING_PAYMENT, *WORKING)


def timeline(training: Training, now: datetime) -> list[dict[str, str]]:
    """Return the items of the trail; `now` is the database's time."""
    past = [_item(training, line, now) for line in training.history]
    if training.is_over:
        return past
    status = Status(training.status)
    present = {"state": "now", "text": str(status.label), "note": _steps(training)}
    coming = [
        {"state": "", "text": str(stage.label)} for stage in STAGES[STAGES.index(status) + 1 :]
    ]
    end = _("Ready, for you alone") if training.is_private else _("Ready, and in the gallery")
    return [*past, present, *coming, {"state": "", "text": end}]


def _item(training: Training, line: dict[str, str], now: datetime) -> dict[str, str]:
    is_end = line["to"] in {Status.FAILED, Status.CANCELLED}
    return {
        "state": "failed" if is_end else "ok",
        "text": _words(training, line),
        "note": _clock(datetime.fromisoformat(line["at"]), now),
    }


def _words(training: Training, line: dict[str, str]) -> str:
    paid = _("Paid {price}") if training.price_cents else _("Free for you")
    accepted = _("Accepted by {service}").format(service=training.service or training.provider)
    passed = {
        (Status.AWAITING_PAYMENT, Status.ARCHIVING): paid.format(price=usd(training.price_cents)),
        (Status.ARCHIVING, Status.SUBMITTING): _("Pictures packed"),
        (Status.SUBMITTING, Status.TRAINING): accepted,
        (Status.TRAINING, Status.MIRRORING): _("Trained"),
        (Status.MIRRORING, Status.COMPLETED): _("Weights saved and verified"),
    }
    if words := passed.get((Status(line["from"]), Status(line["to"]))):
        return words
    if line["to"] == Status.FAILED:
        return str(Status.FAILED.label)
    return line["why"] or str(Status(line["to"]).label)


def _clock(moment: datetime, now: datetime) -> str:
    """Write a moment in UTC, with its day unless that is today."""
    moment = moment.astimezone(UTC)
    is_today = moment.date() == now.astimezone(UTC).date()
    return f"{moment:%H:%M:%S}" if is_today else date_format(moment, _("d M H:i"))


def _steps(training: Training) -> str:
    percent, whole = percent_of(training), training.training_steps
    if percent is None:
        return ""
    done = number_format(whole * percent // 100, force_grouping=True)
    return f"{done} / {number_format(whole, force_grouping=True)}"
