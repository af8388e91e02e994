"""An order at a service that costs money: what we know of it when nobody answered.

It is marked before the one call that gives it. Whoever finds the mark without a job id does not
order again but looks: a signed webhook may have named the job, the service's list may show it, and
only several complete look-ups without it, the last one late enough, mean that it never arrived.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db import models
from django.db.models import F
from django.db.models.functions import Now

NEGATIVES = 3
"""So many complete look-ups without our order, the last one late enough, mean "not accepted"."""


def new_token() -> str:
    """A token that nobody can guess, fit for an address."""
    return secrets.token_urlsafe(24)


class Order(models.Model):
    """What is remembered of one order, whatever was ordered."""

    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    """Nobody can guess it: the webhook's address ends in it."""
    job_id = models.CharField(max_length=200, blank=True, editable=False)
    """The service's id; empty while we do not know that the order was accepted."""
    told_job_id = models.CharField(max_length=200, blank=True, editable=False)
    """What a signed webhook with our token said; the service is asked before it is believed."""
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When it was marked as sent, just before the call; empty while it surely was not."""
    negatives = models.PositiveIntegerField(default=0, editable=False)
    """Complete look-ups at the service that did not show the order."""

    class Meta:
        abstract = True

    def hear(self, job_id: str) -> None:
        """A signed webhook named this job; keep it for the worker, once."""
        rows = type(self)._default_manager.filter(pk=self.pk, told_job_id="")
        rows.update(told_job_id=job_id)

    def deny(self, listed_in: timedelta) -> bool:
        """Count a complete look-up without our order; say whether it surely was not accepted.

        `listed_in` is how long the service may take to list what it has accepted.
        """
        mine = type(self)._default_manager.filter(pk=self.pk, job_id="")
        mine.update(negatives=F("negatives") + 1)
        return mine.filter(negatives__gte=NEGATIVES, sent_at__lte=Now() - listed_in).exists()
