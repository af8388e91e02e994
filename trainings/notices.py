"""What the owner of a training is told when it ends, in the ways that they chose."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from trainings.states import Status
from wallets.notices import Notice

if TYPE_CHECKING:
    from trainings.models import Training

EVENTS = {Status.COMPLETED: "training.completed", Status.FAILED: "training.failed"}


def announce(training: Training, old: str, *, refunded_cents: int) -> None:
    """Tell the owner how it ended; in the transaction of the move from `old` that ended it.

    A training for which nobody paid was never begun, so that its end is no news.
    """
    event = EVENTS.get(Status(training.status))
    if event is None or old == Status.AWAITING_PAYMENT:
        return
    # They need the models, which need us.
    from trainings.progress import headline, text, url_of  # noqa: PLC0415

    moment = training.history[-1]["at"]
    words = _("{trigger_word}: {headline}")
    Notice.announce(
        training.wallet,
        event,
        training.pk,
        # A charge is a try: the ledger counts them, and so a second failure is told as well.
        training.charges,
        title=words.format(trigger_word=training.trigger_word, headline=headline(training)),
        text=text(training, datetime.fromisoformat(moment)),
        path=url_of(training),
        body={
            "type": event,
            "timestamp": moment,
            "data": facts(training, refunded_cents=refunded_cents),
        },
    )


def facts(training: Training, *, refunded_cents: int) -> dict[str, Any]:
    """What a webhook is told, under the names that the API has for it."""

    def address(name: str) -> str:
        return settings.SITE_URL + reverse(name, args=[training.pk])

    known = {
        "id": str(training.pk),
        "status": training.status,
        "name": training.name,
        "trigger_word": training.trigger_word,
        "training_url": address("trainings:training"),
        "api_url": address("api:lora"),
    }
    if training.status == Status.FAILED:
        return known | {"error": training.error, "refunded_cents": refunded_cents}
    return known | {
        "url": address("gallery:lora"),
        "weights_url": address("trainings:weights"),
        "weights_size": training.weights_size,
        "weights_sha256": training.weights_sha256,
    }
