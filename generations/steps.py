"""What a worker does for a batch of images, one function per status.

Each may run twice, and the second time does no harm. `submit` spends money: the order is marked
before the call, the call is made once, and doubt is resolved by looking, never by sending again.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from operator import itemgetter
from pathlib import Path
from typing import Literal, cast

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Min
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from datasets import storage
from generations.hooks import weights_path
from generations.mirroring import bring_home
from generations.models import DRAWN_IN, AddedLora, Generation
from generations.states import Status
from loratrainer.outcomes import Failed, GiveUp, Pending, Succeeded, TryAgainLater
from providers import Provider, get_provider
from providers.base import AppliedLora, Doubt, GenerationOrder
from trainings.hooks import is_reachable, webhook_url
from trainings.models import Training

ASKED_AGAIN_IN = timedelta(seconds=1)
DOUBT_ASKED_AGAIN_IN = timedelta(seconds=10)
UPLOAD_USED_IN = timedelta(hours=12)
"""How long an upload serves further batches; the provider that forgets first keeps it for a day."""


def submit(batch: Generation) -> None:
    """Order the images once, or find out what became of an order that may have been sent."""
    provider = get_provider(batch.provider)
    if batch.sent_at is not None:
        resolve(batch, provider)
        return
    loras = Training.objects.visible_to(batch.wallet)
    if not Generation.objects.made_of(loras).filter(pk=batch.pk).exists():
        batch.not_ordered(_("This LoRA is not there any more."))
        return
    urls = {lora.pk: weights_url(batch, lora, provider) for lora in batch.loras}
    with transaction.atomic():
        # One write marks the order and shows that the batch is still ours.
        batch.renew(weights_url=urls[batch.training_id], sent_at=Now())
        for added in batch.added_loras.all():
            added.weights_url = urls[added.training_id]
            added.save(update_fields=["weights_url"])
    try:
        job_id = provider.submit_generation(order_of(batch))
    except TryAgainLater:
        batch.renew(sent_at=None)
        raise
    except GiveUp as exc:
        batch.not_ordered(str(exc))
    except Doubt:
        doubt(batch)
    else:
        adopt(batch, job_id)


def weights_url(batch: Generation, lora: Training, provider: Provider) -> str:
    """Where the provider reads a LoRA: from us, or from a copy there if it cannot reach us."""
    if is_reachable(batch.provider):
        return settings.SITE_URL + weights_path(batch, lora)
    if known := known_upload(batch.provider, lora):
        return known
    with (
        tempfile.NamedTemporaryFile(suffix=".safetensors") as file,
        storage.open_file(lora.weights) as kept,
    ):
        shutil.copyfileobj(kept, file)
        file.flush()
        batch.renew()
        return provider.upload_archive(Path(file.name))


def known_upload(alias: str, lora: Training) -> str:
    """Return where a provider has got a LoRA from us lately; nothing if that is too long ago."""
    first = Generation.objects.filter(training=lora, provider=alias, sent_at__isnull=False)
    added = AddedLora.objects.filter(
        training=lora, generation__provider=alias, generation__sent_at__isnull=False
    )
    ages: dict[str, timedelta] = {}
    for url, age in (
        *first.values_list("weights_url").annotate(age=Now() - Min("sent_at")),
        *added.values_list("weights_url").annotate(age=Now() - Min("generation__sent_at")),
    ):
        ages[url] = max(age, ages.get(url, age))
    url, age = min(ages.items(), key=itemgetter(1), default=("", UPLOAD_USED_IN))
    return url if age < UPLOAD_USED_IN else ""


def resolve(batch: Generation, provider: Provider) -> None:
    """Look for an order that may have been sent; only a sure "no" ends it, with its place back."""
    taken = batch.taken_job_ids()
    job_id: str | None = batch.told_job_id
    if not job_id or job_id in taken:
        job_id = provider.find_generation(order_of(batch), taken=taken)
    if job_id is not None:
        adopt(batch, job_id)
    elif batch.deny(provider.listed_in):
        batch.not_ordered(_("The order never arrived, so nothing was made. Try again."))
    else:
        doubt(batch)


def doubt(batch: Generation) -> None:
    """Wait for a webhook or the provider's list to tell."""
    note = _("We are finding out whether the order has arrived.")
    batch.wait(DOUBT_ASKED_AGAIN_IN, note=note)


def adopt(batch: Generation, job_id: str) -> None:
    """The provider has the order under this id."""
    try:
        batch.move(Status.GENERATING, deadline_in=DRAWN_IN, job_id=job_id)
    except IntegrityError as exc:
        # Two batches that ask for the very same were in doubt, and the other has just found it.
        raise TryAgainLater(_("We are finding out whether the order has arrived.")) from exc


def order_of(batch: Generation) -> GenerationOrder:
    """The order as it is sent, and as it is looked for."""
    if batch.sent_at is None:
        raise ValueError("An order is marked before it is written")
    return GenerationOrder(
        weights_url=batch.weights_url,
        prompt=batch.full_prompt,
        seed=batch.seed,
        images=batch.images_asked,
        scale=batch.scale,
        added=tuple(
            AppliedLora(weights_url=added.weights_url, scale=added.scale)
            for added in batch.added_loras.all()
        ),
        width=batch.width,
        height=batch.height,
        steps=batch.inference_steps,
        guidance=batch.guidance,
        image_format=cast('Literal["jpeg", "png"]', batch.image_format),
        webhook_url=webhook_url(batch.provider, batch.token, app="generations"),
        sent_at=batch.sent_at,
    )


def check(batch: Generation) -> None:
    """Ask how it is doing."""
    match get_provider(batch.provider).check_generation(batch.job_id):
        case Pending(note):
            batch.wait(ASKED_AGAIN_IN, note=note)
        case Failed(reason):
            batch.fail(reason)
        case Succeeded():
            batch.move(Status.MIRRORING, deadline_in=DRAWN_IN)


def mirror(batch: Generation) -> None:
    """Bring the images into our storage; only then is it completed."""
    match get_provider(batch.provider).check_generation(batch.job_id):
        case Succeeded(remote):
            batch.complete(*bring_home(batch, remote))
        case Failed(reason):
            batch.fail(reason)
        case Pending(note):
            raise TryAgainLater(note)
