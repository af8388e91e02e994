"""The life of a quote that is paid, on a real chain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from payments.models import Entry, Quote
from sandbox.chain_accounts import ETHER, TREASURY
from tests.payments.chain_node import ChainNode
from tests.payments.factories import NOBODY, PRICE, balance, grow_old, offer, statuses, work

pytestmark = pytest.mark.django_db


def test_a_payment_that_was_told_is_confirmed_counted_and_final(node: ChainNode, payer, quote):
    assert (quote.wei, quote.usd_cents, quote.status) == (PRICE, 400, "open")
    sent = node.pay(payer, quote.wei)
    quote.tell(sent)
    assert work(quote).status == "confirming"
    node.mine(2)
    assert work(quote).note == "Confirming 2 of 5"
    node.mine(2)
    assert work(quote).note == "Confirming 4 of 5"
    assert balance(quote) == 0
    node.mine(1)
    assert work(quote).status == "settled"
    assert balance(quote) == 400
    transfer = quote.transfers.get()
    assert (transfer.hash, transfer.wei, transfer.index) == (sent, PRICE, 0)
    assert (transfer.payer, transfer.recipient) == (payer.address, quote.recipient)
    assert transfer.block_hash == node.web3.eth.get_block(transfer.block_number)["hash"].to_0x_hex()

    assert work(quote).status == "settled"
    assert quote.is_working
    node.mine(12)
    assert work(quote).status == "final"
    assert not quote.is_working
    assert balance(quote) == 400
    assert statuses(quote) == ["confirming", "settled", "final"]


def test_w5_a_payment_that_nobody_told_is_found(node, payer, quote):
    node.mine(30)
    node.pay(payer, 0, to=NOBODY)
    node.mine(7)
    sent = node.pay(payer, quote.wei)
    node.mine(40)
    node.pay(payer, 0, to=NOBODY)
    work(quote, status="settled")
    assert quote.transfers.get().hash == sent
    assert balance(quote) == 400


def test_w5_it_is_found_however_late_somebody_looks(node, payer, quote):
    """The node has forgotten the state of those blocks, so they are read one by one."""
    sent = node.pay(payer, quote.wei)
    node.process.script(
        {
            "match": {"path": "/chain", "contains": "eth_getTransactionCount", "nth": 2},
            "do": "garbage",
            "body": '{"jsonrpc": "2.0", "id": 3, "error": {"code": -32000, "message": "pruned"}}',
        }
    )
    node.mine(6)
    work(quote, status="confirming")
    assert quote.hints.get().hash == sent


def test_p33_two_payments_of_one_quote_are_both_counted(node, payer, quote):
    quote.tell(node.pay(payer, quote.wei))
    node.mine(6)
    work(quote, status="settled")
    second = node.pay(payer, quote.wei)
    node.mine(6)
    work(quote)
    assert quote.status == "settled"
    assert balance(quote) == quote.paid_cents == 800
    assert quote.transfers.filter(hash=second).exists()


def test_i3_all_that_the_treasury_got_is_on_the_ledger_once(node):
    def treasury() -> int:
        return int(node.web3.eth.get_balance(TREASURY.address))

    before = treasury()
    quotes = []
    for times, told in [(1, True), (2, False), (3, True)]:
        payer = node.funded()
        quote = offer(node, payer)
        for number in range(times):
            sent = node.pay(payer, quote.wei // (number + 1) + number)
            if told:
                quote.tell(sent)
        quotes.append(quote)
    node.mine(6)
    for quote in quotes:
        work(quote, status="settled")
        node.mine(12)
        work(quote, status="final")
    counted = Entry.objects.filter(kind="deposit").values_list("wei", flat=True)
    assert len(counted) == 6
    assert sum(counted) == treasury() - before


def test_p11_ten_times_too_much_is_counted_once_and_whole(node, payer, quote):
    quote.tell(node.pay(payer, 10 * quote.wei))
    node.mine(6)
    work(quote, status="settled")
    assert balance(quote) == 4000


def test_too_little_is_counted_for_what_it_is(node, payer, quote):
    quote.tell(node.pay(payer, quote.wei // 2))
    node.mine(6)
    work(quote, status="settled")
    assert balance(quote) == 199


def test_p12_a_late_payment_counts_at_the_price_of_the_day(node, payer, quote):
    grow_old(quote, timedelta(hours=2))
    assert work(quote).status == "lapsed"
    assert quote.is_working
    node.set_feed(0, 1700 * 10**8)
    try:
        node.pay(payer, quote.wei)
        node.mine(6)
        work(quote, status="settled")
    finally:
        node.set_feed(0, 3400 * 10**8)
    assert balance(quote) == 200
    entry = Entry.objects.get(wallet=quote.wallet)
    assert entry.rate == 1700
    assert "late" in entry.note


def test_p12_while_there_is_no_price_a_late_payment_waits(node, payer, quote):
    grow_old(quote, timedelta(hours=2))
    quote.tell(node.pay(payer, quote.wei))
    node.mine(6)
    work(quote, status="confirming")
    node.set_feed(0, 0)
    try:
        work(quote)
        assert quote.status == "confirming"
        assert "price of ETH" in quote.note
    finally:
        node.set_feed(0, 3400 * 10**8)
    work(quote, status="settled")
    assert balance(quote) == 400


def test_a_payment_just_after_the_end_counts_at_the_quotes_price(node, payer, quote):
    grow_old(quote, timedelta(minutes=15, seconds=30))
    node.set_feed(0, 1700 * 10**8)
    try:
        quote.tell(node.pay(payer, quote.wei))
        node.mine(6)
        work(quote, status="settled")
    finally:
        node.set_feed(0, 3400 * 10**8)
    assert balance(quote) == 400


def test_the_quote_whose_amount_fits_is_the_one_that_is_paid(node, payer, quote):
    other = offer(node, payer, 231)
    assert other != quote
    quote.tell(node.pay(payer, other.wei))
    node.mine(6)
    work(quote)
    work(quote)
    assert quote.status == "open"
    assert quote.transfers.count() == 0
    work(other, status="settled")
    assert (balance(quote), other.paid_cents) == (231, 231)


def test_p37_an_amount_beyond_64_bits_is_counted(node):
    """2^127 wei; above 2^128 the sandbox's node sends nothing, and test_ledger.py goes on."""
    payer = node.funded(2**128)
    quote = offer(node, payer)
    quote.tell(node.pay(payer, 2**127))
    node.mine(6)
    work(quote, status="settled")
    assert balance(quote) == 2**127 * 340_000 // ETHER


def test_f08_a_worker_that_stalls_and_its_successor_count_a_payment_once(node, payer, quote):
    quote.tell(node.pay(payer, quote.wei))
    node.mine(6)
    work(quote, status="confirming")
    stalled = Quote.objects.claim(quote.pk)
    assert stalled is not None
    Quote.objects.filter(pk=quote.pk).update(lease_ends_at=Now() - timedelta(seconds=1))
    work(quote, status="settled")
    stalled.advance()
    quote.refresh_from_db()
    assert (quote.status, balance(quote)) == ("settled", 400)
    assert statuses(quote) == ["confirming", "settled"]
