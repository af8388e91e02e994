"""What a finished LoRA can do at a glance: fixed prompts, each drawn at several strengths.

A card is a job of its own whose cells are batches of one image like any others, ordered once and
never again; but they are ours: they take no place of an allowance, and hang on the card alone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

from loratrainer.jobs import Job, JobQuerySet
from loratrainer.tasks import nudge
from trainings.models import Training

DEADLINE = timedelta(hours=6)
"""How long a card may take; a minute or two are usual, an order in doubt takes longer."""


class CardStatus(models.TextChoices):
    """Names in -ing are a worker's business, names in -ed are over."""

    ORDERING = "ordering", gettext_lazy("Ordering the images")
    DRAWING = "drawing", gettext_lazy("Making the images")
    COMPLETED = "completed", gettext_lazy("Ready")
    FAILED = "failed", gettext_lazy("Failed")


CARD_ENDED = (CardStatus.COMPLETED, CardStatus.FAILED)


class ReportCard(Job):
    """The report card of a LoRA; there is one at most, and it is never made again."""

    training = models.OneToOneField(Training, models.PROTECT, related_name="report_card")
    prompts = models.JSONField(default=list, blank=True, editable=False)
    """Its rows, as they were when it was ordered: the batches are found by their prompt ..."""
    strengths = models.JSONField(default=list, blank=True, editable=False)
    """... and its columns: by their scale."""
    status = models.CharField(max_length=20, choices=CardStatus, default=CardStatus.ORDERING)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    steps: ClassVar[dict[str, str]] = {
        CardStatus.ORDERING: "generations.report_steps.order",
        CardStatus.DRAWING: "generations.report_steps.look",
    }

    objects = JobQuerySet["ReportCard"].as_manager()

    class Meta(Job.Meta):
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=CARD_ENDED) | Q(due_at__isnull=False),
                name="unfinished_card_is_due",
            ),
        )

    def __str__(self) -> str:
        return f"{self.training_id} ({self.status})"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in CARD_ENDED

    @classmethod
    def begin(cls, training_pk: UUID) -> ReportCard:
        """Open the card of a LoRA, once: later calls return the one that there is."""
        with transaction.atomic():
            card, is_new = cls.objects.get_or_create(
                training_id=training_pk,
                defaults={"due_at": Now(), "deadline_at": Now() + DEADLINE},
            )
            if is_new:
                nudge(card)
        return card

    def complete(self, suggested: float | None) -> None:
        """It is over, and its LoRA is drawn with this strength from now on unless one says another.

        None suggests nothing. Raises `StaleJob` when somebody else was first.
        """
        with transaction.atomic():
            self.move(CardStatus.COMPLETED, due_in=None)
            Training.objects.filter(pk=self.training_id).update(recommended_strength=suggested)


def hear_training(training_pk: UUID) -> None:
    """A bell of the trainings: this LoRA is being completed, in this transaction."""
    if settings.REPORT_CARDS:
        ReportCard.begin(training_pk)
