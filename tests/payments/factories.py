"""Rows for tests of payments, and a worker that does one step."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db.models.functions import Now
from eth_account.signers.local import LocalAccount

from payments.models import Entry, Quote, Transfer
from payments.rates import Rate
from sandbox.chain_accounts import TREASURY
from tests.payments.chain_node import ChainNode
from tests.wallets.signing import new_account
from wallets.models import Wallet

HASH = "0x" + "ab" * 32
NOBODY = "0x00000000000000000000000000000000000000ff"
PRICE = 1_176_470_588_235_295
"""$4 at $3,400, in wei."""


def create_wallet(address: str = "") -> Wallet:
    return Wallet.objects.create(address=address or new_account().address)


def create_quote(*, wallet: Wallet | None = None, **fields: Any) -> Quote:
    """An open quote over $4 at $3,400 for one ether, made without a chain."""
    wallet = wallet or create_wallet()
    quote = Quote.objects.create(
        **{
            "status": "open",
            "due_at": Now(),
            "wallet": wallet,
            "payer": wallet.address,
            "chain_id": 8453,
            "recipient": TREASURY.address,
            "purpose": "KILNGLZ",
            "usd_cents": 400,
            "wei": PRICE,
            "rate_answer": 3400 * 10**8,
            "rate_decimals": 8,
            "rate_round": 1,
            "rate_updated_at": Now(),
            "expires_at": Now() + timedelta(minutes=15),
            "mark_block": 0,
            "mark_count": 0,
            **fields,
        }
    )
    quote.refresh_from_db()
    return quote


def create_transfer(quote: Quote, **fields: Any) -> Transfer:
    """What the chain has shown for a quote: by default exactly what it asks for."""
    return Transfer.objects.create(
        **{
            "quote": quote,
            "chain_id": 8453,
            "hash": f"0x{uuid4().hex}{uuid4().hex}",
            "block_number": 100,
            "block_hash": HASH,
            "block_at": quote.created_at,
            "payer": quote.payer,
            "recipient": quote.recipient,
            "wei": quote.wei,
            **fields,
        }
    )


def deposit(wallet: Wallet, cents: int) -> Entry:
    """A payment that is worth so many US cents."""
    quote = create_quote(wallet=wallet)
    wei = Rate(quote.rate_answer, 8, 1, quote.created_at).wei_for(cents)
    return Entry.deposit(create_transfer(quote, wei=wei), wallet, quote.rate)


def offer(node: ChainNode, account: LocalAccount, cents: int = 400) -> Quote:
    """A quote for the owner of a funded account, as the page would get it."""
    wallet, _created = Wallet.objects.get_or_create(address=account.address)
    return Quote.offer(wallet, cents, "KILNGLZ")


def work(quote: Quote, *, status: str = "") -> Quote:
    """Let a worker do steps until the status is reached; one step without a status."""
    for _step in range(6):
        Quote.objects.filter(pk=quote.pk).update(due_at=Now())
        claimed = Quote.objects.claim(quote.pk)
        assert claimed is not None
        claimed.advance()
        quote.refresh_from_db()
        if not status or quote.status == status:
            return quote
    raise AssertionError(f"{quote.status}, not {status}: {quote.note} {quote.history}")


def grow_old(quote: Quote, age: timedelta) -> Quote:
    """Move everything about the quote into the past."""
    Quote.objects.filter(pk=quote.pk).update(
        created_at=quote.created_at - age, expires_at=quote.expires_at - age
    )
    quote.refresh_from_db()
    return quote


def balance(quote: Quote) -> int:
    """What the owner of the quote has, in US cents."""
    return Entry.objects.balance_of(quote.wallet)


def statuses(quote: Quote) -> list[str]:
    return [line["to"] for line in quote.history]
