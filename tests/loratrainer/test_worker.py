"""A real Celery worker process, on each broker that the settings know."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from loratrainer.jobs import MAX_CRASHES
from tests.errands.models import Errand
from tests.factories import create_errand
from tests.processes import redis_server, running, wait_until, worker, worker_environment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["filesystem", "redis"])
def env(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of worker and beat, once per broker, with short leases and quick sweeps."""
    quick = {"VAR_DIR": str(tmp_path), "JOB_LEASE_SECONDS": "1", "SWEEP_SECONDS": "0.3"}
    if request.param == "filesystem":
        yield worker_environment(**quick)
    else:
        with redis_server(tmp_path) as url:
            yield worker_environment(**quick, REDIS_URL=url)


def beat(env: dict[str, str], folder: Path):  # type: ignore[no-untyped-def]
    command = [sys.executable, "-m", "celery", "-A", "loratrainer", "beat"]
    return running(*command, env=env, log=folder / "beat.log")


def status_of(errand: Errand) -> str:
    errand.refresh_from_db()
    return errand.status


def test_a_worker_and_the_sweep_bring_jobs_to_their_end(
    env: dict[str, str], tmp_path: Path
) -> None:
    errands = [create_errand() for _ in range(20)]
    with worker(env, tmp_path / "worker.log", "-c", "2"), beat(env, tmp_path):
        wait_until(lambda: not Errand.objects.exclude(status="completed").exists())
    assert {errand.done for errand in Errand.objects.all()} == {1}
    assert len(errands) == 20


def test_a_poison_row_ends_in_failed_and_the_others_go_on(
    env: dict[str, str], tmp_path: Path
) -> None:
    poison = create_errand(script={"kill": True})
    healthy = create_errand()
    with worker(env, tmp_path / "worker.log", "-c", "2"), beat(env, tmp_path):
        wait_until(lambda: status_of(poison) == "failed", within=60, what=str(poison.history))
        wait_until(lambda: status_of(healthy) == "completed")
    assert poison.error == "Something broke on our side."
    assert poison.fence == MAX_CRASHES + 2  # the crashes, the claim that fails it, and the move
    assert healthy.done == 1


def test_the_work_of_a_worker_that_was_killed_is_taken_up_by_the_next(
    env: dict[str, str], tmp_path: Path
) -> None:
    errand = create_errand(script={"sleep": 60})
    with worker(env, tmp_path / "first.log", "-c", "1") as first, beat(env, tmp_path):
        wait_until(lambda: Errand.objects.exclude(lease_ends_at=None).exists())
        os.killpg(first.pid, signal.SIGKILL)
        Errand.objects.update(script={})
        with worker(env, tmp_path / "second.log", "-c", "1"):
            wait_until(lambda: status_of(errand) == "completed")
    assert errand.done == 1


@pytest.mark.parametrize("env", ["redis"], indirect=True)
def test_when_every_message_is_flushed_the_sweep_finds_the_jobs(
    env: dict[str, str], tmp_path: Path
) -> None:
    client = redis.Redis.from_url(env["REDIS_URL"])
    with worker(env, tmp_path / "worker.log", "-c", "1"), beat(env, tmp_path):
        for _ in range(5):
            create_errand()
            client.flushall()
        wait_until(lambda: not Errand.objects.exclude(status="completed").exists())
    client.close()
    assert Errand.objects.filter(done=1).count() == 5
