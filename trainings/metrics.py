"""What /metrics says about trainings."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from loratrainer.metrics import counted
from trainings.models import Training
from trainings.states import ENDED


def measure() -> Iterator[Metric]:
    """How many have ended, by trainer and how."""
    ended = GaugeMetricFamily(
        "loratrainer_trainings_ended",
        "Trainings that are completed, failed or cancelled; one that is tried again is no more.",
        labels=["provider", "status"],
    )
    over = Training.objects.filter(status__in=ENDED)
    for labels, number in counted(over, "provider", "status"):
        ended.add_metric(labels, number)
    yield ended
