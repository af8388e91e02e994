"""Whether a transaction pays a quote. Asks the chain, changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from loratrainer.outcomes import Failed, Outcome, Pending, Succeeded
from payments.chain import Block, Chain, Transaction
from payments.models import CLOCK_SKEW, Quote


@dataclass(frozen=True, slots=True)
class Payment:
    """A transfer from the payer of a quote to its recipient, in a block of the canonical chain."""

    hash: str
    wei: int
    block_number: int
    block_hash: str
    block_at: datetime


def verify(chain: Chain, quote: Quote, found: Transaction, head: Block) -> Outcome[Payment]:
    """Say whether this transaction pays the quote, whatever its amount.

    `Failed` says in words why it never can; `Pending` that a block has yet to decide.
    """
    if refusal := _refusal(quote, found):
        return Failed(refusal)
    receipt = chain.receipt(found.hash)
    # A node that shows Flashblocks has receipts of blocks that are still being made.
    if receipt is None or receipt.block_number > head.number:
        return Pending()
    block = chain.block(receipt.block_number)
    if block is None or block.hash != receipt.block_hash:
        return Pending()
    is_deep = head.number - block.number >= settings.CONFIRMATIONS
    if not receipt.succeeded:
        words = _("The transaction failed on Base: no ETH reached us.")
        return Failed(words) if is_deep else Pending()
    if block.at < quote.created_at - CLOCK_SKEW:
        return Failed(_("The transaction is older than this price."))
    return Succeeded(
        Payment(
            hash=found.hash,
            wei=found.wei,
            block_number=block.number,
            block_hash=block.hash,
            block_at=block.at,
        )
    )


def is_witnessed(quote: Quote, payment: Payment) -> bool:
    """Say whether the second node, if the settings name one, shows the very same payment."""
    if not settings.CHAIN_WITNESS_URL:
        return True
    with Chain(settings.CHAIN_WITNESS_URL) as witness:
        found = witness.transaction(payment.hash)
        seen = verify(witness, quote, found, witness.head()) if found else None
    return seen == Succeeded(payment)


def confirmations(payment: Payment, head: Block) -> int:
    """Return how many blocks lie on top of the payment's."""
    return head.number - payment.block_number


def _refusal(quote: Quote, found: Transaction) -> str:
    if found.chain_id not in (None, quote.chain_id):
        return _("The transaction is for another chain.")
    if found.recipient != quote.recipient:
        return _("The transaction went to another address than ours.")
    if found.payer != quote.payer:
        return _("The transaction comes from another wallet than yours.")
    if found.wei == 0:
        return _("The transaction moves no ETH.")
    return ""
