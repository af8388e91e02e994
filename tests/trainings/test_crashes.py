"""Workers that are killed, webhooks that are lost, messages that vanish: nothing paid is lost.

A real worker, the sandbox with its journal as an independent witness, and one sentence at
the end: the training is completed, and it was ordered once.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection, transaction

from tests.payments.chain_node import ChainNode
from tests.payments.factories import offer
from tests.processes import redis_server, wait_until, worker_environment, worker_with_beat
from tests.sandbox_process import SandboxProcess
from tests.trainings.test_steps import SUBMITS, balance, begin, orders
from tests.world import sandbox, sandbox_process, site
from trainings.models import Training
from trainings.states import Status
from wallets.models import Wallet

__all__ = ["sandbox", "sandbox_process", "site"]

pytestmark = pytest.mark.django_db(transaction=True)

HELD = {
    (Status.SUBMITTING, "fal"): {"method": "POST", "path": SUBMITS["fal"]},
    (Status.SUBMITTING, "replicate"): {"method": "POST", "path": SUBMITS["replicate"]},
    (Status.TRAINING, "fal"): {"method": "GET", "path": "/fal/queue/*/status"},
    (Status.MIRRORING, "replicate"): {"path": "*.tar"},
}
"""The request that a worker waits for in the middle of a status."""
WEBHOOKS = ("webhook_drop", "webhook_double", "webhook_reorder")


@pytest.fixture
def wallet() -> Wallet:
    return Wallet.objects.create(address="0x" + "cd" * 20)


@pytest.fixture
def env(site: str, settings: Any) -> dict[str, str]:
    """What worker and beat are told: this test's site, short leases, quick sweeps."""
    return worker_environment(SITE_URL=site, JOB_LEASE_SECONDS="2", SWEEP_SECONDS="0.3")


@contextmanager
def attempts_that_wait() -> Iterator[None]:
    """Nobody begins an attempt meanwhile: packing stops in the middle."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE trainings_attempt IN SHARE MODE")
        yield


def finished(training: Training) -> bool:
    training.refresh_from_db()
    return training.is_over


def assert_nothing_is_lost(training: Training, sandbox: SandboxProcess) -> None:
    assert training.status == Status.COMPLETED, (training.error, training.note, training.history)
    assert balance(training.wallet) == 0
    assert len(orders(sandbox, training)) == 1
    assert training.attempts.count() == 1


@pytest.mark.parametrize(("status", "provider"), [(Status.ARCHIVING, "fal"), *HELD])
def test_a_worker_killed_in_any_status_loses_nothing(
    status: Status,
    provider: str,
    wallet: Wallet,
    sandbox: SandboxProcess,
    env: dict[str, str],
    tmp_path: Path,
) -> None:
    if match := HELD.get((status, provider)):
        sandbox.script({"match": match, "do": "delay", "seconds": 30, "after": True})
    training = begin(wallet, provider=provider)
    held_by_worker = Training.objects.filter(status=status, lease_ends_at__isnull=False)

    def busy() -> bool:
        # Only an order that has arrived makes the kill between order and commit.
        arrived = status != Status.SUBMITTING or orders(sandbox, training)
        waits = arrived and not sandbox.unmet()
        return bool(waits and held_by_worker.filter(pk=training.pk).exists())

    with ExitStack() as stack:
        if status == Status.ARCHIVING:
            stack.enter_context(attempts_that_wait())
        first = stack.enter_context(worker_with_beat(env, tmp_path / "first.log", "-c", "1"))
        wait_until(busy, within=60, what=status)
        os.killpg(first.pid, signal.SIGKILL)
    with worker_with_beat(env, tmp_path / "second.log", "-c", "1"):
        wait_until(lambda: finished(training), within=90, what="the end")
    assert_nothing_is_lost(training, sandbox)


@pytest.mark.parametrize("fault", WEBHOOKS)
def test_webhooks_that_are_lost_doubled_or_late_change_nothing(
    fault: str, wallet: Wallet, sandbox: SandboxProcess, env: dict[str, str], tmp_path: Path
) -> None:
    sandbox.script({"match": {"method": "POST", "path": SUBMITS["fal"]}, "do": fault})
    training = begin(wallet)
    with worker_with_beat(env, tmp_path / "worker.log", "-c", "2"):
        wait_until(lambda: finished(training), within=60)
    assert_nothing_is_lost(training, sandbox)


def test_a_flushed_redis_loses_nothing(
    wallet: Wallet, sandbox: SandboxProcess, env: dict[str, str], tmp_path: Path
) -> None:
    training = begin(wallet)
    with ExitStack() as stack:
        url = stack.enter_context(redis_server(tmp_path))
        client = stack.enter_context(redis.Redis.from_url(url))
        with_redis = env | {"REDIS_URL": url}
        stack.enter_context(worker_with_beat(with_redis, tmp_path / "worker.log", "-c", "1"))

        def flushed_and_finished() -> bool:
            client.flushall()
            return finished(training)

        wait_until(flushed_and_finished, within=60)
    assert_nothing_is_lost(training, sandbox)


def test_a_payment_starts_the_training_that_waits_for_it(
    sandbox: SandboxProcess, env: dict[str, str], tmp_path: Path
) -> None:
    node = ChainNode(sandbox)
    account = node.funded()
    quote = offer(node, account)
    training = begin(quote.wallet, paid_cents=0)

    def waits() -> bool:
        training.refresh_from_db()
        return training.note == "No payment has arrived yet."

    with worker_with_beat(env, tmp_path / "worker.log", "-c", "1"):
        wait_until(waits, within=30)
        # It would look again in an hour; only the ledger's bell makes it sooner.
        quote.tell(node.pay(account, quote.wei))
        wait_until(lambda: finished(training), within=90, what="the end")
    assert_nothing_is_lost(training, sandbox)
    assert quote.transfers.count() == 1
