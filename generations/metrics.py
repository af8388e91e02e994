"""What /metrics says about images."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from generations.models import Generation
from loratrainer.metrics import counted


def measure() -> Iterator[Metric]:
    """How many batches there are, by trainer and status."""
    batches = GaugeMetricFamily(
        "loratrainer_generations", "Batches of images.", labels=["provider", "status"]
    )
    for labels, number in counted(Generation.objects.all(), "provider", "status"):
        batches.add_metric(labels, number)
    yield batches
