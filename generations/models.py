"""What comes out: a batch of images that a provider draws with a LoRA."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

from datasets.folders import found_its_owner
from generations import allowance, prompts
from generations.additions import (
    MOST_LORAS,
    AddedLora,
    Addition,
    too_strong,
    validate_additions,
)
from generations.allowance import Allowance, LimitReached, allowance_of
from generations.choices import (
    LARGEST_SEED,
    ImageFormat,
    validate_guidance,
    validate_height,
    validate_images,
    validate_inference_steps,
    validate_provider,
    validate_scale,
    validate_seed,
    validate_width,
)
from generations.images import Favourite, GeneratedImage, count_images
from generations.querysets import GenerationQuerySet
from generations.report_cards import ReportCard
from generations.states import ENDED, ORDERED, Status
from loratrainer.jobs import Job
from loratrainer.orders import Order
from loratrainer.tasks import nudge
from providers import get_provider
from trainings.models import Training
from wallets.models import Wallet

__all__ = [
    "AddedLora",
    "Addition",
    "Allowance",
    "Favourite",
    "GeneratedImage",
    "Generation",
    "LimitReached",
    "ReportCard",
    "Status",
    "allowance_of",
]

RESOLVED_IN = timedelta(minutes=10)
"""How long an order may take to be given, beyond the provider's own delay in listing it."""
DRAWN_IN = timedelta(minutes=15)
"""How long drawing may take, and then bringing the images home; both usually take seconds."""


def new_seed() -> int:
    """A seed for a batch whose person names none."""
    return secrets.randbelow(LARGEST_SEED + 1)


class Generation(Order, Job):
    """A batch of images of a LoRA: one order at a provider, given once and never again.

    It hangs on the page of that LoRA, whatever others were added (`generations/additions.py`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wallet = models.ForeignKey(Wallet, models.PROTECT, related_name="generations", db_index=False)
    training = models.ForeignKey(
        Training, models.PROTECT, related_name="generations", db_index=False
    )
    request_id = models.UUIDField(default=uuid.uuid4, editable=False)
    """Names the wish: a form that is sent twice is still one batch."""
    report_card = models.ForeignKey(
        ReportCard,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="batches",
        db_index=False,
        editable=False,
    )
    """Whose cell it is; empty for what a person asked for."""

    prompt = models.TextField(
        validators=[prompts.validate_prompt], error_messages={"blank": prompts.EMPTY}
    )
    """As it was typed, without the space around it."""
    full_prompt = models.CharField(max_length=prompts.FULL_PROMPT_LENGTH, editable=False)
    """As it is sent, with the trigger words in it."""
    seed = models.BigIntegerField(default=new_seed, validators=[validate_seed])
    images_asked = models.SmallIntegerField(default=4, validators=[validate_images])
    scale = models.FloatField(default=1.5, validators=[validate_scale])
    """How strongly the LoRA is applied."""
    width = models.IntegerField(default=1024, validators=[validate_width])
    """In pixels, as asked for; each image knows its own."""
    height = models.IntegerField(default=1024, validators=[validate_height])
    inference_steps = models.SmallIntegerField(default=28, validators=[validate_inference_steps])
    guidance = models.FloatField(default=3.5, validators=[validate_guidance])
    image_format = models.CharField(
        max_length=4,
        choices=ImageFormat,
        default=ImageFormat.JPEG,
        error_messages={"invalid_choice": gettext_lazy("Choose JPEG or PNG.")},
    )
    provider = models.CharField(max_length=40, validators=[validate_provider])
    """The alias in `settings.PROVIDERS`."""
    weights_url = models.TextField(blank=True, editable=False)
    """Where the provider reads the LoRA, private or not; so it is nobody's business but theirs."""
    is_counted = models.BooleanField(default=True, editable=False)
    """Whether it uses a place of its wallet's allowance."""

    status = models.CharField(max_length=20, choices=Status, default=Status.SUBMITTING)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    completed_at = models.DateTimeField(null=True, blank=True, editable=False)

    steps: ClassVar[dict[str, str]] = {
        Status.SUBMITTING: "generations.steps.submit",
        Status.GENERATING: "generations.steps.check",
        Status.MIRRORING: "generations.steps.mirror",
    }

    objects = GenerationQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = (
            models.UniqueConstraint(fields=["wallet", "request_id"], name="one_batch_per_wish"),
            models.UniqueConstraint(
                fields=["report_card", "prompt", "scale"],
                condition=Q(report_card__isnull=False),
                name="one_batch_per_cell",
            ),
            models.UniqueConstraint(
                fields=["job_id"], condition=~Q(job_id=""), name="one_batch_per_remote_job"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=ORDERED) | ~Q(job_id=""), name="ordered_has_job_id"
            ),
            models.CheckConstraint(
                condition=Q(status__in=ENDED) | Q(due_at__isnull=False),
                name="unfinished_batch_is_due",
            ),
        )
        indexes = (
            *Job.Meta.indexes,
            models.Index(fields=["wallet", "-created_at", "-id"], name="batches_of_wallet"),
            models.Index(fields=["training", "-created_at", "-id"], name="batches_of_lora"),
        )

    def __str__(self) -> str:
        return f"{self.prompt:.40} ({self.status})"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED

    @property
    def prompt_parts(self) -> tuple[str, str, str]:
        """What was added in front of the person's words, the words, what was added behind."""
        return prompts.prompt_parts(self.prompt, self.full_prompt)

    @property
    def additions(self) -> list[Addition]:
        """The LoRAs that were added, in their order."""
        return [Addition(added.training, added.scale) for added in self.added_loras.all()]

    @property
    def loras(self) -> list[Training]:
        """All of its LoRAs, the first one first."""
        return [self.training, *(addition.training for addition in self.additions)]

    @classmethod
    def begin(
        cls,
        wallet: Wallet,
        training: Training,
        *,
        additions: Sequence[Addition] = (),
        **choices: Any,
    ) -> Generation:
        """Order a batch of LoRAs that this wallet may see (`Training.objects.visible_to`).

        `choices` are `prompt`, `request_id`, `provider` (by default the one that trained it, if it
        takes so many LoRAs) and whatever else differs from the defaults; None means the default.
        The same `request_id` again returns the batch that it began, as it was begun: comparing is
        up to the caller. Raises `ValidationError` with words for each field, and `LimitReached`. A
        batch of a `report_card` is ours, so that it takes no place of the allowance.
        """
        given = {name: value for name, value in choices.items() if value is not None}
        given["prompt"] = prompts.tidy(given.get("prompt", ""))
        usual = usual_provider(training, loras=1 + len(additions))
        batch = cls(wallet=wallet, training=training, **{"provider": usual} | given)
        loras = [training, *(addition.training for addition in additions)]
        batch.full_prompt = prompts.full_prompt(
            batch.prompt, *((lora.trigger_word, lora.kind) for lora in loras)
        )
        batch.clean_fields(exclude={"wallet", "training", "full_prompt"})
        provider = get_provider(batch.provider)
        if batch.scale > provider.largest_scale:
            raise ValidationError({"scale": too_strong(provider)})
        try:
            validate_additions(training, additions, provider)
        except ValidationError as refused:
            raise ValidationError({"additions": refused.messages}) from refused
        with transaction.atomic():
            allowance.take_turn(wallet)
            begun = cls.objects.filter(wallet=wallet, request_id=batch.request_id).first()
            if begun is not None:
                return begun
            batch.is_counted = batch.report_card is None and allowance.reserve(wallet)
            batch.due_at, batch.deadline_at = Now(), Now() + provider.listed_in + RESOLVED_IN
            batch.save(force_insert=True)
            AddedLora.objects.bulk_create(
                AddedLora(generation=batch, place=place, training=one.training, scale=one.scale)
                for place, one in enumerate(additions, 1)
            )
            nudge(batch)
        batch.refresh_from_db()
        return batch

    def moved(self, old: str) -> None:
        """Give the place back in the transaction that fails it, if surely nothing was ordered."""
        if self.status == Status.FAILED and self.sent_at is None:
            type(self).objects.filter(pk=self.pk).update(is_counted=False)
            self.is_counted = False

    def not_ordered(self, reason: str) -> None:
        """It fails and surely nobody works on it, so that its place comes back."""
        self.move(Status.FAILED, due_in=None, why=reason, error=reason, sent_at=None)

    def taken_job_ids(self) -> set[str]:
        """The jobs of other batches that asked for images of this LoRA with this seed.

        Only those could be mistaken for this one's in a provider's list.
        """
        twins = type(self).objects.filter(training=self.training_id, seed=self.seed)
        ids = twins.exclude(pk=self.pk).values_list("job_id", "told_job_id")
        return {job_id or told for job_id, told in ids} - {""}

    def complete(self, images: list[GeneratedImage], note: str = "") -> None:
        """It is over, with these images: batch, images and the count of its LoRA, or none of it.

        `note` says what is missing. Raises `StaleJob` when somebody else was first.
        """
        with transaction.atomic():
            self.move(Status.COMPLETED, due_in=None, completed_at=Now())
            type(self).objects.filter(pk=self.pk).update(note=note)
            for image in images:
                if not image.is_filtered:
                    found_its_owner(image.thumbnails)
            GeneratedImage.objects.bulk_create(images)
            count_images(self, sum(not image.is_filtered for image in images))
        self.note = note


def usual_provider(training: Training, *, loras: int = 1) -> str:
    """Who draws with so many LoRAs at once unless somebody else is named.

    That is who trained the first, if the settings still have them and they take so many; else the
    first of the settings that does. All apply what any of them has trained: it is one base model.
    When nobody takes so many, it is whoever would have drawn it with one.
    """
    own = [training.provider] if training.provider in settings.PROVIDERS else []
    aliases = [*own, *settings.PROVIDERS]
    fit = (alias for alias in aliases if get_provider(alias).most_loras >= loras)
    return next(fit, aliases[0])


def most_loras() -> int:
    """How many LoRAs somebody here applies at once."""
    return min(MOST_LORAS, max(get_provider(alias).most_loras for alias in settings.PROVIDERS))
