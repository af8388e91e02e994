"""What we were paid each month, and about what that cost us: a page of the admin, to read.

What we were paid is the ledger's. What it cost is an estimate by the services' public prices
(`providers.base`): three queries count what was ordered, however much it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib import admin
from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.db.models.functions import Coalesce, Now, TruncMonth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from generations.models import Generation
from generations.states import Status
from payments.models import Entry
from providers import get_providers
from trainings.attempts import Attempt

SINCE = timedelta(days=366)
"""How far back the page looks; the month of that day is shown whole."""
MEGAPIXEL = 1024 * 1024


@dataclass(slots=True)
class Sums:
    """What happened, of a month or of a trainer. Money is in US cents."""

    charged_cents: int = 0
    refunded_cents: int = 0
    trainings: int = 0
    trainings_cost_cents: Decimal = Decimal(0)
    images: int = 0
    images_cost_cents: Decimal = Decimal(0)

    @property
    def earned_cents(self) -> int:
        """What was charged and has not come back."""
        return self.charged_cents - self.refunded_cents

    @property
    def cost_cents(self) -> Decimal:
        """About what it cost us."""
        return self.trainings_cost_cents + self.images_cost_cents

    @property
    def margin_cents(self) -> Decimal:
        """About what is left."""
        return self.earned_cents - self.cost_cents


@dataclass(slots=True)
class Margin:
    """The sums of each month, of each trainer and of all."""

    months: dict[datetime, Sums] = field(default_factory=dict)
    trainers: dict[str, Sums] = field(default_factory=dict)
    total: Sums = field(default_factory=Sums)
    unknown: set[str] = field(default_factory=set)
    """Trainers that the settings do not name any more: nobody knows what they cost."""

    def of(self, month: datetime, trainer: str = "") -> Iterator[Sums]:
        """Yield what something of this month, and of this trainer, belongs to."""
        yield self.months.setdefault(month, Sums())
        if trainer:
            yield self.trainers.setdefault(trainer, Sums())
        yield self.total


@require_safe
def margin(request: HttpRequest) -> HttpResponse:
    """The months of the last year, the newest first."""
    found = measured()
    context = {
        **admin.site.each_context(request),
        "title": _("Costs and margin"),
        "margin": found,
        "months": sorted(found.months.items(), reverse=True),
        "trainers": sorted(found.trainers.items()),
    }
    return render(request, "admin/margin.html", context)


def measured() -> Margin:
    """Add up the last year in three queries."""
    found = Margin()
    since = TruncMonth(Now() - SINCE)
    entries = Entry.objects.filter(kind__in=("charge", "refund"), created_at__gte=since)
    by_month = entries.annotate(month=TruncMonth("created_at")).values("month")
    for row in by_month.annotate(
        charged=Sum("cents", filter=Q(kind="charge")),
        refunded=Sum("cents", filter=Q(kind="refund")),
    ):
        for sums in found.of(row["month"]):
            sums.charged_cents -= row["charged"] or 0
            sums.refunded_cents += row["refunded"] or 0
    add_trainings(found, since)
    add_images(found, since)
    return found


def add_trainings(found: Margin, since: TruncMonth) -> None:
    """Add what the trainers did: whatever they had taken, good or bad, by the month it ended in."""
    ran_in = ExpressionWrapper(F("ended_at") - F("sent_at"), output_field=DurationField())
    over = Attempt.objects.over().filter(ended_at__gte=since)
    by_month = over.annotate(month=TruncMonth("ended_at")).values("month", "provider")
    succeeded = Q(status=Attempt.Status.SUCCEEDED)
    for row in by_month.annotate(
        number=Count("pk", filter=succeeded),
        steps=Coalesce(Sum("training__training_steps", filter=succeeded), 0),
        time_worked=Coalesce(Sum(Coalesce("ran_in", ran_in)), timedelta(0)),
    ):
        provider = get_providers().get(row["provider"])
        if provider is None:
            found.unknown.add(row["provider"])
            continue
        cost = provider.training_cost_cents(steps=row["steps"], ran_in=row["time_worked"])
        for sums in found.of(row["month"], row["provider"]):
            sums.trainings += row["number"]
            sums.trainings_cost_cents += cost


def add_images(found: Margin, since: TruncMonth) -> None:
    """Add the images of completed batches, those that the safety checker held back included."""
    size = (F("width") * F("height") + MEGAPIXEL - 1) / MEGAPIXEL
    over = Generation.objects.filter(status=Status.COMPLETED, completed_at__gte=since)
    by_month = over.annotate(month=TruncMonth("completed_at")).values("month", "provider")
    for row in by_month.annotate(
        number=Sum("images_asked"), megapixels=Sum(F("images_asked") * size)
    ):
        provider = get_providers().get(row["provider"])
        if provider is None:
            found.unknown.add(row["provider"])
            continue
        cost = provider.generation_cost_cents(images=row["number"], megapixels=row["megapixels"])
        for sums in found.of(row["month"], row["provider"]):
            sums.images += row["number"]
            sums.images_cost_cents += cost
