"""What goes in: people, their shoots, drafts, and the frozen datasets that were trained with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, Max, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _

from datasets import owners
from datasets.captions import Captioned
from datasets.channels import ChannelImport
from datasets.decoding import Developed
from datasets.folders import TemporaryFolder, discard, keep
from datasets.people import Person
from datasets.pictures import Picture, files_of
from datasets.refusals import Frozen, NotReady, TooMany
from datasets.retouches import Retouch
from datasets.strip import ContactStrip
from loratrainer.jobs import JobQuerySet

if TYPE_CHECKING:
    from wallets.http import Request
    from wallets.models import Wallet

__all__ = ["Dataset", "Frozen", "NotReady", "Person", "Picture", "TemporaryFolder", "TooMany"]

UPLOADS_PER_PLACE = 4
"""How many uploads a dataset may hold for each picture that can be chosen."""
DRAFT_EXPIRES_IN = timedelta(days=8)
"""How long a draft without a wallet is kept: a little longer than its browser's session."""


class DatasetQuerySet(JobQuerySet["Dataset"]):
    def mine(self, request: Request) -> Self:
        """Those of the wallet that is signed in, and the drafts that this browser began."""
        return self.filter(owners.of(request))

    def drafts(self) -> Self:
        """Those that somebody is still putting together, the newest first."""
        return self.filter(kind="draft").order_by("-created_at")

    def shoots(self) -> Self:
        """The shoots, by person and costume, each with its `number` of preprocessed pictures."""
        preprocessed = Count("pictures", filter=~Q(pictures__original=""))
        shoots = self.filter(kind="shoot").select_related("person")
        return shoots.annotate(number=preprocessed).order_by("person__name", "costume", "id")

    def forgotten(self) -> Self:
        """The drafts without a wallet whose browser has forgotten them."""
        old = Now() - DRAFT_EXPIRES_IN
        return self.filter(kind="draft", wallet=None, created_at__lte=old)


class Dataset(ContactStrip, Captioned, ChannelImport):
    """Pictures and their captions: a draft, a shoot, or what a training was made of.

    A job only while a channel is read from Are.na; otherwise nothing is due.
    """

    class Kind(models.TextChoices):
        DRAFT = "draft"
        SHOOT = "shoot"
        TRAINING = "training"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    # The database keeps wallets and people that still have datasets; Django would not let the
    # pictures be deleted by the database if it did this itself (fields.E323).
    wallet = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.DO_NOTHING, related_name="datasets"
    )
    """Empty: a draft of a browser that nobody has signed in with yet."""
    browser = models.BinaryField(max_length=32, null=True)
    """The hash of a secret that only the session of the browser holds in which it was begun."""
    network = models.CharField(max_length=43, blank=True)
    """Where a draft without a wallet was begun; counted."""
    person = models.ForeignKey(
        Person, null=True, on_delete=models.DO_NOTHING, related_name="shoots"
    )
    costume = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of all that a training gets from here; only a frozen dataset has one."""

    objects = DatasetQuerySet.as_manager()

    class Meta(ChannelImport.Meta):
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=["ready", "listing", "loading", "failed"]),
                name="datasets_keep_to_their_statuses",
            ),
            models.CheckConstraint(
                condition=Q(wallet__isnull=False) | Q(kind="draft", browser__isnull=False),
                name="a_dataset_belongs_to_somebody",
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False) & ~Q(costume="") | ~Q(kind="shoot"),
                name="a_shoot_has_person_and_costume",
            ),
            models.CheckConstraint(
                condition=Q(kind="training") & ~Q(digest="") | ~Q(kind="training") & Q(digest=""),
                name="what_is_frozen_has_a_digest",
            ),
        )
        indexes = (
            *ChannelImport.Meta.indexes,
            models.Index(
                fields=["created_at"], name="drafts_of_nobody", condition=Q(wallet__isnull=True)
            ),
            models.Index(
                fields=["browser"], name="drafts_of_browser", condition=Q(browser__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return self.costume or self.channel_title or f"{self.kind} {self.pk}"

    @property
    def is_frozen(self) -> bool:
        """Whether it was trained with, and so never changes."""
        return self.kind == self.Kind.TRAINING

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("datasets:dataset", args=[self.pk])

    @classmethod
    def begin(cls, request: Request) -> Dataset:
        """A new draft for this visitor, signed in or not. Raises `TooMany`."""
        return cls.objects.create(kind=cls.Kind.DRAFT, **owners.new_for(request))

    @contextmanager
    def editing(self) -> Iterator[None]:
        """As `holding`, for what may still be changed. Raises `Frozen`."""
        with self.holding():
            self._check_not_frozen()
            yield

    def _check_not_frozen(self) -> None:
        if self.is_frozen:
            raise Frozen(_("This set was trained with, so it does not change any more."))

    def adopt(self, wallet: Wallet) -> None:
        """Give a draft that nobody has signed in for to a wallet."""
        adopted = type(self).objects.filter(pk=self.pk, wallet=None)
        adopted.update(wallet=wallet, network="")
        self.refresh_from_db(fields=["wallet", "network"])

    def add_upload(self, developed: Developed, *, name: str) -> Picture:
        """Keep an uploaded picture; it is chosen if there is a place left.

        `name` is what its file was called. Raises `Frozen`, `TooMany` and `TryAgainLater`.
        """
        self._check_not_frozen()  # Before anything is written for nothing.
        folder = keep(files_of(developed))
        most = UPLOADS_PER_PLACE * settings.PICTURES_MAX
        with self.editing():
            if self.pictures.uploads().count() >= most:
                limit = _("A set holds at most {number} uploads. Remove some first.")
                raise TooMany(limit.format(number=most))
            picture = Picture(
                dataset=self,
                position=self.next_position(),
                name=name,
                chosen=self.pictures.chosen().count() < settings.PICTURES_MAX,
            )
            picture.kept_as(developed, folder)
        return picture

    def next_position(self) -> int:
        """The place behind the last picture. To be called while editing."""
        last: int | None = self.pictures.aggregate(last=Max("position"))["last"]
        return 0 if last is None else last + 1

    def choose(self, pictures: Collection[UUID]) -> None:
        """Choose exactly these pictures to train with.

        Raises `Picture.DoesNotExist` for one of another dataset, `TooMany` and `Frozen`.
        """
        with self.editing():
            if self.pictures.filter(pk__in=pictures).count() != len(set(pictures)):
                raise Picture.DoesNotExist
            usable = self.pictures.filter(pk__in=pictures, problem="")
            if usable.count() > settings.PICTURES_MAX:
                limit = _("A training takes at most {number} pictures.")
                raise TooMany(limit.format(number=settings.PICTURES_MAX))
            self._choose(usable)

    def choose_all(self) -> None:
        """Choose what is not chosen yet, in order, as far as there are places. Raises `Frozen`."""
        with self.editing():
            usable = self.pictures.filter(problem="").order_by("-chosen", "position")
            self._choose(usable[: settings.PICTURES_MAX])

    def _choose(self, pictures: models.QuerySet[Picture]) -> None:
        chosen = list(pictures.values_list("pk", flat=True))
        self.pictures.chosen().exclude(pk__in=chosen).update(chosen=False)
        self.pictures.filter(pk__in=chosen).update(chosen=True)
        self.load()

    def check_ready(self) -> None:
        """Raise `NotReady`, with words, unless it can be trained with as it is."""
        chosen = list(self.pictures.chosen())
        if len(chosen) < settings.PICTURES_MIN:
            least = _("Choose at least {least} pictures; you have chosen {number}.")
            raise NotReady(least.format(least=settings.PICTURES_MIN, number=len(chosen)))
        if len(chosen) > settings.PICTURES_MAX:
            raise NotReady(_("Choose at most {most} pictures.").format(most=settings.PICTURES_MAX))
        if not all(picture.is_kept for picture in chosen):
            if self.is_working:
                raise NotReady(_("Some of the chosen pictures are still on their way. Wait a bit."))
            raise NotReady(_("Some of the chosen pictures did not arrive. Load the channel again."))
        if Retouch.objects.under_way().of(self).filter(picture__chosen=True).exists():
            raise NotReady(_("Captions or cut-outs are still being made. Wait a moment."))

    def freeze(self) -> None:
        """Make a draft what a training was made of: only the chosen pictures, for ever.

        A shoot stays as it is; freeze a `copy` of it. Raises `NotReady` and `Frozen`.
        """
        with self.editing():
            if self.kind != self.Kind.DRAFT:
                raise ValueError("Only a draft can be frozen.")
            self.check_ready()
            others = self.pictures.filter(chosen=False)
            discard({folder for picture in others for folder in picture.folders})
            others.delete()
            self.move("ready", due_in=None, kind=self.Kind.TRAINING, digest=self._digest())

    def _digest(self) -> str:
        facts = [(*picture.look, picture.caption) for picture in self.pictures.chosen()]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def copy(self, **owner: Any) -> Dataset:
        """A new draft with the same pictures, captions and choice, whose files are shared.

        It is the same visitor's, or that of the one whom `owners.new_for` knows.
        """
        copied = {name: getattr(self, name) for name in COPIED}
        with self.holding():
            draft = type(self).objects.create(kind=self.Kind.DRAFT, **copied | owner)
            pictures = list(self.pictures.all())
            for picture in pictures:
                picture.pk, picture.dataset = uuid4(), draft
            Picture.objects.bulk_create(pictures)
            draft.load()
        return draft

    def remove(self) -> None:
        """Delete it with all its files, frozen or not."""
        with self.holding():
            folders = {folder for picture in self.pictures.all() for folder in picture.folders}
            discard(folders | {self.strip})
            self.delete()

    def lock(self) -> None:
        """Hold the row against all other changes until the transaction ends.

        Unlike `holding` it reads nothing anew: a step must write with the fence that it has seen.
        """
        list(type(self).objects.select_for_update().filter(pk=self.pk).values_list("pk"))

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Hold the row, read anew, against all other changes until the block is left."""
        with transaction.atomic():
            self.refresh_from_db(from_queryset=type(self).objects.select_for_update())
            yield


COPIED = [
    *("wallet_id", "browser", "network", "person_id", "costume", "channel", "typed"),
    *("channel_url", "channel_title", "channel_owner", "channel_total", "skipped"),
]
