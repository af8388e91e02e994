"""Refunds in a test's hands: balances to pay back, a worker's looks, what the chain has seen."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from django.db.models.functions import Now
from eth_account import Account

from payments.models import Entry, Refund
from payments.rates import Rate
from payments.signing import RefundKey
from tests.payments.chain_node import ChainNode
from tests.payments.factories import PRICE, create_wallet, deposit
from wallets.models import Wallet


def wallet_with(cents: int, address: str = "") -> Wallet:
    """A wallet whose payments were worth so much."""
    wallet = create_wallet(address)
    deposit(wallet, cents)
    return wallet


def begin(wallet: Wallet, key: RefundKey, cents: int | None = None) -> Refund:
    """What the command does."""
    return Refund.begin(wallet, Refund.plan(wallet, key.address, cents), key)


def create_refund(wallet: Wallet | None = None, **fields: Any) -> Refund:
    """A refund of $4 that no chain has heard of."""
    wallet = wallet or wallet_with(400)
    key = RefundKey(Account.create().key)
    pk = uuid4()
    rate = Rate(3400 * 10**8, 8, 1, wallet.created_at)
    raw, transaction_hash = key.sign(
        {"to": wallet.address, "value": PRICE, "gas": 21_000, "gasPrice": 1, "nonce": 0}
    )
    refund = Refund.objects.create(
        **{
            "id": pk,
            "status": "broadcasting",
            "due_at": Now(),
            "wallet": wallet,
            "entry": Entry.pay_out(wallet, 400, PRICE, rate, f"payout:{pk}"),
            "chain_id": 8453,
            "payer": key.address,
            "recipient": wallet.address,
            "wei": PRICE,
            "nonce": 0,
            "gas": 21_000,
            "max_fee_wei": 10**9,
            "tip_wei": 10**8,
            "raw": raw,
            "hash": transaction_hash,
            "mark_block": 0,
            **fields,
        }
    )
    refund.refresh_from_db()
    return refund


def make_due(refund: Refund) -> None:
    Refund.objects.filter(pk=refund.pk).update(due_at=Now(), lease_ends_at=None)


def look(refund: Refund, status: str = "") -> Refund:
    """Let a worker look until the status is reached; once without a status.

    On a busy machine a block comes after the answer of the node, hence the pauses.
    """
    for step in range(100):
        time.sleep(min(step, 10) * 0.02)
        make_due(refund)
        claimed = Refund.objects.claim(refund.pk)
        assert claimed is not None
        claimed.advance()
        refund.refresh_from_db()
        if not status or refund.status == status:
            return refund
    raise AssertionError(f"{refund.status}, not {status}: {refund.note} {refund.history}")


def pay(node: ChainNode, refund: Refund) -> Refund:
    """Let the chain take it, and confirm it."""
    look(refund, "confirming")
    node.mine(6)
    return look(refund, "paid")


def sent_by(node: ChainNode, refund: Refund) -> int:
    """How many transactions of the payer the chain has taken."""
    return int(node.web3.eth.get_transaction_count(refund.payer))


def received(node: ChainNode, wallet: Wallet) -> int:
    """What the wallet has on the chain, in wei."""
    return int(node.web3.eth.get_balance(wallet.address))
