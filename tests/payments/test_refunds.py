"""What a refund takes, keeps and refuses, before anything is sent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models.functions import Now

from loratrainer.outcomes import TryAgainLater
from payments.models import Entry, Refund
from payments.refunds import CannotRefund
from payments.sending import MOST_GAS, PLAIN_GAS
from payments.signing import RefundKey
from sandbox.chain_accounts import ETHER
from sandbox.chain_contracts import LOOPING_WALLET, REVERTING_WALLET
from tests.payments.factories import PRICE, create_quote, create_wallet
from tests.payments.refunding import begin, create_refund, look, pay, received, sent_by, wallet_with

pytestmark = pytest.mark.django_db

STORES = "0x60015f5500"
"""Code of a wallet that keeps something when it gets ETH: PUSH1 1 PUSH0 SSTORE STOP."""


@pytest.fixture
def key(node) -> RefundKey:
    return RefundKey(node.funded().key)


@pytest.fixture
def wallet(db):
    return wallet_with(400)


def balance(wallet) -> int:
    return Entry.objects.balance_of(wallet)


def test_it_takes_the_balance_and_keeps_what_is_signed(node, wallet, key):
    refund = begin(wallet, key)
    assert balance(wallet) == 0
    assert (refund.status, refund.is_working, refund.cents) == ("broadcasting", True, 400)
    assert (refund.wei, refund.gas, refund.nonce) == (PRICE - 1, PLAIN_GAS, 0)
    assert (refund.payer, refund.recipient) == (key.address, wallet.address)
    entry = Entry.objects.get(kind="payout")
    assert (entry.cents, entry.wei, entry.rate) == (-400, refund.wei, Decimal(3400))
    assert (entry.cause, entry.on_chain) == (f"payout:{refund.pk}", refund)
    assert refund.hash == node.web3.keccak(bytes(refund.raw)).to_0x_hex()
    assert sent_by(node, refund) == 0


def test_a_part_of_it_leaves_the_rest(node, wallet, key):
    refund = begin(wallet, key, 150)
    assert (refund.cents, balance(wallet)) == (150, 250)


@pytest.mark.parametrize("cents", [401, 0, -1])
def test_more_than_there_is_or_nothing_is_refused(node, wallet, key, cents):
    with pytest.raises(CannotRefund, match=r"balance of this wallet is \$4"):
        Refund.plan(wallet, key.address, cents)
    with pytest.raises(CannotRefund, match=r"balance of this wallet is \$0"):
        Refund.plan(create_wallet(), key.address)


def test_a_balance_that_shrinks_meanwhile_is_not_overdrawn(node, wallet, key):
    plan = Refund.plan(wallet, key.address)
    Entry.charge(wallet, 231, "training:1:1")
    with pytest.raises(CannotRefund, match=r"\$2.31 are missing"):
        Refund.begin(wallet, plan, key)
    assert (balance(wallet), Refund.objects.count()) == (169, 0)


def test_one_refund_of_a_wallet_at_a_time(node, wallet, key):
    plan = Refund.plan(wallet, key.address, 100)
    first = begin(wallet, key, 100)
    with pytest.raises(CannotRefund, match="on their way"):
        Refund.plan(wallet, key.address, 100)
    with pytest.raises(CannotRefund, match="just begun"):
        Refund.begin(wallet, plan, key)
    assert balance(wallet) == 300
    pay(node, first)
    second = begin(wallet, key)
    assert (second.nonce, balance(wallet)) == (1, 0)


def test_a_payment_that_the_chain_may_still_drop_is_not_paid_back(node, wallet, key):
    quote = create_quote(wallet=wallet, status="settled")
    with pytest.raises(CannotRefund, match="not final"):
        Refund.plan(wallet, key.address)
    quote.move("final", due_in=None)
    assert Refund.plan(wallet, key.address).cents == 400


def test_refunds_of_several_wallets_take_one_nonce_each(node, wallet, key):
    others = [wallet_with(100), wallet_with(200)]
    refunds = [begin(each, key) for each in (wallet, *others)]
    assert [refund.nonce for refund in refunds] == [0, 1, 2]
    look(refunds[2])
    assert refunds[2].note == f"It waits for 2 earlier transactions of {key.address}."
    for refund in refunds:
        look(refund, "confirming")
    node.mine(6)
    for refund in refunds:
        look(refund, "paid")
    assert [received(node, each) for each in (wallet, *others)] == [r.wei for r in refunds]


def test_the_nonce_follows_what_the_account_has_sent_elsewhere(node, wallet):
    account = node.funded()
    node.send(account)
    node.automine(False)
    try:
        node.send(account)
        assert begin(wallet, RefundKey(account.key)).nonce == 2
    finally:
        node.automine(True)
        node.mine()


def test_an_account_that_has_too_little_says_how_much_is_missing(node, wallet):
    poor = RefundKey(node.funded(PRICE).key)
    with pytest.raises(CannotRefund, match=rf"{poor.address} has 0\.0011.* Send it 0\.00\d+ ETH"):
        Refund.plan(wallet, poor.address)
    with pytest.raises(CannotRefund, match="has 0 ETH"):
        Refund.plan(wallet, RefundKey(b"\1" * 32).address)
    assert balance(wallet) == 400


def test_a_contract_gets_the_gas_that_it_needs_and_a_reserve(node, key):
    wallet = wallet_with(400)
    node.rpc("anvil_setCode", wallet.address, STORES)
    refund = begin(wallet, key)
    assert PLAIN_GAS * 3 // 2 < refund.gas < MOST_GAS
    pay(node, refund)
    assert received(node, wallet) == refund.wei


@pytest.mark.parametrize("address", [REVERTING_WALLET, LOOPING_WALLET])
def test_a_contract_that_takes_no_ether_is_refused_before_anything_is_taken(node, key, address):
    wallet = wallet_with(400, address)
    with pytest.raises(CannotRefund, match="would not receive it"):
        Refund.plan(wallet, key.address)
    assert balance(wallet) == 400


def test_p07_a_node_of_another_chain_gets_nothing(node, wallet, key, settings):
    settings.CHAIN_ID = 84532
    with pytest.raises(TryAgainLater, match="does not answer"):
        Refund.plan(wallet, key.address)
    assert balance(wallet) == 400


def test_without_a_price_nothing_begins(node, wallet, key):
    node.set_feed(0, 0)
    try:
        with pytest.raises(TryAgainLater, match="price of ETH"):
            Refund.plan(wallet, key.address)
    finally:
        node.set_feed(0, 3400 * 10**8)


def test_when_signing_breaks_nothing_is_taken(node, wallet, key, monkeypatch):
    plan = Refund.plan(wallet, key.address)
    monkeypatch.setattr(RefundKey, "sign", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Refund.begin(wallet, plan, key)
    assert (balance(wallet), Refund.objects.count()) == (400, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"raw": b"x"},
        {"hash": "0x" + "0" * 64},
        {"nonce": 9},
        {"wei": 1},
        {"payer": "0x" + "1" * 40},
    ],
    ids=str,
)
def test_o04_the_database_refuses_to_change_what_was_signed(wallet, change):
    create_refund(wallet)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Refund.objects.update(**change)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Refund.objects.all()._raw_delete("default")
    Refund.objects.update(status="paid", due_at=Now())


def test_the_database_keeps_a_nonce_and_a_wallet_to_one_refund(wallet):
    first = create_refund(wallet)
    with pytest.raises(IntegrityError, match="one_refund_per_nonce"), transaction.atomic():
        create_refund(payer=first.payer)
    with pytest.raises(IntegrityError, match="one_refund_on_its_way"), transaction.atomic():
        create_refund(wallet_with(400), wallet_id=wallet.pk)


def test_the_owner_reads_how_far_it_is():
    refund = Refund(status="broadcasting", chain_id=8453, hash="0xab")
    assert refund.state == "On its way to your wallet"
    assert refund.url == "https://basescan.org/tx/0xab"
    refund.status = "paid"
    assert refund.state == "Paid back to your wallet"
    refund.status = "failed"
    assert (refund.state, refund.url) == ("Could not be paid back", "")
    refund.block_number = 7
    assert refund.url


def test_ether_enough_for_a_tenfold_price_of_gas_is_reserved(node, wallet, key):
    base_fee = node.web3.eth.get_block("latest")["baseFeePerGas"]
    refund = begin(wallet, key)
    assert refund.max_fee_wei >= max(10 * base_fee, 10**9)
    assert refund.tip_wei <= 10**8
    assert refund.most_wei < refund.wei + ETHER // 100
