"""The weights: a training, the attempts at it, and what came out."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.search import SearchVectorField
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from datasets import archives
from datasets.models import Dataset
from loratrainer.bells import ring, told
from loratrainer.jobs import Job
from loratrainer.tasks import nudge
from payments.models import Entry, NotEnough, Quote
from trainings.attempts import Attempt
from trainings.exhibits import Exhibit
from trainings.indexes import WORDS, StoredField, hash_indexes, wall_indexes
from trainings.notices import announce
from trainings.querysets import TrainingQuerySet
from trainings.states import ENDED, ENDED_AS, NOTHING_HEARD, Kind, Status
from trainings.words import validate_steps, validate_trigger_word
from wallets.models import Wallet

PAYMENT_DEADLINE = timedelta(days=30)
"""How long an unpaid training waits for its price."""
DEADLINE = timedelta(hours=6)
"""How long a paid training may take, doubts and mirroring included."""


class TooLate(Exception):
    """The training has gone on meanwhile, so this cannot be done any more."""


class Training(Exhibit):
    """A LoRA in the making, and when completed and visible, the LoRA."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wallet = models.ForeignKey(Wallet, models.PROTECT, related_name="trainings")
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="trainings")
    quote = models.ForeignKey(Quote, models.PROTECT, null=True, blank=True, related_name="+")
    parent = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="children"
    )

    kind = models.CharField(max_length=10, choices=Kind)
    trigger_word = models.CharField(max_length=24, validators=[validate_trigger_word])
    training_steps = models.PositiveIntegerField(default=1000, validators=[validate_steps])
    provider = models.CharField(max_length=40)
    """The alias in `settings.PROVIDERS`."""
    options = models.JSONField(default=dict, blank=True)
    """The advanced settings that differ from the trainer's own."""

    status = models.CharField(max_length=20, choices=Status, default=Status.AWAITING_PAYMENT)
    price_cents = models.PositiveIntegerField()
    charges = models.PositiveIntegerField(default=0, editable=False)
    """How often it was charged; names the charge and its refund in the ledger."""
    is_charged = models.BooleanField(default=False, editable=False)
    cancel_asked_at = models.DateTimeField(null=True, blank=True, editable=False)

    queue_position = models.PositiveIntegerField(null=True, blank=True, editable=False)
    percent = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    log = models.TextField(blank=True, editable=False)
    heard_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When the provider last answered."""
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    completed_at = models.DateTimeField(null=True, blank=True, editable=False)

    service = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=100, blank=True)
    version = models.CharField(max_length=200, blank=True)
    weights = models.CharField(max_length=200, blank=True, editable=False)
    """The name in our storage."""
    weights_size = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    weights_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    tensors_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    config = models.CharField(max_length=200, blank=True, editable=False)
    config_size = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    config_sha256 = models.CharField(max_length=64, blank=True, editable=False)

    channel = models.CharField(max_length=200, blank=True, editable=False)
    """The slug of the Are.na channel that the pictures came from, as the dataset has it."""
    picture_count = models.PositiveIntegerField(default=0, editable=False)
    """How many pictures it was trained with; a frozen dataset keeps them."""
    image_count = models.PositiveIntegerField(default=0, editable=False)
    """How many images others can see that were generated with it."""
    recommended_strength = models.FloatField(null=True, blank=True, editable=False)
    """How strongly to apply it, as its report card suggests; empty without a suggestion."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    words = StoredField(
        expression=WORDS, output_field=SearchVectorField(), db_persist=True, editable=False
    )
    """What `trainings.search` finds it by."""

    steps: ClassVar[dict[str, str]] = {
        Status.AWAITING_PAYMENT: "trainings.steps.collect",
        Status.ARCHIVING: "trainings.steps.archive",
        Status.SUBMITTING: "trainings.steps.submit",
        Status.TRAINING: "trainings.steps.check",
        Status.MIRRORING: "trainings.steps.mirror",
    }

    objects = TrainingQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = (
            models.CheckConstraint(
                condition=~Q(status=Status.COMPLETED) | ~Q(weights=""), name="completed_has_weights"
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.COMPLETED) | Q(completed_at__isnull=False),
                name="completed_has_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(status__in=ENDED) | Q(due_at__isnull=False), name="unfinished_is_due"
            ),
        )
        indexes = (
            *Job.Meta.indexes,
            models.Index(fields=["wallet", "-created_at"], name="training_of_wallet"),
            *wall_indexes(),
            *hash_indexes(),
        )

    def __str__(self) -> str:
        return f"{self.trigger_word} ({self.status})"

    @property
    def attempt(self) -> Attempt | None:
        """The order that a provider has or may have."""
        return self.attempts.live().first()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen unless the owner asks for it."""
        return self.status in ENDED

    @property
    def can_be_cancelled(self) -> bool:
        """Whether cancelling still makes sense; what it costs is `cancelling_refunds`."""
        stages = (Status.AWAITING_PAYMENT, Status.ARCHIVING, Status.SUBMITTING, Status.TRAINING)
        return self.status in stages and self.cancel_asked_at is None

    @property
    def cancelling_refunds(self) -> bool:
        """Whether the whole price surely comes back when it is cancelled now."""
        return self.status in (Status.AWAITING_PAYMENT, Status.ARCHIVING) or (
            self.status == Status.TRAINING and self.queue_position is not None
        )

    @property
    def cause(self) -> str:
        """What its present charge, and the refund of that, are booked under."""
        return f"training:{self.pk}:{self.charges}"

    @classmethod
    def begin(cls, wallet: Wallet, dataset: Dataset, **choices: Any) -> Training:
        """Open a training with a dataset that nobody can change any more.

        It waits for its price; a balance that allows it, or an exempt wallet, starts it at once.
        Raises what `Dataset.freeze` raises.
        """
        with transaction.atomic():
            dataset.adopt(wallet)
            dataset.freeze()
            training = cls.objects.create(
                wallet=wallet,
                dataset=dataset,
                channel=dataset.channel,
                picture_count=dataset.pictures.chosen().count(),
                price_cents=0 if wallet.is_exempt else settings.TRAINING_USD_CENTS,
                due_at=Now(),
                deadline_at=Now() + PAYMENT_DEADLINE,
                **choices,
            )
            nudge(training)
        return training

    def collect(self) -> bool:
        """Charge the price and go on, both or neither; False when the balance does not allow it."""
        with transaction.atomic():
            cause = f"training:{self.pk}:{self.charges + 1}"
            try:
                if self.price_cents:
                    Entry.charge(self.wallet, self.price_cents, cause, note=self.name)
            except NotEnough:
                return False
            self.move(
                Status.ARCHIVING,
                deadline_in=DEADLINE,
                charges=self.charges + 1,
                is_charged=bool(self.price_cents),
                started_at=Now(),
            )
        return True

    def moved(self, old: str) -> None:
        """Tell its owner and whoever waits for LoRAs, in the very transaction that ends it.

        The price comes back in it too when it failed; what is over is cleared up. A bug in telling
        keeps no paid training from its end.
        """
        told(announce, self, old, refunded_cents=self.price_cents if self.is_charged else 0)
        if self.status == Status.FAILED:
            self._give_back()
        if self.status == Status.COMPLETED:
            ring(settings.TRAINING_BELLS, self.pk)
        if self.status in ENDED:
            for attempt in self.attempts.live():
                attempt.end(ENDED_AS[Status(self.status)])
            for name in self.attempts.exclude(archive="").values_list("archive", flat=True):
                archives.remove(name)

    def cancel(self) -> None:
        """End it for its owner. What no provider has is over at once, and the price comes back.

        What a provider has, or may have, is asked for first, by a worker. Raises `TooLate`.
        """
        with transaction.atomic():
            # Whoever moves it now waits for us, or we for them.
            now = Training.objects.select_for_update().get(pk=self.pk)
            if not now.can_be_cancelled:
                raise TooLate
            attempt = now.attempt
            if attempt is None or attempt.status == Attempt.Status.INTENT:
                now.called_off(refund=True, why=_("Cancelled before it began."))
            else:
                Training.objects.filter(pk=self.pk).update(cancel_asked_at=Now(), due_at=Now())
                nudge(now)
        self.refresh_from_db()

    def called_off(self, *, refund: bool, why: str) -> None:
        """It is cancelled, with or without the price coming back."""
        with transaction.atomic():
            if refund:
                self._give_back()
            self.move(Status.CANCELLED, due_in=None, why=why)

    def retry(self) -> None:
        """Begin again after a failure, with the price that came back. Raises `TooLate`."""
        if self.status != Status.FAILED:
            raise TooLate
        self.move(
            Status.AWAITING_PAYMENT,
            deadline_in=PAYMENT_DEADLINE,
            why=_("Tried again."),
            error="",
            cancel_asked_at=None,
            **NOTHING_HEARD,
        )
        nudge(self)

    def _give_back(self) -> None:
        if self.is_charged:
            Entry.refund(self.cause, note=self.name)
            Training.objects.filter(pk=self.pk).update(is_charged=False)


def hear_deposit(wallet_pk: int) -> None:
    """A bell of the ledger: look at the trainings of this wallet that wait for money."""
    waiting = Training.objects.filter(wallet_id=wallet_pk, status=Status.AWAITING_PAYMENT)
    for training in waiting:
        training.hurry()
        nudge(training)


# Django finds models in this module only; the draft points at a training by name.
from trainings.drafts import Draft as Draft  # noqa: E402, PLC0414
from trainings.handovers import Handover as Handover  # noqa: E402, PLC0414
