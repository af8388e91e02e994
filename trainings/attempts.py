"""One order at a provider, and what we know of it: it may cost money, so doubt is a state."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import Max, Q
from django.db.models.functions import Now

from datasets.archives import Archive
from loratrainer.jobs import StaleJob
from loratrainer.orders import Order
from providers import get_providers


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def live(self) -> Self:
        """Those that a provider has or may have; a training has one at most."""
        return self.filter(status__in=("intent", "sent", "accepted"))

    def over(self) -> Self:
        """Those that a provider had taken and that came to an end, good or bad."""
        return self.filter(status__in=("succeeded", "failed", "cancelled")).exclude(job_id="")


class Attempt(Order):
    """One order for one training. The next one may follow only when this one is surely over.

    Its archive is named for its token.
    """

    class Status(models.TextChoices):
        INTENT = "intent"
        SENT = "sent"
        """The call is being made, or was made and nobody knows how it ended."""
        ACCEPTED = "accepted"
        REFUSED = "refused"
        NOT_FOUND = "not_found"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    training = models.ForeignKey("trainings.Training", models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    provider = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=Status, default=Status.INTENT)
    archive = models.CharField(max_length=200, blank=True)
    """Its name in our storage."""
    archive_url = models.TextField(blank=True)
    """Where the provider reads it; by this address its list is searched in doubt."""
    archive_sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    ran_in = models.DurationField(null=True, blank=True, editable=False)
    """For how long the provider's machines worked, if it says so and charges for it."""

    objects = AttemptQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["training", "number"], name="attempts_are_numbered"),
            models.UniqueConstraint(
                fields=["provider", "job_id"],
                condition=~Q(job_id=""),
                name="one_row_per_remote_job",
            ),
            models.UniqueConstraint(
                fields=["training"],
                condition=Q(status__in=("intent", "sent", "accepted")),
                name="one_live_attempt",
            ),
            models.CheckConstraint(
                condition=~Q(status="accepted") | ~Q(job_id=""), name="accepted_has_job_id"
            ),
        )

    def __str__(self) -> str:
        return f"{self.training_id} #{self.number} ({self.status})"

    @classmethod
    def begin(cls, training_pk: object, provider: str) -> Self:
        """Open the next attempt; a constraint refuses it while another one is live."""
        last = cls.objects.filter(training_id=training_pk).aggregate(last=Max("number"))["last"]
        return cls.objects.create(
            training_id=training_pk, provider=provider, number=(last or 0) + 1
        )

    @property
    def is_in_doubt(self) -> bool:
        """Whether the order was sent, or may have been, and we have no job id."""
        return self.status == self.Status.SENT

    @property
    def cost_cents(self) -> Decimal:
        """About what the provider charges us for it, in US cents; nothing while it is under way.

        Where it does not say how long its machines worked, it is as if they had all the time. What
        a provider cost that the settings do not name any more nobody knows, and 0 is said.
        """
        provider = get_providers().get(self.provider)
        if provider is None or self.sent_at is None or self.ended_at is None or not self.job_id:
            return Decimal(0)
        succeeded = self.status == self.Status.SUCCEEDED
        return provider.training_cost_cents(
            steps=self.training.training_steps if succeeded else 0,
            ran_in=self.ended_at - self.sent_at if self.ran_in is None else self.ran_in,
        )

    def pack(self, archive: Archive, url: str) -> None:
        """Remember the archive of this attempt and where the provider reads it."""
        self.archive, self.archive_sha256, self.archive_url = archive.name, archive.sha256, url
        self.save(update_fields=["archive", "archive_sha256", "archive_url"])

    def mark_sent(self) -> None:
        """Write down that the order is about to be sent. Raises `StaleJob` when it is not ours."""
        self._move(self.Status.INTENT, self.Status.SENT, sent_at=Now())

    def take_back(self) -> None:
        """The order surely did not arrive: it may be sent again."""
        self._move(self.Status.SENT, self.Status.INTENT, sent_at=None)

    def accept(self, job_id: str) -> None:
        """The provider has it under this id."""
        self._move(self.Status.SENT, self.Status.ACCEPTED, job_id=job_id)

    def worked(self, ran_in: timedelta | None) -> None:
        """Keep for how long the provider says that its machines worked."""
        self.ran_in = ran_in
        self.save(update_fields=["ran_in"])

    def end(self, status: Status) -> None:
        """It is over, whatever it was; an ended attempt stays as it is."""
        type(self).objects.live().filter(pk=self.pk).update(status=status, ended_at=Now())
        self.refresh_from_db()

    def _move(self, old: Status, new: Status, **changes: object) -> None:
        rows = type(self).objects.filter(pk=self.pk, status=old)
        if rows.update(status=new, **changes) != 1:
            raise StaleJob(f"Attempt {self} is no longer {old}")
        self.refresh_from_db()
