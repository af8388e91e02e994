"""Long-running work, kept in the database.

A job is a row that knows when somebody should look at it again (`due_at`) and which step its status
asks for (`steps`). Celery only rings the bell: lose every message, kill every worker, and the sweep
finds the same rows a moment later. Only the database's clock decides when.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, cast

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import JSONArray, JSONObject, Least, Now
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from loratrainer.languages import current_language
from loratrainer.outcomes import GiveUp, TryAgainLater

logger = logging.getLogger(__name__)

PAUSES = [timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900)]
"""How long a job waits when the world did not answer; the last one repeats until the deadline."""

MAX_CRASHES = 5
"""How many workers a step may take down before the job fails instead."""


class StaleJob(Exception):
    """Somebody else moved the job, or its lease ran out and another worker has it."""


class JobQuerySet[J: Job](models.QuerySet[J]):
    def due(self) -> Self:
        """Those that somebody should look at now, and that no worker holds."""
        free = Q(lease_ends_at=None) | Q(lease_ends_at__lte=Now())
        return self.filter(free, due_at__lte=Now())

    def claim(self, pk: object) -> J | None:
        """Take the lease of a due job. Exactly one caller gets the job, all others None.

        `tries` rises before the work, so that a job which takes its worker down leaves a trace.
        """
        with transaction.atomic():
            claimed = (
                self.due()
                .filter(pk=pk)
                .update(
                    lease_ends_at=Now() + settings.JOB_LEASE,
                    fence=F("fence") + 1,
                    tries=F("tries") + 1,
                    # A lease that is still there was never given back: its worker died or stalls.
                    crashes=F("crashes")
                    + Case(When(lease_ends_at=None, then=Value(0)), default=Value(1)),
                )
            )
            # Still inside the transaction: nobody else can raise the fence before we have read it.
            return cast("J", self.annotate(claimed_at=Now()).get(pk=pk)) if claimed else None


class Job(models.Model):
    """A row that knows when somebody should look at it again.

    Every write asks for the status and the fence that this instance has seen, in one conditional
    UPDATE; whoever comes second gets `StaleJob` and leaves the row alone.
    """

    status = models.CharField(max_length=20)
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When somebody should look again; empty when nothing is left to do."""
    deadline_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When the job fails if it has not ended by then."""
    lease_ends_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Until when a worker holds the job; empty when none does."""
    fence = models.PositiveBigIntegerField(default=0, editable=False)
    """Rises with every claim and move, and so tells a late write from a rightful one."""
    tries = models.PositiveIntegerField(default=0, editable=False)
    """Claims since the last answer of the outside world."""
    crashes = models.PositiveIntegerField(default=0, editable=False)
    """Claims since then whose lease was never given back."""
    note = models.CharField(max_length=200, blank=True)
    """For the owner while they wait."""
    error = models.TextField(blank=True)
    """Why it failed, in words for the owner."""
    history = models.JSONField(default=list, blank=True, editable=False)
    """What moved, when (by the database's clock) and why; `move` appends to it."""
    language = models.CharField(
        max_length=10, default=current_language, db_default="en", editable=False
    )
    """What its words for the owner are written in: the language of the page that began it."""

    steps: ClassVar[dict[str, str]] = {}
    """Which function to run in which status, by dotted path."""

    claimed_at: datetime
    """The database's time at the claim; only a claimed job has it."""

    class Meta:
        abstract = True
        indexes: ClassVar[list[models.Index] | tuple[models.Index, ...]] = (
            # Finished rows are not in it, so that a sweep costs what is due and nothing more.
            models.Index(
                fields=["due_at"], name="%(class)s_due", condition=Q(due_at__isnull=False)
            ),
        )

    @property
    def is_working(self) -> bool:
        """Whether something is still to come."""
        return self.due_at is not None

    def move(
        self,
        to: str,
        *,
        due_in: timedelta | None = timedelta(0),
        deadline_in: timedelta | None = None,
        why: str = "",
        **changes: Any,
    ) -> None:
        """Change the status, and write it into the history.

        `due_in` is when the next step is due (None: nothing is left to do), `deadline_in` sets a
        new deadline. Raises `StaleJob` when somebody else was first.
        """
        old = self.status
        line = JSONObject(**{"at": Now(), "from": Value(old), "to": Value(to), "why": Value(why)})
        if deadline_in is not None:
            changes["deadline_at"] = Now() + deadline_in
        changes |= {
            "status": to,
            "due_at": None if due_in is None else Now() + due_in,
            "fence": F("fence") + 1,
            "tries": 0,
            "crashes": 0,
            "note": "",
            "history": Func(
                F("history"),
                JSONArray(line),
                template="(%(expressions)s)",
                arg_joiner=" || ",
                output_field=models.JSONField(),
            ),
        }
        with transaction.atomic():
            self._write(changes)
            self.moved(old)
        logger.info("%s %s is now %s", self._meta.label, self.pk, to)

    def moved(self, old: str) -> None:
        """Do what must happen in the same transaction as a move from `old`; nothing by default."""

    def wait(self, due_in: timedelta, *, note: str = "", **changes: Any) -> None:
        """Stay here and look again after `due_in`: the world answered, so tries start anew."""
        state = {"due_at": self._later(due_in), "tries": 0, "crashes": 0, "note": note[:200]}
        self._write(changes | state)

    def renew(self, **changes: Any) -> None:
        """Keep the lease of a long step. Raises `StaleJob` when it is not ours any more."""
        self._write(changes | {"lease_ends_at": Now() + settings.JOB_LEASE})

    def fail(self, reason: str) -> None:
        """End here; the owner reads the reason."""
        self.move("failed", due_in=None, why=reason, error=reason)

    def hurry(self) -> None:
        """Make it due now, if anything is left to do; a step that runs meanwhile notices."""
        type(self)._default_manager.filter(pk=self.pk, due_at__isnull=False).update(due_at=Now())

    def advance(self) -> None:
        """Run the one step that the status asks for. The job must be claimed."""
        try:
            with translation.override(self.language):
                self._step()
        except StaleJob as exc:
            logger.info("Left alone: %s", exc)

    def _step(self) -> None:
        if self.deadline_at is not None and self.deadline_at <= self.claimed_at:
            self.fail(self.note or _("It took too long, so we stopped."))
            return
        if self.crashes >= MAX_CRASHES:
            logger.error("%s %s keeps taking its workers down", self._meta.label, self.pk)
            self.fail(_("Something broke on our side."))
            return
        before = (self.fence, self.due_at)
        try:
            import_string(self.steps[self.status])(self)
            if self.lease_ends_at is not None:
                raise RuntimeError(f"The step of {self.status} neither moved, waited nor failed")
        except StaleJob:
            raise
        except Exception as exc:
            self._step_back(*before)
            match exc:
                case TryAgainLater():
                    self._pause(str(exc))
                case GiveUp():
                    self.fail(str(exc))
                case _:
                    logger.exception("%s %s met a bug of ours", self._meta.label, self.pk)
                    self._pause(_("Something broke on our side."))

    def _step_back(self, fence: int, due_at: datetime | None) -> None:
        """Forget a move that was rolled back with its transaction: the row knows nothing of it."""
        if type(self)._default_manager.filter(pk=self.pk, fence=fence).exists():
            self.refresh_from_db()
            self.due_at = due_at  # As at the claim, so that a ring since then is noticed.

    def _pause(self, note: str) -> None:
        pause = PAUSES[min(self.tries, len(PAUSES)) - 1]
        self._write({"due_at": self._later(pause), "note": note[:200]})

    def _later(self, due_in: timedelta) -> Case:
        """In `due_in`, but not after the deadline; unless somebody rang since the claim."""
        return Case(
            When(due_at=self.due_at, then=Least(Now() + due_in, F("deadline_at"))),
            default=F("due_at"),
        )

    def _write(self, changes: dict[str, Any]) -> None:
        changes = {"lease_ends_at": None} | changes
        rows = type(self)._default_manager.filter(pk=self.pk, status=self.status, fence=self.fence)
        if rows.update(**changes) != 1:
            raise StaleJob(f"{self._meta.label} {self.pk} is no longer {self.status} for us")
        self.refresh_from_db(fields=changes)
