"""What a wallet is told, once in each of the ways that it chose: a job for each destination."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _

from loratrainer.jobs import Job, JobQuerySet
from loratrainer.tasks import nudge
from wallets.destinations import Destination, TooMany

if TYPE_CHECKING:
    from wallets.models import Wallet

DELIVERED_WITHIN = timedelta(days=1)
"""For how long a notice is tried; after that it is no news."""
ASKS_PER_DAY = 3
"""How many mails in 24 hours may ask an address whether it agrees, whoever gave it to us."""
ASKS_OF_WALLET = 10
"""And how many a wallet may make us send."""

TEST = "test"
CONFIRM = "confirm"


class Status(models.TextChoices):
    SENDING = "sending"
    SENT = "sent"
    DOUBTED = "doubted"
    """It was sent, or was about to be, and nobody knows how that ended; never sent again."""
    DROPPED = "dropped"
    """The destination was removed or switched off meanwhile."""
    FAILED = "failed"


class Notice(Job):
    """One thing that happened, for one destination.

    "Never twice" is the constraint: the same event of the same thing makes no second row, and a row
    is sent once. `sent_at` is committed before the call. Who finds it set does not send mail or
    push again: silence is better than the same message twice. A webhook is sent again, because it
    carries the id of the row, by which its receiver knows it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    destination = models.ForeignKey(Destination, models.CASCADE, related_name="notices")
    event = models.CharField(max_length=40)
    """What happened, as webhooks call it: "training.completed"."""
    about = models.UUIDField()
    """What it happened to: the key of a training."""
    number = models.PositiveIntegerField(default=1)
    """Which time it happened to that: a training that is tried again may fail again."""
    status = models.CharField(max_length=20, choices=Status, default=Status.SENDING)
    title = models.CharField(max_length=120)
    text = models.TextField()
    path = models.CharField(max_length=500)
    """Where to read more: an address of ours without its origin."""
    body = models.JSONField(default=dict)
    """What a webhook is sent; kept, so that it is the same each time."""
    sent_at = models.DateTimeField(null=True, blank=True)
    """When it was marked as sent, just before the call; empty while it surely was not."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    steps: ClassVar[dict[str, str]] = {Status.SENDING: "wallets.steps.send"}

    objects = JobQuerySet["Notice"].as_manager()

    class Meta(Job.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["destination", "about", "event", "number"], name="never_twice"
            ),
        )

    def __str__(self) -> str:
        return f"{self.event} of {self.about} for {self.destination_id} ({self.status})"

    @property
    def is_news(self) -> bool:
        """Whether it tells of a thing of the wallet's, and not of the destination itself."""
        return self.event not in {TEST, CONFIRM}

    @property
    def url(self) -> str:
        """Where to read more."""
        return settings.SITE_URL + self.path

    @classmethod
    def announce(
        cls, wallet: Wallet, event: str, about: UUID, number: int, **said: Any
    ) -> list[Notice]:
        """Make a notice for each destination of the wallet; in the transaction of what happened.

        So none is lost, and none is sent of what was rolled back. `said` are title, text, path and
        body. What was announced already makes no second notice.
        """
        return [
            cls._begin(destination, event, about, number, **said)
            for destination in wallet.destinations.usable()
        ]

    @classmethod
    def test(cls, destination: Destination) -> Notice | None:
        """Send a test, unless one was sent a moment ago."""
        if not destination.begin_test():
            return None
        path, at = reverse("wallets:notices"), destination.tested_at
        return cls._begin(
            destination,
            TEST,
            uuid4(),
            1,
            title=_("It works"),
            text=_("Notices about your trainings arrive here."),
            path=path,
            body={
                "type": TEST,
                "timestamp": at and at.isoformat(),
                "data": {"url": settings.SITE_URL + path},
            },
        )

    @classmethod
    def ask(cls, destination: Destination) -> Notice:
        """Ask a mailbox whether it agrees. Raises `TooMany`."""
        asked = cls.objects.filter(event=CONFIRM, created_at__gt=Now() - timedelta(days=1))
        here = asked.filter(destination__address__iexact=destination.address).count()
        if here >= ASKS_PER_DAY:
            raise TooMany(_("We have written to this address several times today. Wait a day."))
        if asked.filter(destination__wallet_id=destination.wallet_id).count() >= ASKS_OF_WALLET:
            raise TooMany(_("You have added many addresses today. Wait a day."))
        return cls._begin(
            destination,
            CONFIRM,
            destination.pk,
            here + 1,
            title=_("Is this your address?"),
            text=_(
                "Somebody wants notices about their trainings to come here. If that is you, follow "
                "the link within a day. If not, do nothing, and you get no more mail from us."
            ),
            path=reverse("wallets:confirm", args=[destination.confirm_token]),
        )

    @classmethod
    def _begin(
        cls, destination: Destination, event: str, about: UUID, number: int, **said: Any
    ) -> Notice:
        said["title"] = " ".join(said["title"].split())[:120]
        notice = cls(
            destination=destination,
            event=event,
            about=about,
            number=number,
            due_at=Now(),
            deadline_at=Now() + DELIVERED_WITHIN,
            **said,
        )
        cls.objects.bulk_create([notice], ignore_conflicts=True)
        nudge(notice)
        return notice

    def mark_sent(self) -> None:
        """Write down that it is about to be sent. Raises `StaleJob` when it is not ours."""
        self.renew(sent_at=Now())

    def take_back(self) -> None:
        """It surely did not arrive: it may be sent again."""
        self.renew(sent_at=None)

    def doubt(self) -> None:
        """Leave it at that: it may have arrived, and must not arrive twice."""
        self.move(Status.DOUBTED, due_in=None, why=_("It may have arrived, so it is not repeated."))

    def moved(self, old: str) -> None:
        """Tell the destination how it went, after the commit: two locks at once could cross."""
        destination = self.destination
        match self.status:
            case Status.SENT:
                told = destination.succeed
            case Status.FAILED if self.is_news:
                told = partial(destination.give_up, self.error)
            case Status.FAILED:
                told = partial(destination.hear, self.error)
            case Status.DOUBTED:
                told = partial(destination.hear, _("It may have arrived, so it is not repeated."))
            case _dropped:
                return
        transaction.on_commit(told, robust=True)
