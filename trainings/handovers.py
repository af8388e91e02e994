"""A draft that goes on in another browser: the wallet is often on the phone, the pictures are not.

A wallet's own browser shares no cookies with the one where the pictures were chosen. What travels
is a one-time address that gives whoever opens it a copy of one draft, and never the login: nobody
can be tricked into signing somebody else in.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from datasets import owners
from datasets.models import Dataset, Frozen, NotReady
from loratrainer.paths import LENGTH
from trainings.drafts import Draft

if TYPE_CHECKING:
    from wallets.http import Request

TOKEN_BYTES = 16
EXPIRES_IN = timedelta(minutes=15)


class Gone(Exception):
    """The address has been used, was replaced by a newer one, or has expired."""


class HandoverQuerySet(models.QuerySet["Handover"]):
    def of_token(self, token: str) -> Self:
        """The one whose address has this token, if there is one."""
        return self.filter(token_hash=_hash(token))

    def open(self) -> Self:
        """Those that can still be taken over, by the database's clock."""
        return self.filter(taken=None, taken_at=None, offered_at__gt=Now() - EXPIRES_IN)


class Handover(models.Model):
    """A draft that its owner offers to another browser of theirs. A new offer ends the one before.

    Only the hash of its token is kept, so that nobody who reads the database can open it.
    """

    dataset = models.OneToOneField(
        Dataset, models.CASCADE, primary_key=True, related_name="handover"
    )
    token_hash = models.BinaryField(max_length=32, unique=True)
    next_url = models.CharField(max_length=LENGTH)
    """A path of ours: the page on which the other browser goes on."""
    offered_at = models.DateTimeField(db_default=Now())
    taken_at = models.DateTimeField(null=True)
    taken = models.ForeignKey(Dataset, models.SET_NULL, null=True, related_name="+")
    """The copy that the other browser got."""

    objects = HandoverQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.dataset_id}, offered {self.offered_at}"

    @classmethod
    def offer(cls, dataset: Dataset, *, next_url: str) -> str:
        """Offer a draft, and return the token for its address; it is told only now."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        cls.objects.update_or_create(
            dataset=dataset,
            defaults={
                "token_hash": _hash(token),
                "next_url": next_url,
                "offered_at": Now(),
                "taken_at": None,
                "taken": None,
            },
        )
        return token

    def take(self, request: Request) -> Dataset:
        """Give this visitor a copy of the draft, once.

        Raises `Gone`; `NotReady`, with words, while pictures still arrive; `Frozen`; `TooMany`.
        """
        with transaction.atomic():
            open_ones = type(self).objects.select_for_update().open()
            if not open_ones.filter(token_hash=self.token_hash).first():
                raise Gone
            with self.dataset.holding():
                if self.dataset.kind != Dataset.Kind.DRAFT:
                    raise Frozen
                if self.dataset.status == "listing":
                    words = _("The channel is still being read. Wait a moment, then try again.")
                    raise NotReady(words)
                copy = self.dataset.copy(**owners.new_for(request))
            if draft := Draft.objects.filter(dataset=self.dataset).first():
                Draft(dataset=copy).keep(draft.typed)
            self.taken_at, self.taken = Now(), copy
            self.save(update_fields=["taken_at", "taken"])
        return copy

    @property
    def is_open(self) -> bool:
        """Whether it can still be taken over."""
        return type(self).objects.open().filter(pk=self.pk).exists()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
