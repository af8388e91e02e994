"""The part of a training that is its place on the wall: what it is called, and who may see it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now

from loratrainer.bells import ring
from loratrainer.jobs import Job
from trainings.states import ENDED, Status

if TYPE_CHECKING:
    from wallets.models import Wallet

NAME_LENGTH = 80
DESCRIPTION_LENGTH = 500


class NotOver(Exception):
    """The training is still at work: it must be cancelled before it can be removed."""


class NotYours(Exception):
    """Somebody else hid it, so that it is not this wallet's to show again."""


class Exhibit(Job):
    """What its owner says of a LoRA, and who gets to see it.

    Private is what its owner keeps to themselves; hidden is what they, or an admin, took off the
    wall; removed is gone for everybody, though the row stays, because money refers to it.
    """

    name = models.CharField(max_length=NAME_LENGTH)
    description = models.TextField(max_length=DESCRIPTION_LENGTH, blank=True)
    is_private = models.BooleanField(default=False)
    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """Whoever hid it; what an admin hid, its owner cannot show again."""
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta(Job.Meta):
        abstract = True

    @property
    def is_public(self) -> bool:
        """Whether it hangs on the wall: the same rule as `TrainingQuerySet.public`."""
        is_shown = not self.is_private and self.hidden_at is None and self.deleted_at is None
        return is_shown and self.status == Status.COMPLETED

    def rename(self, name: str, *, description: str) -> None:
        """Call it something else. The trigger word stays: it is in the weights."""
        self._change(name=name, description=description)

    def make_private(self) -> None:
        """Keep it to its owner."""
        self._change(is_private=True)
        self._tell()

    def make_public(self) -> None:
        """Let everybody see it, unless it is hidden."""
        self._change(is_private=False)
        self._tell()

    def hide(self, by: Wallet) -> None:
        """Take it off the wall; hiding it again changes nothing."""
        rows = type(self)._default_manager.filter(pk=self.pk, hidden_at=None)
        rows.update(hidden_at=Now(), hidden_by=by)
        self.refresh_from_db(fields=["hidden_at", "hidden_by"])
        self._tell()

    def show(self, by: Wallet) -> None:
        """Hang it on the wall again. Raises `NotYours` if an admin hid it."""
        if not self.can_be_shown_by(by):
            raise NotYours
        self._change(hidden_at=None, hidden_by=None)
        self._tell()

    def can_be_shown_by(self, wallet: Wallet) -> bool:
        """Whether this wallet may undo the hiding."""
        return wallet.is_admin or self.hidden_by_id in {None, wallet.pk}

    def remove(self) -> None:
        """Make it gone for everybody, its owner too; its addresses stop working.

        Raises `NotOver` while it is at work. Removing it again changes nothing.
        """
        rows = type(self)._default_manager.filter(pk=self.pk)
        if not rows.filter(status__in=ENDED).exists():
            raise NotOver
        rows.filter(deleted_at=None).update(deleted_at=Now())
        self.refresh_from_db(fields=["deleted_at"])
        self._tell()

    def _change(self, **changes: Any) -> None:
        type(self)._default_manager.filter(pk=self.pk).update(**changes)
        self.refresh_from_db(fields=list(changes))

    def _tell(self) -> None:
        """Say after this transaction that others see it now, or do no longer."""
        transaction.on_commit(partial(ring, settings.VISIBILITY_BELLS, self.pk), robust=True)
