"""Unmodified web3 against the sandbox's chain, and what happens when it misbehaves."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from loratrainer.outcomes import TryAgainLater
from payments import chain as chain_module
from payments.chain import Chain, StateForgotten
from sandbox.chain_accounts import DEMO_ACCOUNTS, TREASURY
from sandbox.chain_contracts import CONTRACT_WALLET, FEED_ADDRESS
from tests.payments.chain_node import ChainNode
from tests.payments.factories import HASH


def now() -> datetime:
    return datetime.now(UTC)


def test_a_transaction_its_receipt_and_its_block_fit_together(node: ChainNode):
    payer = node.funded()
    sent = node.pay(payer, 10**15)
    with Chain() as chain:
        found = chain.transaction(sent)
        receipt = chain.receipt(sent)
        head = chain.head()
        assert chain.sent(payer.address, head.number) == [found]
    assert found is not None
    assert receipt is not None
    assert (found.hash, found.payer, found.recipient) == (sent, payer.address, TREASURY.address)
    assert (found.wei, found.nonce, found.chain_id) == (10**15, 0, 8453)
    assert (receipt.block_number, receipt.block_hash) == (head.number, head.hash)
    assert receipt.succeeded
    assert abs(head.at - now()) < timedelta(minutes=5)


def test_what_the_node_does_not_know_is_none(node: ChainNode):
    with Chain() as chain:
        assert chain.transaction(HASH) is None
        assert chain.receipt(HASH) is None
        assert chain.block(10**9) is None


def test_the_count_of_a_payer_is_that_of_the_block(node: ChainNode):
    payer = node.funded()
    before = node.height
    node.pay(payer, 1)
    node.pay(payer, 1)
    with Chain() as chain:
        counts = [chain.count(payer.address, before + more) for more in (0, 1, 2)]
        with pytest.raises(StateForgotten):
            chain.count(payer.address, before + 1000)
    assert counts == [0, 1, 2]


def test_the_final_block_is_behind_the_newest(node: ChainNode):
    node.mine(12)
    with Chain() as chain:
        assert chain.head("finalized").number < chain.head().number


def test_a_contract_is_told_from_an_account_and_from_one_that_lends_itself_a_contract(node):
    delegated = node.funded().address
    node.rpc("anvil_setCode", delegated, "0xef0100" + CONTRACT_WALLET[2:])
    with Chain() as chain:
        assert chain.is_contract(CONTRACT_WALLET)
        assert not chain.is_contract(DEMO_ACCOUNTS[0].address)
        assert not chain.is_contract(delegated)


def test_p07_a_node_of_another_chain_is_not_believed(node, settings, caplog):
    settings.CHAIN_ID = 84532
    with pytest.raises(TryAgainLater, match="does not answer"), Chain():
        pass
    assert "A node leads to chain 8453, not 84532" in caplog.text


@pytest.mark.parametrize(
    "rule",
    [
        {"do": "status", "status": 500},
        {"do": "status", "status": 429},
        {"do": "status", "status": 302, "headers": {"Location": "/sandbox/health"}},
        {"do": "garbage"},
        {"do": "garbage", "body": "null"},
        {"do": "garbage", "body": "[]"},
        {"do": "garbage", "body": "{}"},
        {"do": "garbage", "body": '{"jsonrpc": "2.0", "id": 999, "result": "0x2105"}'},
        {"do": "garbage", "body": '{"jsonrpc": "2.0", "id": 0, "result": "a lot"}'},
        {"do": "garbage", "body": '{"jsonrpc": "2.0", "id": 0, "result": null}'},
        {"do": "garbage", "body": '{"jsonrpc": "2.0", "id": 0, "error": "no"}'},
        {"do": "cut", "at": 0.5},
        {"do": "reset"},
    ],
    ids=str,
)
def test_f09_whatever_is_no_answer_is_asked_again_later_and_once(node, rule):
    node.process.script({"match": {"path": "/chain"}, **rule})
    with pytest.raises(TryAgainLater, match="Base does not answer at the moment"), Chain():
        pass
    with Chain() as chain:
        assert chain.head().number > 0


@pytest.mark.parametrize(
    "answer", ["{}", '{"hash": 1}', '"0x"', "7", "[1]", '{"number": "0x1", "hash": "0x1"}']
)
def test_f09_a_block_that_is_none_is_no_block(node, answer):
    body = f'{{"jsonrpc": "2.0", "id": 1, "result": {answer}}}'
    match = {"path": "/chain", "contains": "eth_getBlockByNumber"}
    node.process.script({"match": match, "do": "garbage", "body": body})
    with Chain() as chain, pytest.raises(TryAgainLater):
        chain.head()


def test_f09_a_node_that_hangs_is_not_waited_for(node, monkeypatch):
    monkeypatch.setattr(chain_module, "ANSWER_SECONDS", 0.3)
    node.process.script({"match": {"path": "/chain"}, "do": "delay", "seconds": 30})
    began = time.monotonic()
    with pytest.raises(TryAgainLater), Chain():
        pass
    assert time.monotonic() - began < 10


def test_l05_a_key_in_the_nodes_address_is_not_logged(node, settings, caplog):
    settings.CHAIN_RPC_URL += "?key=s3cret"
    for do in ("status", "reset", "garbage"):
        node.process.script({"match": {"path": "/chain"}, "do": do})
        with pytest.raises(TryAgainLater), Chain():
            pass
    assert caplog.text.count("No good answer") == 3
    assert "s3cret" not in caplog.text


def test_an_answer_without_end_is_not_read(node, monkeypatch):
    monkeypatch.setattr(chain_module, "ANSWER_BYTES", 100)
    with Chain() as chain, pytest.raises(TryAgainLater):
        chain.head()


def test_the_price_is_the_feeds(node):
    with Chain() as chain:
        rate = chain.price(now())
    assert (rate.answer, rate.decimals, rate.usd) == (3400 * 10**8, 8, 3400)
    assert rate.round_id > 2**64
    assert abs(rate.updated_at - now()) < timedelta(minutes=30)


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        (0, 0),
        (0, -1),
        (0, 99 * 10**8),
        (0, 100_001 * 10**8),
        (0, 10**30),
        (1, int(time.time()) - 3700),
        (1, 1),
        (1, 2**255),
        (1, int(time.time()) + 100_000),
    ],
    ids=["zero", "negative", "too low", "too high", "1e30", "old", "1970", "never", "future"],
)
def test_p24_a_price_that_cannot_be_is_not_offered(node, slot, value):
    before = node.rpc("eth_getStorageAt", FEED_ADDRESS, hex(slot), "latest")
    node.set_feed(slot, value)
    try:
        with Chain() as chain, pytest.raises(TryAgainLater):
            chain.price(now())
    finally:
        node.set_feed(slot, int(before, 16))


def test_p24_another_contract_is_not_the_feed(node, settings):
    for address in (CONTRACT_WALLET, DEMO_ACCOUNTS[0].address):
        settings.PRICE_FEED = address
        with Chain() as chain, pytest.raises(TryAgainLater):
            chain.price(now())


def test_a_price_of_an_hour_ago_is_the_oldest_that_is_good(node):
    node.set_feed(1, int(time.time()) - 3500)
    try:
        with Chain() as chain:
            assert chain.price(now()).usd == 3400
    finally:
        node.set_feed(1, 0)


def test_p24_the_feed_of_another_coin_is_not_the_feed(node, settings):
    code = node.rpc("eth_getCode", FEED_ADDRESS, "latest")
    other = node.web3.to_checksum_address("0x" + "be" * 20)
    node.rpc("anvil_setCode", other, code.replace(b"ETH / USD".hex(), b"BTC / USD".hex()))
    node.rpc("anvil_setStorageAt", other, "0x0", f"0x{3400 * 10**8:064x}")
    settings.PRICE_FEED = other
    with Chain() as chain, pytest.raises(TryAgainLater, match="price of ETH"):
        chain.price(now())
