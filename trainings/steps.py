"""What a worker does for a training, one function per status.

Each may run twice, and the second time does no harm. `submit` spends money: the attempt is marked
before the call, the call is made once, and doubt is resolved by looking, never by sending again.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import cast

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from datasets import archives, storage
from loratrainer.fetching import Gone
from loratrainer.outcomes import Failed, GiveUp, Pending, Succeeded, TryAgainLater
from providers import get_provider
from providers.base import Cancelled, Doubt, TrainedLora, TrainingOrder
from providers.base import Kind as KindName
from trainings.attempts import Attempt
from trainings.hooks import is_reachable, webhook_url
from trainings.mirroring import mirror_config, mirror_weights
from trainings.models import Training
from trainings.states import NOTHING_HEARD, Status

LOG_LINES = 300
ASKED_AGAIN_IN = timedelta(seconds=3)
DOUBT_ASKED_AGAIN_IN = timedelta(seconds=15)
PAYMENT_ASKED_AGAIN_IN = timedelta(hours=1)
ARCHIVE_READABLE_IN = timedelta(days=1)


def collect(training: Training) -> None:
    """Take the price from the balance; the ledger rings when a payment arrives."""
    if not training.collect():
        training.wait(PAYMENT_ASKED_AGAIN_IN, note=_("No payment has arrived yet."))


def archive(training: Training) -> None:
    """Pack pictures and captions under a name that no other attempt has."""
    attempt = training.attempt or Attempt.begin(training.pk, training.provider)
    training.dataset.develop_strip()
    built = archives.build(
        training.dataset,
        f"archives/{attempt.token}/lora-{training.pk}.zip",
        trigger_word=training.trigger_word,
        kind=training.kind,
    )
    attempt.pack(built, archive_url(training, built))
    training.move(Status.SUBMITTING)


def archive_url(training: Training, archive: archives.Archive) -> str:
    """Where the provider reads the archive: in our storage, or in its own if it cannot reach us."""
    if is_reachable(training.provider):
        return archive.signed_url(ARCHIVE_READABLE_IN)
    with (
        tempfile.NamedTemporaryFile(suffix=".zip") as file,
        storage.open_file(archive.name) as kept,
    ):
        shutil.copyfileobj(kept, file)
        file.flush()
        return get_provider(training.provider).upload_archive(Path(file.name))


def submit(training: Training) -> None:
    """Order the training once, or find out what became of an order that may have been sent."""
    attempt = training.attempt
    if attempt is None:
        training.move(Status.ARCHIVING, why=_("The last order was not accepted."))
        return
    if attempt.status == Attempt.Status.ACCEPTED:
        training.move(Status.TRAINING, **NOTHING_HEARD)
        return
    if attempt.is_in_doubt:
        resolve(training, attempt)
        return
    provider = get_provider(training.provider)
    attempt.mark_sent()
    # Whoever cancelled it, or took it over, between our claim and now must find no order sent.
    training.renew()
    try:
        job_id = provider.submit_training(order_of(training, attempt))
    except TryAgainLater:
        attempt.take_back()
        raise
    except GiveUp:
        attempt.end(Attempt.Status.REFUSED)
        raise
    except Doubt:
        training.wait(
            DOUBT_ASKED_AGAIN_IN, note=_("We are finding out whether the order has arrived.")
        )
        return
    adopt(training, attempt, job_id)


def resolve(training: Training, attempt: Attempt) -> None:
    """Look for an order that may have been sent; only a sure "no" allows another attempt."""
    provider = get_provider(training.provider)
    if attempt.told_job_id:
        adopt(training, attempt, attempt.told_job_id)
        return
    job_id = provider.find_training(order_of(training, attempt))
    if job_id is not None:
        adopt(training, attempt, job_id)
    elif attempt.deny(provider.listed_in):
        attempt.end(Attempt.Status.NOT_FOUND)
        training.move(Status.ARCHIVING, why=_("The order never arrived, so we order again."))
    else:
        training.wait(
            DOUBT_ASKED_AGAIN_IN, note=_("We are finding out whether the order has arrived.")
        )


def adopt(training: Training, attempt: Attempt, job_id: str) -> None:
    """The provider has the order under this id: both rows learn it, or neither."""
    provider = get_provider(training.provider)
    with transaction.atomic():
        attempt.accept(job_id)
        training.move(
            Status.TRAINING, service=provider.service, model=provider.model, **NOTHING_HEARD
        )


def order_of(training: Training, attempt: Attempt) -> TrainingOrder:
    """The order as it is sent, and as it is looked for."""
    if attempt.sent_at is None:
        raise ValueError("An order is marked before it is written")
    return TrainingOrder(
        archive_url=attempt.archive_url,
        name=f"lora-{training.pk}",
        trigger_word=training.trigger_word,
        steps=training.training_steps,
        kind=cast("KindName", training.kind),
        webhook_url=webhook_url(training.provider, attempt.token),
        sent_at=attempt.sent_at,
        settings=training.options,
    )


def check(training: Training) -> None:
    """Ask how it is doing, and keep what the owner may want to see."""
    attempt = training.attempt
    if attempt is None:
        raise RuntimeError("A training that is being trained has an accepted attempt")
    provider = get_provider(training.provider)
    if training.cancel_asked_at is not None:
        match provider.cancel_training(attempt.job_id):
            case Cancelled.NOT_BEGUN:
                training.called_off(refund=True, why=_("Cancelled before it began."))
                return
            case Cancelled.STOPPED:
                training.called_off(refund=False, why=_("Cancelled while it was being trained."))
                return
    match provider.check_training(attempt.job_id):
        case Pending(note, position, percent, log):
            training.wait(
                ASKED_AGAIN_IN,
                note=note,
                heard_at=Now(),
                queue_position=position,
                percent=percent,
                log="\n".join(log[-LOG_LINES:]),
            )
        case Failed(reason):
            training.fail(reason)
        case Succeeded():
            training.move(Status.MIRRORING, heard_at=Now(), percent=100, queue_position=None)


def mirror(training: Training) -> None:
    """Bring weights and config into our storage, verified; only then is it completed."""
    attempt = training.attempt
    if attempt is None:
        raise RuntimeError("A training that is being mirrored has an accepted attempt")
    match get_provider(training.provider).check_training(attempt.job_id):
        case Succeeded(lora):
            store(training, attempt, lora)
        case Failed(reason):
            training.fail(reason)
        case Pending(note):
            raise TryAgainLater(note)


def store(training: Training, attempt: Attempt, lora: TrainedLora) -> None:
    """Mirror the files of a finished training."""
    hosts = get_provider(training.provider).files_at
    folder = f"loras/{training.pk}/{attempt.number}"
    try:
        weights, facts = mirror_weights(
            lora.weights,
            folder,
            hosts=hosts,
            progress=lambda size: training.renew(note=_("%d MB are here.") % (size // 1_000_000)),
        )
        training.renew()
        config = lora.config and mirror_config(lora.config, f"{folder}/config", hosts=hosts)
    except Gone as exc:
        # The address may have run out while we read; the provider gives a fresh one.
        raise TryAgainLater(str(exc)) from exc
    attempt.worked(lora.ran_in)
    training.move(
        Status.COMPLETED,
        due_in=None,
        weights=weights.name,
        weights_size=weights.size,
        weights_sha256=weights.sha256,
        tensors_sha256=facts.tensors_sha256,
        config=config.name if config else "",
        config_size=config.size if config else None,
        config_sha256=config.sha256 if config else "",
        model=lora.trainer or training.model,
        version=lora.version,
        completed_at=Now(),
        percent=100,
    )
