"""P21: one node that lies is not enough to invent money, or to take it away again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from payments.models import Transfer
from tests.payments.chain_node import ChainNode
from tests.payments.factories import HASH, balance, work
from tests.payments.forger import Forger, running_forger

pytestmark = pytest.mark.django_db

NOTE = "Waiting until a second node of Base shows the same."


@pytest.fixture
def forger(node: ChainNode, settings: Any) -> Iterator[Forger]:
    """A node that may lie; the other one, whose word counts too, does not."""
    with running_forger(settings.CHAIN_RPC_URL) as forger:
        settings.CHAIN_WITNESS_URL = settings.CHAIN_RPC_URL
        settings.CHAIN_RPC_URL = forger.url
        yield forger


def invent_value(quote: Any) -> Any:
    """Make the payment that the node shows as large as it should be."""
    return lambda found: found and found | {"value": hex(quote.wei)}


def test_what_both_show_is_counted(node, payer, quote, forger):
    quote.tell(node.pay(payer, quote.wei))
    node.mine(6)
    work(quote)
    assert work(quote).status == "settled"
    assert balance(quote) == 400


def test_p21_what_one_node_invents_is_not_counted(node, payer, quote, forger, caplog):
    forger.forgeries["eth_getTransactionByHash"] = invent_value(quote)
    quote.tell(node.pay(payer, 1))
    node.mine(6)
    work(quote)
    assert work(quote).status == "confirming"
    assert quote.note == NOTE
    assert "do not show the same" in caplog.text
    assert not Transfer.objects.exists()
    forger.forgeries.clear()
    work(quote)
    assert quote.transfers.get().wei == 1


def test_without_a_second_node_it_would_be(node, payer, quote, forger, settings):
    settings.CHAIN_WITNESS_URL = ""
    forger.forgeries["eth_getTransactionByHash"] = invent_value(quote)
    quote.tell(node.pay(payer, 1))
    node.mine(6)
    work(quote)
    work(quote)
    assert balance(quote) == 400


@pytest.mark.parametrize("method", ["eth_getTransactionByHash", "eth_getTransactionReceipt"])
def test_a_second_node_that_lags_is_waited_for(node, payer, quote, forger, settings, method):
    settings.CHAIN_RPC_URL, settings.CHAIN_WITNESS_URL = settings.CHAIN_WITNESS_URL, forger.url
    forger.forgeries[method] = lambda _found: None
    quote.tell(node.pay(payer, quote.wei))
    node.mine(6)
    work(quote)
    assert work(quote).note == NOTE
    assert balance(quote) == 0
    forger.forgeries.clear()
    assert work(quote).status == "settled"
    assert balance(quote) == 400


def test_another_block_at_the_second_node_is_another_payment(node, payer, quote, forger, settings):
    settings.CHAIN_RPC_URL, settings.CHAIN_WITNESS_URL = settings.CHAIN_WITNESS_URL, forger.url
    quote.tell(node.pay(payer, quote.wei))
    node.mine(6)
    work(quote)
    forger.forgeries["eth_getTransactionReceipt"] = lambda found: found | {"blockHash": HASH}
    assert work(quote).note == NOTE
    assert balance(quote) == 0


def test_a_second_node_that_is_away_is_waited_for(node, payer, quote, forger, settings):
    settings.CHAIN_WITNESS_URL = "http://127.0.0.1:9/"
    quote.tell(node.pay(payer, quote.wei))
    node.mine(6)
    work(quote)
    assert work(quote).note == "Base does not answer at the moment."
    assert balance(quote) == 0


def test_one_node_alone_cannot_take_a_payment_away(node, payer, quote, forger):
    quote.tell(node.pay(payer, quote.wei))
    node.mine(6)
    work(quote)
    work(quote)
    node.mine(60)
    forger.forgeries["eth_getBlockByNumber"] = lambda found: found and found | {"hash": HASH}
    forger.forgeries["eth_getTransactionByHash"] = lambda _found: None
    forger.forgeries["eth_getTransactionReceipt"] = lambda _found: None
    assert work(quote).status == "settled"
    assert quote.note == NOTE
    assert balance(quote) == 400
    forger.forgeries.clear()
    assert work(quote).status == "final"
    assert balance(quote) == 400
