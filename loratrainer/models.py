"""The pulse of the work: who swept last, so that a stopped beat or worker is noticed."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models.functions import Now


class PulseQuerySet(models.QuerySet["Pulse"]):
    def recent(self, within: timedelta) -> Self:
        """Those that were felt within this time, by the database's clock."""
        return self.filter(felt_at__gte=Now() - within)


class Pulse(models.Model):
    """One row per kind of work; each sweep moves its moment forward."""

    name = models.CharField(max_length=20, primary_key=True)
    felt_at = models.DateTimeField(db_default=Now())

    objects = PulseQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def feel(cls, name: str) -> None:
        """Say that this work goes on at this moment."""
        cls.objects.update_or_create(name=name, defaults={"felt_at": Now()})
