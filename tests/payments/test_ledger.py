from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from payments.ledger import NotEnough
from payments.models import Entry, Transfer
from payments.rates import Rate
from tests.payments.factories import create_quote, create_transfer, create_wallet, deposit
from wallets.models import Wallet

RATE = Rate(3400 * 10**8, 8, 1, datetime(2026, 11, 29, tzinfo=UTC))


@pytest.fixture
def wallet(db: None) -> Wallet:
    return create_wallet()


def balance(wallet: Wallet) -> int:
    return Entry.objects.balance_of(wallet)


def test_the_balance_is_the_sum_of_the_entries(wallet):
    deposit(wallet, 400)
    deposit(wallet, 231)
    deposit(create_wallet(), 999)
    Entry.charge(wallet, 400, "training:1:1")
    assert balance(wallet) == 231
    assert wallet.entries.total() == 231


def test_a_wallet_without_entries_has_nothing(wallet):
    assert balance(wallet) == 0


def test_a_charge_takes_the_price_once_per_cause(wallet):
    deposit(wallet, 1000)
    first = Entry.charge(wallet, 400, "training:1:1", "KILNGLZ")
    assert Entry.charge(wallet, 400, "training:1:1") == first
    Entry.charge(wallet, 400, "training:2:1")
    assert balance(wallet) == 200
    assert first is not None
    assert (first.cents, first.note) == (-400, "KILNGLZ")


def test_a_charge_of_more_than_there_is_says_what_is_missing(wallet):
    deposit(wallet, 231)
    with pytest.raises(NotEnough) as refused:
        Entry.charge(wallet, 400, "training:1:1")
    assert refused.value.missing_cents == 169
    assert balance(wallet) == 231


def test_a_cause_cannot_be_charged_otherwise_a_second_time(wallet):
    deposit(wallet, 1000)
    Entry.charge(wallet, 400, "training:1:1")
    with pytest.raises(ValueError, match="otherwise"):
        Entry.charge(wallet, 300, "training:1:1")
    with pytest.raises(ValueError, match="no charge"):
        Entry.charge(wallet, 0, "training:2:1")


def test_exempt_wallets_are_not_charged(wallet, settings):
    settings.QA_WALLETS = [wallet.address]
    assert Entry.charge(wallet, 400, "training:1:1") is None
    assert Entry.refund("training:1:1") is None
    assert balance(wallet) == 0


def test_a_refund_gives_back_what_was_charged_once(wallet):
    deposit(wallet, 400)
    Entry.charge(wallet, 400, "training:1:1")
    first = Entry.refund("training:1:1", "The trainer broke")
    assert Entry.refund("training:1:1") == first
    assert balance(wallet) == 400
    assert first is not None
    assert (first.wallet, first.cents, first.note) == (wallet, 400, "The trainer broke")


def test_what_was_not_charged_is_not_refunded(wallet):
    assert Entry.refund("training:1:1") is None
    assert not Entry.objects.exists()


def test_a_refund_is_undone_with_the_transaction_that_it_belongs_to(wallet):
    deposit(wallet, 400)
    Entry.charge(wallet, 400, "training:1:1")
    with transaction.atomic():
        assert Entry.refund("training:1:1")
        transaction.set_rollback(True)
    assert balance(wallet) == 0


def test_a_deposit_keeps_wei_and_rate_beside_the_cents(wallet):
    entry = deposit(wallet, 400)
    entry.refresh_from_db()
    assert (entry.cents, entry.wei, entry.rate) == (400, 1_176_470_588_235_295, 3400)
    assert entry.transfer is not None
    assert entry.cause == f"transfer:8453:{entry.transfer.hash}:0"


def test_p01_a_transfer_is_counted_once(wallet):
    entry = deposit(wallet, 400)
    assert entry.transfer is not None
    with pytest.raises(IntegrityError, match="one_entry_per_cause"), transaction.atomic():
        Entry.deposit(entry.transfer, create_wallet(), entry.transfer.quote.rate)
    with pytest.raises(IntegrityError, match="one_row_per_transfer"), transaction.atomic():
        create_transfer(create_quote(), hash=entry.transfer.hash)


def test_p37_amounts_beyond_64_and_128_bits_fit(wallet):
    quote = create_quote(wallet=wallet)
    entry = Entry.deposit(create_transfer(quote, wei=2**256 - 1), wallet, quote.rate)
    entry.refresh_from_db()
    assert entry.wei == 2**256 - 1
    assert entry.cents == balance(wallet) == (2**256 - 1) * 340_000 // 10**18


def test_less_than_a_cent_is_kept_as_a_deposit_of_nothing(wallet):
    quote = create_quote(wallet=wallet)
    assert Entry.deposit(create_transfer(quote, wei=1), wallet, quote.rate).cents == 0


def test_a_reversal_takes_the_deposit_back_once(wallet):
    entry = deposit(wallet, 400)
    assert entry.transfer is not None
    Entry.reverse(entry.transfer)
    Entry.reverse(entry.transfer)
    assert balance(wallet) == 0
    assert wallet.entries.filter(kind="adjustment").count() == 1


def test_a_payout_takes_cents_and_is_undone_once(wallet):
    deposit(wallet, 400)
    entry = Entry.pay_out(wallet, 300, 10**15, RATE, "payout:1")
    entry.refresh_from_db()
    assert (entry.kind, entry.cents, entry.wei, entry.rate) == ("payout", -300, 10**15, 3400)
    assert balance(wallet) == 100
    assert entry.undo("Not paid") == entry.undo("Not paid")
    assert balance(wallet) == 400
    with pytest.raises(NotEnough) as refused:
        Entry.pay_out(wallet, 401, 10**15, RATE, "payout:2")
    assert refused.value.missing_cents == 1
    with pytest.raises(IntegrityError, match="one_entry_per_cause"), transaction.atomic():
        Entry.pay_out(wallet, 100, 10**15, RATE, "payout:1")


def test_what_an_exempt_wallet_has_paid_in_can_go_back_too(wallet, settings):
    settings.QA_WALLETS = [wallet.address]
    deposit(wallet, 400)
    Entry.pay_out(wallet, 400, 10**15, RATE, "payout:1")
    assert balance(wallet) == 0


@pytest.mark.parametrize("model", [Entry, Transfer])
def test_o04_the_database_refuses_to_change_or_delete_a_row(wallet, model):
    deposit(wallet, 400)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model.objects.update(wei=1)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model.objects.all()._raw_delete("default")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model.objects.get().save()
    assert model.objects.get().wei == 1_176_470_588_235_295


def test_o04_without_the_trigger_it_would_not(wallet):
    deposit(wallet, 400)
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER entry_append_only ON payments_entry")
    assert Entry.objects.update(cents=1) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "charge", "cents": 1},
        {"kind": "refund", "cents": -1},
        {"kind": "deposit", "cents": 1},
        {"kind": "payout", "cents": 1},
        {"kind": "gift", "cents": 1},
    ],
)
def test_an_entry_that_moves_the_wrong_way_is_refused(wallet, wrong):
    with pytest.raises(IntegrityError, match="entry_moves_the_right_way"):
        Entry.objects.create(wallet=wallet, cause="x", **wrong)


bells: list[int] = []


def ring(wallet_pk: int) -> None:
    bells.append(wallet_pk)


def test_a_deposit_rings_after_it_is_committed(
    wallet, settings, django_capture_on_commit_callbacks
):
    settings.DEPOSIT_BELLS = ["tests.payments.test_ledger.ring"]
    bells.clear()
    with django_capture_on_commit_callbacks(execute=True):
        deposit(wallet, 400)
        assert bells == []
    assert bells == [wallet.pk]


# --- Races, on real connections -------------------------------------------------------------------


def race(count: int, run: Callable[[int], Any]) -> list[Any]:
    """Run the function in so many threads at the same moment."""
    barrier = Barrier(count)

    def runner(number: int) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait()
            return run(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(runner, range(count)))


def charges_that_succeed(wallet: Wallet) -> int:
    def charge(number: int) -> bool:
        try:
            return Entry.charge(wallet, 400, f"{wallet.pk}:{number}") is not None
        except NotEnough:
            return False

    return sum(race(20, charge))


@pytest.mark.django_db(transaction=True)
def test_of_twenty_charges_of_a_balance_for_one_exactly_one_succeeds():
    for _round in range(3):
        wallet = create_wallet()
        deposit(wallet, 400)
        assert charges_that_succeed(wallet) == 1
        assert balance(wallet) == 0


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_on_the_wallet_more_would_succeed(monkeypatch):
    monkeypatch.setattr(Wallet.objects, "select_for_update", Wallet.objects.all)
    rounds = []
    for _round in range(5):
        wallet = create_wallet()
        deposit(wallet, 400)
        rounds.append(charges_that_succeed(wallet))
    assert max(rounds) > 1


@pytest.mark.django_db(transaction=True)
def test_twenty_charges_for_one_cause_are_one_charge():
    wallet = create_wallet()
    deposit(wallet, 2000)
    entries = race(20, lambda _: Entry.charge(wallet, 400, "training:1:1"))
    assert len({entry.pk for entry in entries}) == 1
    assert balance(wallet) == 1600


@pytest.mark.django_db(transaction=True)
def test_twenty_refunds_of_a_charge_are_one_refund():
    wallet = create_wallet()
    deposit(wallet, 400)
    Entry.charge(wallet, 400, "training:1:1")
    entries = race(20, lambda _: Entry.refund("training:1:1"))
    assert len({entry.pk for entry in entries}) == 1
    assert balance(wallet) == 400
