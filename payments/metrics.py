"""What /metrics says about money."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Sum
from django.db.models.functions import Now
from prometheus_client.core import GaugeMetricFamily, Metric

from payments.models import Entry, Quote


def measure() -> Iterator[Metric]:
    """The sums of the ledger by kind, and how many prices are held at the moment."""
    cents = GaugeMetricFamily(
        "loratrainer_ledger_cents",
        "The sum of the ledger's entries in US cents; positive in favour of wallets.",
        labels=["kind"],
    )
    sums = dict.fromkeys(Entry.Kind.values, 0)
    sums |= dict(Entry.objects.order_by().values_list("kind").annotate(Sum("cents")))
    for kind, sum_cents in sums.items():
        cents.add_metric([kind], sum_cents)
    yield cents
    held = Quote.objects.filter(status="open", due_at__isnull=False, expires_at__gt=Now())
    yield GaugeMetricFamily(
        "loratrainer_quotes_open", "Prices that may be paid at the moment.", value=held.count()
    )
