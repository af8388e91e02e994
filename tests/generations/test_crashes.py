"""Workers that are killed, webhooks that are lost, messages that vanish: no order is given twice.

A real worker, the sandbox with its journal as an independent witness, and one sentence at
the end: the batch is completed, it was ordered once, and it used one place.
"""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from generations.models import Generation
from generations.states import Status
from tests.generations.test_steps import SUBMITS, begin, create_lora, left, orders
from tests.processes import redis_server, wait_until, worker_with_beat
from tests.sandbox_process import SandboxProcess
from tests.trainings.test_crashes import WEBHOOKS, env
from tests.world import sandbox, sandbox_process, site

__all__ = ["env", "sandbox", "sandbox_process", "site"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site")]

HELD = {
    (Status.SUBMITTING, "fal"): {"method": "POST", "path": SUBMITS["fal"]},
    (Status.SUBMITTING, "replicate"): {"method": "POST", "path": SUBMITS["replicate"]},
    (Status.GENERATING, "replicate"): {"method": "GET", "path": "/replicate/v1/predictions/*"},
    (Status.MIRRORING, "fal"): {"path": "*image_*"},
}
"""The request that a worker waits for in the middle of a status."""


def finished(batch: Generation) -> bool:
    batch.refresh_from_db()
    return batch.is_over


def assert_ordered_once(batch: Generation, sandbox: SandboxProcess) -> None:
    assert batch.status == Status.COMPLETED, (batch.error, batch.note, batch.history)
    assert len(orders(sandbox, batch)) == 1
    assert batch.images.count() == batch.images_asked == 2
    batch.training.refresh_from_db()
    assert (batch.training.image_count, left(batch)) == (2, 7)


@pytest.mark.parametrize(("status", "provider"), HELD)
def test_a_worker_killed_in_any_status_orders_nothing_twice(
    status: Status, provider: str, sandbox: SandboxProcess, env: dict[str, str], tmp_path: Path
) -> None:
    match = HELD[status, provider]
    sandbox.script({"match": match, "do": "delay", "seconds": 30, "after": True})
    batch = begin(provider=provider, images_asked=2)
    held_by_worker = Generation.objects.filter(status=status, lease_ends_at__isnull=False)

    def busy() -> bool:
        # Only an order that has arrived makes the kill between order and commit.
        arrived = status != Status.SUBMITTING or orders(sandbox, batch)
        waits = arrived and not sandbox.unmet()
        return bool(waits and held_by_worker.filter(pk=batch.pk).exists())

    with worker_with_beat(env, tmp_path / "first.log", "-c", "1") as first:
        wait_until(busy, within=60, what=status)
        os.killpg(first.pid, signal.SIGKILL)
    with worker_with_beat(env, tmp_path / "second.log", "-c", "1"):
        wait_until(lambda: finished(batch), within=90, what="the end")
    assert_ordered_once(batch, sandbox)


def test_webhooks_that_are_lost_doubled_or_late_change_nothing(
    sandbox: SandboxProcess, env: dict[str, str], tmp_path: Path
) -> None:
    lora = create_lora()
    batches = []
    for seed, fault in enumerate(WEBHOOKS):
        match = {"method": "POST", "path": SUBMITS["fal"], "contains": f'"seed":{seed},'}
        sandbox.script({"match": match, "do": fault})
        batches.append(begin(lora, seed=seed, images_asked=1))
    with worker_with_beat(env, tmp_path / "worker.log", "-c", "2"):
        wait_until(lambda: all(finished(batch) for batch in batches), within=90)
    for batch in batches:
        assert batch.status == Status.COMPLETED, (batch.error, batch.note, batch.history)
        assert len(orders(sandbox, batch)) == batch.images.count() == 1


def test_a_flushed_redis_loses_nothing(
    sandbox: SandboxProcess, env: dict[str, str], tmp_path: Path
) -> None:
    batch = begin(images_asked=2)
    with ExitStack() as stack:
        url = stack.enter_context(redis_server(tmp_path))
        client = stack.enter_context(redis.Redis.from_url(url))
        with_redis = env | {"REDIS_URL": url}
        stack.enter_context(worker_with_beat(with_redis, tmp_path / "worker.log", "-c", "1"))

        def flushed_and_finished() -> bool:
            client.flushall()
            return finished(batch)

        wait_until(flushed_and_finished, within=90)
    assert_ordered_once(batch, sandbox)
