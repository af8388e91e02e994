"""Transactions that are late, lost, replaced or undone, and quotes that nobody pays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from payments.chain import Chain
from payments.models import Entry, Quote, Transfer
from tests.payments.factories import HASH, NOBODY, balance, grow_old, work

pytestmark = pytest.mark.django_db


def test_p09_a_pending_transaction_is_waited_for_a_day_and_never_failed(node, payer, quote):
    node.automine(False)
    try:
        sent = node.pay(payer, quote.wei)
        quote.tell(sent)
        assert (work(quote).status, quote.note[:16]) == ("open", "Waiting for Base")
        assert quote.hints.get().nonce == 0
        grow_old(quote, timedelta(hours=20))
        assert work(quote).status == "lapsed"
        quote.hints.update(created_at=Now() - timedelta(hours=20))
        work(quote)
        assert (quote.status, quote.is_working) == ("lapsed", True)
        assert quote.hints.get().refusal == ""
    finally:
        node.automine(True)
    node.mine(6)
    work(quote, status="settled")
    assert quote.transfers.get().hash == sent


def test_a_transaction_that_base_does_not_know_is_not_waited_for_long(node, quote):
    quote.tell(HASH)
    work(quote)
    assert quote.hints.get().refusal == ""
    quote.hints.update(created_at=Now() - timedelta(minutes=4))
    work(quote)
    assert "does not know" in quote.hints.get().refusal


def test_while_the_node_is_away_nothing_is_said_about_a_transaction(node, quote):
    quote.tell(HASH)
    quote.hints.update(created_at=Now() - timedelta(hours=4))
    node.process.script({"match": {"path": "/chain"}, "do": "status", "times": None})
    work(quote)
    assert quote.hints.get().refusal == ""
    assert quote.note == "Base does not answer at the moment."


def test_w4_a_replaced_transaction_is_noticed_and_the_other_one_found(node, payer, quote):
    node.automine(False)
    try:
        first = node.pay(payer, quote.wei, nonce=0)
        quote.tell(first)
        work(quote)
        second = node.pay(payer, quote.wei, nonce=0, gasPrice=9 * 10**9)
        node.mine(1)
    finally:
        node.automine(True)
    work(quote, status="confirming")
    assert quote.hints.get(hash=first).refusal == ""
    node.mine(6)
    work(quote, status="settled")
    assert quote.transfers.get().hash == second
    assert "replaced or cancelled" in quote.hints.get(hash=first).refusal
    assert balance(quote) == 400


def test_a_replacement_that_pays_after_all_is_counted(node, payer, quote):
    """What a lagging node made us refuse is found by the search."""
    sent = node.pay(payer, quote.wei)
    quote.hints.create(hash=sent, refusal="Base does not know it.")
    node.mine(6)
    work(quote, status="settled")
    assert quote.transfers.get().hash == sent


def test_p18_a_reorganisation_before_the_payment_is_counted_takes_it_back(node, payer, quote):
    sent = node.pay(payer, quote.wei)
    quote.tell(sent)
    node.mine(2)
    work(quote, status="confirming")
    node.reorganise(3)
    node.mine(6)
    work(quote)
    assert quote.status == "open"
    assert balance(quote) == 0
    node.pay(payer, quote.wei, nonce=0)
    node.mine(6)
    work(quote, status="settled")
    assert balance(quote) == 400


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_f11_a_payment_that_a_reorganisation_moves_is_counted_once(node, payer, quote, depth):
    raw = payer.sign_transaction(
        {
            "to": quote.recipient,
            "value": quote.wei,
            "gas": 21_000,
            "gasPrice": 3 * 10**9,
            "nonce": 0,
            "chainId": 8453,
        }
    ).raw_transaction
    sent = node.web3.eth.send_raw_transaction(raw).to_0x_hex()
    node.mine(depth - 1)
    work(quote, status="confirming")
    node.reorganise(depth)
    node.mine(2)
    assert node.web3.eth.send_raw_transaction(raw).to_0x_hex() == sent
    node.mine(6)
    work(quote, status="settled")
    assert Transfer.objects.get().block_number == node.height - 6
    assert balance(quote) == 400


def test_p19_a_reorganisation_after_it_was_counted_is_booked_and_loud(node, payer, quote, caplog):
    sent = node.pay(payer, quote.wei)
    quote.tell(sent)
    node.mine(6)
    work(quote, status="settled")
    assert balance(quote) == 400
    node.reorganise(7)
    assert work(quote).status == "settled"
    node.mine(12)
    work(quote)
    assert quote.status == "reversed"
    assert balance(quote) == 0
    assert "the chain has dropped" in caplog.text
    kinds = Entry.objects.order_by("pk").values_list("kind", "cents")
    assert list(kinds) == [("deposit", 400), ("adjustment", -400)]
    assert work_is_over(quote)


def work_is_over(quote: Quote) -> bool:
    quote.tell(quote.transfers.get().hash)
    quote.refresh_from_db()
    return not quote.is_working


def test_p19_a_payment_that_came_into_another_block_stays(node, payer, quote):
    sent = node.pay(payer, quote.wei)
    quote.tell(sent)
    node.mine(6)
    work(quote, status="settled")
    node.reorganise(7)
    assert node.pay(payer, quote.wei, nonce=0) == sent
    work(quote)
    assert quote.status == "settled"
    node.mine(12)
    work(quote, status="final")
    assert balance(quote) == 400


def test_a_receipt_from_the_future_does_not_count(node, payer, quote, monkeypatch):
    """Flashblocks: the node shows receipts of a block that it has not finished."""
    quote.tell(node.pay(payer, quote.wei))
    newest = Chain.head

    def before(self, which="latest"):
        found = newest(self, which)
        return self.block(found.number - 1)

    monkeypatch.setattr(Chain, "head", before)
    work(quote)
    assert (quote.status, quote.hints.get().refusal) == ("open", "")


def test_an_unpaid_quote_lapses_is_watched_for_a_day_and_rests(node, quote):
    assert work(quote).status == "open"
    grow_old(quote, timedelta(minutes=16))
    assert work(quote).status == "lapsed"
    assert quote.is_working
    grow_old(quote, timedelta(hours=23))
    assert work(quote).is_working
    grow_old(quote, timedelta(hours=2))
    assert not work(quote).is_working
    assert (quote.status, quote.error) == ("lapsed", "")


def test_a_transaction_that_was_told_at_the_very_end_is_waited_for(node, quote):
    grow_old(quote, timedelta(hours=26))
    quote.hints.create(hash=HASH)
    work(quote, status="lapsed")
    work(quote)
    assert quote.is_working
    assert not Quote.objects.due().exists()
    assert "Nobody has paid." not in [line["why"] for line in quote.history]


def test_f09_a_node_that_is_away_ends_nothing(node, quote):
    grow_old(quote, timedelta(hours=30))
    node.process.script({"match": {"path": "/chain"}, "do": "status", "times": None})
    for _try in range(7):
        work(quote)
    assert (quote.status, quote.is_working) == ("open", True)
    assert quote.note == "Base does not answer at the moment."


def test_a_hint_wakes_a_quote_that_rests(node, payer, quote):
    grow_old(quote, timedelta(hours=25))
    work(quote)
    work(quote)
    assert not quote.is_working
    quote.tell(node.pay(payer, quote.wei))
    node.mine(6)
    work(quote, status="settled")
    assert balance(quote) == 400


def test_a_hint_that_comes_while_the_last_step_runs_is_not_forgotten(node, payer, quote):
    quote.tell(node.pay(payer, quote.wei))
    node.mine(20)
    work(quote, status="settled")
    Quote.objects.filter(pk=quote.pk).update(due_at=Now())
    claimed = Quote.objects.claim(quote.pk)
    assert claimed is not None
    quote.hints.create(hash=node.pay(payer, quote.wei))
    claimed.rest("final", "The chain is final.")
    quote.refresh_from_db()
    assert (quote.status, quote.is_working) == ("final", True)
    node.mine(20)
    work(quote)
    assert balance(quote) == 800


def test_a_search_stops_after_so_many_blocks_and_goes_on_next_time(node, payer, quote, monkeypatch):
    monkeypatch.setattr("payments.search.BLOCKS_AT_ONCE", 2)
    for _ in range(5):
        node.pay(payer, 0, to=NOBODY)
    sent = node.pay(payer, quote.wei)
    node.mine(6)
    work(quote)
    assert (quote.mark_count, quote.hints.count()) == (2, 0)
    work(quote)
    assert (quote.mark_count, quote.hints.count()) == (4, 0)
    work(quote)
    assert quote.mark_count == 6
    assert quote.hints.get().hash == sent


def test_the_mark_of_a_quiet_payer_moves_on_with_one_question(node, quote):
    node.mine(50)
    work(quote)
    assert (quote.mark_block, quote.mark_count) == (node.height - 5, 0)
