"""Two at once, and killed in the middle: one transaction on the chain, or none and nothing taken.

Real threads and processes on a real Postgres and a real chain. Each race is run a second time
without its guard, and must then be lost.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from subprocess import Popen

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from payments import refunds as module
from payments.models import Entry, Refund
from payments.refunds import CannotRefund
from payments.signing import RefundKey
from sandbox.chain_accounts import TREASURY
from tests.payments.chain_node import ChainNode
from tests.payments.refunding import (
    begin,
    create_refund,
    make_due,
    pay,
    received,
    sent_by,
    wallet_with,
)
from tests.payments.test_ledger import race
from tests.processes import running, wait_until, worker_environment, worker_with_beat
from wallets.models import Wallet

pytestmark = pytest.mark.django_db(transaction=True)

STEP = """
import sys, django
django.setup()
from payments.models import Refund
Refund.objects.claim(sys.argv[1]).advance()
"""


@pytest.fixture
def key(node: ChainNode) -> RefundKey:
    return RefundKey(node.funded().key)


def balance(wallet: Wallet) -> int:
    return Entry.objects.balance_of(wallet)


def begun_at_once(wallet: Wallet, key: RefundKey, cents: int) -> list[Refund]:
    """What comes of several operators who have looked before anybody acted."""
    plan = Refund.plan(wallet, key.address, cents)

    def run(_number: int) -> Refund | None:
        try:
            return Refund.begin(wallet, plan, key)
        except (CannotRefund, IntegrityError):
            return None

    return [refund for refund in race(6, run) if refund]


@contextmanager
def without_constraint(name: str) -> Iterator[None]:
    (constraint,) = (each for each in Refund._meta.constraints if each.name == name)
    with connection.schema_editor() as editor:
        editor.remove_constraint(Refund, constraint)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE payments_refund")
        with connection.schema_editor() as editor:
            editor.add_constraint(Refund, constraint)


@pytest.mark.parametrize("cents", [400, 100])
def test_several_operators_at_once_begin_one_refund(node, key, cents):
    wallet = wallet_with(400)
    (refund,) = begun_at_once(wallet, key, cents)
    pay(node, refund)
    assert (sent_by(node, refund), received(node, wallet)) == (1, refund.wei)
    assert balance(wallet) == 400 - cents
    assert Entry.objects.filter(kind="payout").count() == 1


def test_without_the_lock_on_the_wallet_and_the_constraint_more_would_be_paid(
    node, key, monkeypatch
):
    monkeypatch.setattr(Wallet.objects, "select_for_update", Wallet.objects.all)
    with without_constraint("one_refund_on_its_way"):
        rounds = []
        for _round in range(5):
            wallet = wallet_with(400)
            rounds.append(len(begun_at_once(wallet, key, 400)))
        assert max(rounds) > 1


def nonces_of_refunds_at_once(key: RefundKey) -> list[int]:
    """The nonces that refunds of several wallets get; those that collide get none."""
    wallets = [wallet_with(400) for _number in range(6)]
    plans = [Refund.plan(wallet, key.address) for wallet in wallets]

    def run(number: int) -> int | None:
        try:
            return Refund.begin(wallets[number], plans[number], key).nonce
        except IntegrityError:
            return None

    return sorted(nonce for nonce in race(6, run) if nonce is not None)


def test_refunds_of_several_wallets_at_once_get_a_nonce_each(node, key):
    assert nonces_of_refunds_at_once(key) == [0, 1, 2, 3, 4, 5]


def test_without_the_lock_on_the_payer_nonces_collide(node, key, monkeypatch):
    monkeypatch.setattr(module, "_lock", lambda _name: None)
    assert len(nonces_of_refunds_at_once(key)) < 6


def test_two_workers_at_once_send_one_transaction(node, key):
    wallet = wallet_with(400)
    refund = begin(wallet, key)
    claimed = race(2, lambda _number: Refund.objects.claim(refund.pk))
    assert sum(one is not None for one in claimed) == 1

    # The first one stalls past its lease, so that both work on it.
    Refund.objects.filter(pk=refund.pk).update(lease_ends_at=Now() - timedelta(seconds=1))
    first = next(one for one in claimed if one)
    second = Refund.objects.claim(refund.pk)
    assert second is not None
    race(2, lambda number: (first, second)[number].advance())
    refund.refresh_from_db()
    pay(node, refund)
    assert (sent_by(node, refund), received(node, wallet)) == (1, refund.wei)


# --- Killed ---------------------------------------------------------------------------------------


@contextmanager
def process(node: ChainNode, folder: Path, *command: str) -> Iterator[Popen[bytes]]:
    """A process of the site on this test's database and chain."""
    env = worker_environment(SANDBOX_PORT=str(node.process.port), VAR_DIR=str(folder))
    with running(sys.executable, *command, env=env, log=folder / "log") as started:
        yield started


def kill_when(started: Popen[bytes], condition: Callable[[], object]) -> None:
    wait_until(lambda: condition() or started.poll() is not None, within=60)
    assert started.poll() is None
    started.kill()
    started.wait()


def has_begun(refund: Refund) -> bool:
    return Refund.objects.filter(pk=refund.pk, fence=refund.fence + 1).exists()


@pytest.mark.parametrize(
    ("method", "after", "sent"),
    [
        ("eth_getTransactionReceipt", False, 0),
        ("eth_sendRawTransaction", True, 1),
    ],
    ids=["between commit and broadcast", "between broadcast and record"],
)
def test_p31_a_worker_killed_anywhere_leads_to_one_transaction(
    node, key, tmp_path, method, after, sent
):
    wallet = wallet_with(400)
    refund = begin(wallet, key)
    rule = {"do": "delay", "seconds": 8, "after": after}
    node.process.script({"match": {"path": "/chain", "contains": method}, **rule})
    with process(node, tmp_path, "-c", STEP, str(refund.pk)) as started:
        kill_when(started, lambda: has_begun(refund) and sent_by(node, refund) == sent)
    assert (sent_by(node, refund), Refund.objects.get().status) == (sent, "broadcasting")
    node.process.clear_script()
    # The lease runs out, and the sweep finds the row.
    Refund.objects.update(lease_ends_at=Now() - timedelta(seconds=1))
    assert Refund.objects.due().get() == refund
    make_due(refund)
    pay(node, refund)
    assert (sent_by(node, refund), received(node, wallet)) == (1, refund.wei)
    assert balance(wallet) == 0


def waiting_for_the_payer() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


def test_p31_a_command_killed_between_entry_and_refund_takes_nothing(node, tmp_path):
    wallet = wallet_with(400)
    with transaction.atomic():
        module._lock(f"refunds of {TREASURY.address} on 8453")
        with process(node, tmp_path, "manage.py", "refund", wallet.address) as command:
            kill_when(command, waiting_for_the_payer)
    # Postgres notices only now that nobody is there, and lets go of the table then.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE payments_entry IN EXCLUSIVE MODE")
    assert (balance(wallet), Refund.objects.count()) == (400, 0)


def test_p31_a_command_that_ends_before_the_bell_is_found_by_the_sweep(node, tmp_path):
    wallet = wallet_with(400)
    with process(node, tmp_path, "manage.py", "refund", wallet.address) as command:
        command.wait()
    refund = Refund.objects.due().get()
    before = sent_by(node, refund)
    pay(node, refund)
    assert (sent_by(node, refund), received(node, wallet)) == (before + 1, refund.wei)
    said = (tmp_path / "log").read_text()
    assert refund.hash in said
    assert TREASURY.key.hex() not in said.lower()


def test_a_worker_that_beat_wakes_pays_what_the_command_has_signed(node, tmp_path):
    wallet = wallet_with(400)
    with process(node, tmp_path, "manage.py", "refund", wallet.address) as command:
        command.wait()
    refund = Refund.objects.get()
    port = str(node.process.port)
    env = worker_environment(SANDBOX_PORT=port, VAR_DIR=str(tmp_path), SWEEP_SECONDS="0.3")
    with worker_with_beat(env, tmp_path / "worker.log", "-c", "2"):
        wait_until(lambda: received(node, wallet) == refund.wei, within=60)
        node.mine(6)
        wait_until(lambda: Refund.objects.get().status == "paid", within=60)
    said = (tmp_path / "worker.log").read_text()
    assert "is now paid" in said
    assert bytes(refund.raw).hex() not in said


def test_a_refund_whose_wallet_has_another_one_goes_on_when_that_is_over(node):
    """Only a deep reorganisation brings a paid one back; the constraint then makes it wait."""
    wallet = wallet_with(800)
    dropped = create_refund(wallet, status="paid", block_number=1, block_hash="0x" + "ab" * 32)
    other = create_refund(wallet)
    node.mine(10)
    claimed = Refund.objects.claim(dropped.pk)
    assert claimed is not None
    claimed.advance()
    dropped.refresh_from_db()
    assert (dropped.status, dropped.is_working) == ("paid", True)
    Refund.objects.filter(pk=other.pk).update(status="paid")
    make_due(dropped)
    claimed = Refund.objects.claim(dropped.pk)
    assert claimed is not None
    claimed.advance()
    dropped.refresh_from_db()
    assert dropped.status == "broadcasting"
