"""The sweep finds what is due, and reads nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from loratrainer import tasks
from loratrainer.jobs import JobQuerySet
from tests.errands.models import Errand
from tests.factories import create_errand
from tests.processes import worker_environment

pytestmark = pytest.mark.django_db


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was rung, instead of a broker."""
    heard: list[tuple[str, str]] = []
    monkeypatch.setattr(tasks.advance, "apply_async", lambda args, **options: heard.append(args))
    return heard


def test_a_job_whose_message_was_lost_is_found(rings: list[tuple[str, str]]) -> None:
    errand = create_errand()
    tasks.sweep()
    assert rings == [("errands.Errand", str(errand.pk))]


def test_what_is_over_or_later_or_held_is_not_rung_for(rings: list[tuple[str, str]]) -> None:
    create_errand(status="completed", due=False)
    Errand.objects.filter(pk=create_errand().pk).update(due_at=Now() + timedelta(minutes=1))
    Errand.objects.claim(create_errand().pk)
    tasks.sweep()
    assert rings == []


def test_a_job_whose_worker_died_is_found_when_its_lease_has_run_out(
    rings: list[tuple[str, str]],
) -> None:
    errand = create_errand()
    Errand.objects.claim(errand.pk)
    Errand.objects.filter(pk=errand.pk).update(lease_ends_at=Now() - timedelta(seconds=1))
    tasks.sweep()
    assert rings == [("errands.Errand", str(errand.pk))]


def test_the_oldest_go_first_and_a_sweep_has_an_end(
    rings: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "SWEEP_LIMIT", 2)
    errands = [create_errand() for _ in range(3)]
    for age, errand in enumerate(errands):
        Errand.objects.filter(pk=errand.pk).update(due_at=Now() - timedelta(minutes=age))
    tasks.sweep()
    assert rings == [("errands.Errand", str(errand.pk)) for errand in (errands[2], errands[1])]


def test_a_sweep_that_breaks_does_not_stop_the_others(
    rings: list[tuple[str, str]], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SWEEPS = ["tests.loratrainer.test_sweep.broken", "tests.loratrainer.test_sweep.mark"]
    marks.clear()
    tasks.sweep()
    assert marks == ["here"]
    assert "tests.loratrainer.test_sweep.broken failed" in caplog.text


marks: list[str] = []


def broken() -> None:
    raise ZeroDivisionError


def mark() -> None:
    marks.append("here")


def test_advancing_rings_again_when_the_next_step_is_due(rings: list[tuple[str, str]]) -> None:
    errand = create_errand()
    tasks.advance("errands.Errand", str(errand.pk))
    assert rings == [("errands.Errand", str(errand.pk))]
    tasks.advance("errands.Errand", str(errand.pk))
    assert len(rings) == 1
    errand.refresh_from_db()
    assert errand.status == "completed"


def test_advancing_a_row_that_is_gone_is_no_error(rings: list[tuple[str, str]]) -> None:
    tasks.advance("errands.Errand", "123456789")
    assert rings == []


def test_a_nudge_waits_for_the_commit(
    rings: list[tuple[str, str]], django_capture_on_commit_callbacks: Any
) -> None:
    errand = create_errand()
    with django_capture_on_commit_callbacks(execute=True):
        tasks.nudge(errand)
        assert rings == []
    assert rings == [("errands.Errand", str(errand.pk))]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_costs_the_user_nothing_and_the_sweep_finds_the_job() -> None:
    """In a process of its own, with the real settings for a Redis that nobody runs."""
    program = """
import time, django
django.setup()
from django.db import transaction
from loratrainer.tasks import nudge
from tests.factories import create_errand
def order():
    with transaction.atomic():
        nudge(create_errand())
order()  # The first one of a process also imports the transport.
start = time.monotonic()
order()
print(time.monotonic() - start)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=worker_environment(REDIS_URL="redis://127.0.0.1:1/0"),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert float(done.stdout) < 1
    assert done.stderr.count("The broker did not take a message") == 2
    assert Errand.objects.due().count() == 2


@pytest.fixture
def hundred_thousand_finished() -> Iterator[None]:
    Errand.objects.bulk_create(
        [Errand(status="completed") for _ in range(100_000)], batch_size=10_000
    )
    Errand.objects.bulk_create(
        [Errand(status="walking", due_at=Now() - timedelta(seconds=1)) for _ in range(100)]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE errands_errand")
    yield
    Errand.objects.all().delete()


@pytest.mark.usefixtures("hundred_thousand_finished")
def test_a_sweep_over_a_hundred_thousand_finished_jobs_reads_only_the_due_ones(
    rings: list[tuple[str, str]],
) -> None:
    due = JobQuerySet(Errand).due().order_by("due_at").values_list("pk", flat=True)
    [plan] = json.loads(due[:500].explain(format="json", analyze=True, buffers=True))
    nodes = list(_nodes(plan["Plan"]))
    assert {node["Relation Name"] for node in nodes if "Relation Name" in node} == {
        "errands_errand"
    }
    [scan] = [node for node in nodes if "Relation Name" in node]
    indexes = [node["Index Name"] for node in nodes if "Index Name" in node]
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}
    assert indexes == ["errand_due"]
    assert scan["Actual Rows"] == 100
    assert scan.get("Rows Removed by Filter", 0) == 0
    # A hundred rows lie on a handful of pages; the table has thousands.
    assert scan["Shared Hit Blocks"] + scan["Shared Read Blocks"] < 50
    tasks.sweep()
    assert len(rings) == 100


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)
