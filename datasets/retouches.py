"""What somebody asks a service to do to a picture: write its caption, take its background away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Self
from uuid import UUID, uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from loratrainer.jobs import Job, JobQuerySet
from loratrainer.languages import current_language
from loratrainer.tasks import nudge
from wallets.models import Wallet

if TYPE_CHECKING:
    from datasets.models import Dataset
    from datasets.pictures import Picture

WINDOW = timedelta(hours=24)
LASTS = timedelta(minutes=10)
"""How long one may take: seconds, unless the service has to start a machine first."""
KEPT_FOR = timedelta(days=2)
"""How long a row that is over is kept: for the limit, and for its words on the page."""


class LimitReached(Exception):
    """The wallet has had its share of these 24 hours; the message says so."""


class RetouchQuerySet(JobQuerySet["Retouch"]):
    def under_way(self) -> Self:
        """Those that are not over."""
        return self.filter(due_at__isnull=False)

    def captions(self) -> Self:
        """Those that write captions."""
        return self.filter(kind=Retouch.Kind.CAPTION)

    def counted(self) -> Self:
        """Those that use a place of their wallet's limit: all but what surely was not ordered."""
        never_ordered = Q(status=Retouch.Status.FAILED, sent_at=None)
        return self.filter(created_at__gt=Now() - WINDOW).exclude(never_ordered)

    def of(self, dataset: Dataset) -> Self:
        """Those for the pictures of this dataset, in the order in which they were asked for."""
        return self.filter(picture__dataset=dataset).order_by("created_at")


class Retouch(Job):
    """One wish for one picture, ordered once. Who doubts that it arrived may wish again.

    submitting -> working -> completed, or failed in words.
    """

    class Kind(models.TextChoices):
        CAPTION = "caption"
        CUTOUT = "cutout"

    class Status(models.TextChoices):
        SUBMITTING = "submitting"
        WORKING = "working"
        COMPLETED = "completed"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    # It outlives its picture: whoever removes one has used their place all the same.
    picture = models.ForeignKey(
        "datasets.Picture", models.DB_SET_NULL, null=True, related_name="retouches"
    )
    wallet = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DB_CASCADE, related_name="retouches", db_index=False
    )
    """Who wished, and whose limit it counts for."""
    retoucher = models.CharField(max_length=40)
    """The alias in `settings.RETOUCHERS`."""
    status = models.CharField(max_length=20, choices=Status, default=Status.SUBMITTING)
    sent_at = models.DateTimeField(null=True, editable=False)
    """When it was marked as sent, just before the call; empty while it surely was not."""
    job_id = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    steps: ClassVar[dict[str, str]] = {
        "submitting": "datasets.retouch_steps.submit",
        "working": "datasets.retouch_steps.check",
    }

    objects = RetouchQuerySet.as_manager()

    class Meta(Job.Meta):
        verbose_name_plural = "retouches"
        constraints = (
            models.UniqueConstraint(
                fields=["picture", "kind"],
                condition=Q(due_at__isnull=False),
                name="one_wish_of_a_kind_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["job_id"], condition=~Q(job_id=""), name="one_retouch_per_remote_job"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["completed", "failed"]) | Q(due_at__isnull=False),
                name="unfinished_retouch_is_due",
            ),
        )
        indexes = (
            *Job.Meta.indexes,
            models.Index(fields=["wallet", "created_at"], name="retouches_of_wallet"),
            models.Index(fields=["created_at"], name="retouches_by_age"),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.picture_id} ({self.status})"

    @classmethod
    def begin(cls, wallet: Wallet, kind: Kind, pictures: Sequence[Picture]) -> int:
        """Wish this for each of the pictures, as far as the limit goes; return for how many.

        What is under way is not wished twice. To be called while editing the dataset. Raises
        `LimitReached` when the limit has no place at all.
        """
        take_turn(wallet)
        busy = set(
            cls.objects.under_way()
            .filter(kind=kind, picture__in=pictures)
            .values_list("picture_id", flat=True)
        )
        wanted = [picture for picture in pictures if picture.pk not in busy]
        left = places_left(wallet)
        if wanted and left == 0:
            raise LimitReached(spent())
        # In one statement, so that they have one moment: the page counts how far these are.
        begun = Retouch.objects.bulk_create(
            Retouch(
                kind=kind,
                picture=picture,
                wallet=wallet,
                retoucher=settings.RETOUCHER,
                language=current_language(),
                due_at=Now(),
                deadline_at=Now() + LASTS,
            )
            for picture in wanted[:left]
        )
        for retouch in begun:
            nudge(retouch)
        return len(begun)

    def not_ordered(self, reason: str) -> None:
        """It fails and surely nobody works on it, so that its place comes back."""
        self.move("failed", due_in=None, why=reason, error=reason, sent_at=None)


def take_turn(wallet: Wallet) -> None:
    """Wait until nobody else wishes for this wallet; ends with the transaction.

    The lock is the weaker one, so that rows that only point at the wallet are not held up.
    """
    Wallet.objects.select_for_update(no_key=True).get(pk=wallet.pk)


def places_left(wallet: Wallet) -> int | None:
    """How many more this wallet may wish for now; None: as many as it likes.

    Only `Retouch.begin` may act on it: others wish meanwhile.
    """
    if wallet.is_exempt:
        return None
    taken = Retouch.objects.counted().filter(wallet=wallet).count()
    return max(0, settings.RETOUCHES_PER_DAY - taken)


def spent() -> str:
    """What to say when the limit is reached."""
    words = _(
        "A wallet may ask for {number} automatic captions and cut-outs in 24 hours. "
        "You have used them up; ask for the rest later."
    )
    return words.format(number=settings.RETOUCHES_PER_DAY)


def newest_of(dataset: Dataset) -> dict[tuple[UUID | None, str], Retouch]:
    """The last wish of each kind for each picture of the dataset, by picture and kind."""
    return {(wish.picture_id, wish.kind): wish for wish in Retouch.objects.of(dataset)}


def sweep() -> None:
    """Remove the rows that are over and that neither the limit nor a page needs any more."""
    old = Retouch.objects.filter(due_at=None, created_at__lte=Now() - KEPT_FOR)
    old.delete()
