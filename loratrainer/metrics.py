"""`/metrics` in the text format of Prometheus: what the database says, the same in every process.

Nothing is counted in memory, so it does not matter which of several web processes is asked, nor
that they start anew. Each part has a short time to answer in; one that does not is left out, and
says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from secrets import compare_digest

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection, transaction
from django.db.models import Count, F, Min, Model, Q, QuerySet
from django.db.models.functions import Extract, Now
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from loratrainer.jobs import Job, JobQuerySet
from loratrainer.models import Pulse
from loratrainer.tasks import job_models

logger = logging.getLogger(__name__)

type Measure = Callable[[], Iterable[Metric]]

ANSWER_IN = timedelta(seconds=2)
"""How long the database may take for a part."""
OVERDUE = timedelta(minutes=1)
"""A job that nobody has looked at for so long is stuck: sweeps come every few seconds."""


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All of it, for who has the token of the settings; without one there is nothing here."""
    if not settings.METRICS_TOKEN:
        raise Http404
    sent = request.headers.get("Authorization", "")
    if not compare_digest(sent.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse(
            "Send METRICS_TOKEN in the header: Authorization: Bearer …\n",
            status=401,
            content_type="text/plain; charset=utf-8",
            headers={"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"},
        )
    registry = CollectorRegistry()
    registry.register(Measured())
    return HttpResponse(
        generate_latest(registry),
        content_type=CONTENT_TYPE_PLAIN_0_0_4,
        headers={"Cache-Control": "no-store"},
    )


class Measured(Collector):
    """What all parts have measured, at the moment of asking."""

    def describe(self) -> Iterable[Metric]:
        """Nothing: so registering asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of each part, and which parts have answered."""
        parts: dict[str, Measure] = {"jobs": measure_jobs, "pulse": measure_pulse}
        parts |= {path.partition(".")[0]: import_string(path) for path in settings.METRICS}
        up = GaugeMetricFamily(
            "loratrainer_metrics_up", "Whether a part of these metrics was read.", labels=["part"]
        )
        for name, measure in parts.items():
            found = answered(name, measure)
            yield from found or ()
            up.add_metric([name], int(found is not None))
        yield up


def answered(name: str, measure: Measure) -> list[Metric] | None:
    """Return what a part says, None if the database did not answer in time."""
    milliseconds = str(ANSWER_IN // timedelta(milliseconds=1))
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])
            return list(measure())
    except DatabaseError as exc:
        logger.warning("The metrics of %s are left out: %s", name, exc)
        return None


def measure_jobs() -> Iterator[Metric]:
    """How much work is under way, and how late it is; finished rows are in no index used here."""
    by_status = GaugeMetricFamily("loratrainer_jobs", "Unfinished jobs.", labels=["kind", "status"])
    due = GaugeMetricFamily("loratrainer_jobs_due", "Jobs that wait for a worker.", labels=["kind"])
    overdue = GaugeMetricFamily(
        "loratrainer_jobs_overdue",
        "Jobs that have waited for a worker for more than a minute.",
        labels=["kind"],
    )
    oldest = GaugeMetricFamily(
        "loratrainer_jobs_oldest_due_seconds",
        "For how long the oldest of these has waited; 0 where none does.",
        labels=["kind"],
    )
    for model in job_models():
        kind = model._meta.label_lower
        jobs: JobQuerySet[Job] = JobQuerySet(model)
        unfinished = jobs.filter(due_at__isnull=False)
        for [status], number in counted(unfinished, "status"):
            by_status.add_metric([kind, status], number)
        late = jobs.due().aggregate(
            due=Count("pk"),
            overdue=Count("pk", filter=Q(due_at__lt=Now() - OVERDUE)),
            oldest=Extract(Now() - Min("due_at"), "epoch"),
        )
        due.add_metric([kind], late["due"])
        overdue.add_metric([kind], late["overdue"])
        oldest.add_metric([kind], float(late["oldest"] or 0))
    yield from (by_status, due, overdue, oldest)


def measure_pulse() -> Iterator[Metric]:
    """When somebody swept last: this rises when beat, broker or worker have stopped."""
    age = GaugeMetricFamily(
        "loratrainer_pulse_age_seconds", "How long ago the last pulse was felt.", labels=["name"]
    )
    for name, felt in Pulse.objects.values_list("name", Extract(Now() - F("felt_at"), "epoch")):
        age.add_metric([name], float(felt))
    yield age


def counted[M: Model](rows: QuerySet[M], *fields: str) -> Iterator[tuple[list[str], int]]:
    """Yield the values of these fields that there are, each with the number of its rows."""
    for *values, number in rows.order_by().values_list(*fields).annotate(Count("pk")):
        yield [str(value) for value in values], int(number)
