"""Which transactions pay a quote."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from payments.models import Quote
from sandbox.chain_contracts import FEED_ADDRESS
from tests.payments.factories import NOBODY, PRICE, balance, offer, work

pytestmark = pytest.mark.django_db


def refusal(quote: Quote) -> str:
    """Look twice, with many blocks in between, and say what is told about the only hint."""
    work(quote)
    assert not quote.transfers.exists()
    assert balance(quote) == 0
    assert quote.status == "open"
    return quote.hints.get().refusal


def test_p06_another_recipient_even_one_that_looks_alike(node, payer, quote):
    alike = quote.recipient[:6] + "ff" * 16 + quote.recipient[-4:]
    quote.tell(node.pay(payer, quote.wei, to=node.web3.to_checksum_address(alike)))
    node.mine(6)
    assert "another address than ours" in refusal(quote)


def test_another_payer(node, quote):
    quote.tell(node.pay(node.funded(), quote.wei))
    node.mine(6)
    assert "another wallet than yours" in refusal(quote)


def test_p14_no_ether_but_data_as_a_token_would_have(node, payer, quote):
    data = "0xa9059cbb" + "00" * 12 + quote.recipient[2:].lower() + "00" * 31 + "ff"
    quote.tell(node.pay(payer, 0, data=data, gas=60_000))
    node.mine(6)
    assert "moves no ETH" in refusal(quote)


def test_p14_a_token_whose_transfer_names_us(node, payer, quote):
    data = "0xa9059cbb" + "00" * 12 + quote.recipient[2:].lower() + "00" * 31 + "ff"
    quote.tell(node.pay(payer, 0, to=node.web3.to_checksum_address(NOBODY), data=data, gas=60_000))
    node.mine(6)
    assert "another address than ours" in refusal(quote)


def test_p16_the_creation_of_a_contract_with_value(node, payer, quote):
    quote.tell(node.pay(payer, quote.wei, to=None, data="0x00", gas=100_000))
    node.mine(6)
    assert "another address than ours" in refusal(quote)


def test_p13_a_payment_from_before_the_quote(node, payer):
    sent = node.pay(payer, PRICE)
    node.mine(30)
    quote = offer(node, payer)
    Quote.objects.filter(pk=quote.pk).update(created_at=Now() + timedelta(seconds=61))
    quote.refresh_from_db()
    quote.tell(sent)
    assert "older than this price" in refusal(quote)


def test_a_transaction_that_failed(node, payer, quote):
    node.rpc("anvil_setCode", quote.recipient, "0x5f5ffd")
    try:
        quote.tell(node.pay(payer, quote.wei, gas=50_000))
    finally:
        node.rpc("anvil_setCode", quote.recipient, "0x")
    work(quote)
    assert quote.hints.get().refusal == ""
    node.mine(6)
    assert "failed on Base" in refusal(quote)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": 1, "accessList": [{"address": FEED_ADDRESS, "storageKeys": []}], "gas": 60_000},
        {"type": 2, "maxFeePerGas": 3 * 10**9, "maxPriorityFeePerGas": 10**6},
        {"data": "0x" + "ab" * 120_000, "gas": 9_000_000},
    ],
    ids=["access list", "dynamic fee", "120 kB of data"],
)
def test_p36_every_kind_of_transaction_that_moves_ether_counts(node, payer, quote, fields):
    quote.tell(node.pay(payer, quote.wei, **fields))
    node.mine(6)
    work(quote, status="settled")
    assert balance(quote) == 400


def test_p36_a_transaction_with_an_authorization_counts(node, payer, quote):
    signed = payer.sign_authorization(
        {"chainId": 8453, "address": bytes.fromhex(FEED_ADDRESS[2:]), "nonce": 1}
    )
    fields = {"type": 4, "maxFeePerGas": 3 * 10**9, "maxPriorityFeePerGas": 10**6, "gas": 100_000}
    quote.tell(node.pay(payer, quote.wei, authorizationList=[signed], **fields))
    node.mine(6)
    work(quote, status="settled")
    assert balance(quote) == 400
