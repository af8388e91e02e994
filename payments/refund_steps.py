"""What a worker does for a refund: send the same bytes, and see what the chain makes of them."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from loratrainer.outcomes import TryAgainLater
from payments.chain import Block, Chain, Receipt, Transaction
from payments.refunds import Refund
from payments.search import BLOCKS_AT_ONCE, first_above
from payments.sending import SendingChain
from payments.templatetags.payments import eth

logger = logging.getLogger(__name__)

BLOCK = timedelta(seconds=2)
"""Base makes a block every two seconds."""
YOUNG = timedelta(minutes=10)
"""So long a refund is looked at with every block."""
LATER = timedelta(seconds=30)
"""How long between looks after that: nodes keep the accounts of the last 128 blocks, 4 minutes."""


def broadcast(refund: Refund) -> None:
    """`broadcasting`: send the transaction until it is in a block, or its nonce is taken."""
    _refuse_other_chain(refund)
    with SendingChain() as chain:
        head = chain.head()
        if receipt := chain.receipt(refund.hash):
            refund.move("confirming", why=f"It is in block {receipt.block_number}.")
            return
        count = chain.count(refund.payer, head.number)
        if count > refund.nonce:
            _look_for_rival(chain, refund, head)
            return
        note = _send(chain, refund, refund.nonce - count)
    deep = head.number - settings.CONFIRMATIONS
    refund.wait(_pause(refund), note=note, mark_block=max(refund.mark_block, deep))


def confirm(refund: Refund) -> None:
    """`confirming`: it is paid when enough blocks lie on top, and failed when that is final."""
    _refuse_other_chain(refund)
    with Chain() as chain:
        head, final = chain.head(), chain.head("finalized")
        receipt = chain.receipt(refund.hash)
        if receipt is None or not _is_canonical(chain, receipt):
            refund.move("broadcasting", why="The chain does not show it any more.")
            return
    found: dict[str, Any] = {"block_number": receipt.block_number, "block_hash": receipt.block_hash}
    depth = head.number - receipt.block_number
    if receipt.succeeded and depth >= settings.CONFIRMATIONS:
        refund.move("paid", due_in=LATER, why="Enough blocks have confirmed it.", **found)
    elif receipt.succeeded:
        words = _("Confirming {done} of {all}")
        refund.wait(BLOCK, note=words.format(done=max(depth, 0), all=settings.CONFIRMATIONS))
    elif receipt.block_number <= final.number:
        refund.give_back(_("The wallet is a contract that did not take the ETH."), **found)
    else:
        note = _("The wallet did not take the ETH. It goes back to the balance when that is final.")
        refund.wait(LATER, note=note)


def finalize(refund: Refund) -> None:
    """`paid`: look once more when the chain is final."""
    _refuse_other_chain(refund)
    with Chain() as chain:
        final = chain.head("finalized")
        block = chain.block(refund.block_number or 0)
    if block is None or block.number > final.number:
        refund.wait(LATER)
    elif block.hash == refund.block_hash:
        refund.move("paid", due_in=None, why="The chain is final.")
    else:
        logger.critical("The chain has dropped the block in which refund %s was paid", refund)
        why = "The chain has dropped its block."
        refund.move("broadcasting", why=why, block_number=None, block_hash="")


def _send(chain: SendingChain, refund: Refund, before_it: int) -> str:
    """Send the bytes once more; return what hinders them, in words for the operator."""
    refusal = chain.send(bytes(refund.raw))
    missing = refund.most_wei - chain.purse(refund.payer)
    if refusal and missing > 0:
        words = _("The account {payer} lacks {eth} ETH to pay this.")
        return words.format(payer=refund.payer, eth=eth(missing))
    if before_it:
        words = _("It waits for {number} earlier transactions of {payer}.")
        return words.format(number=before_it, payer=refund.payer)
    if refusal and chain.transaction(refund.hash) is None:
        return _("Base does not take it yet: {words}").format(words=refusal)
    return ""


def _look_for_rival(chain: Chain, refund: Refund, head: Block) -> None:
    """Find the transaction that has taken the nonce; the final chain decides between the two."""
    final = chain.head("finalized")
    rival, mark = _at_nonce(chain, refund, head)
    deep = max(refund.mark_block, min(mark, head.number - settings.CONFIRMATIONS))
    if rival is None:
        note = _("Nonce {nonce} of {payer} is taken; looking for what has taken it.")
        note = note.format(nonce=refund.nonce, payer=refund.payer)
        # Another look goes on from the mark; without one, a node is behind the others.
        refund.wait(timedelta(0) if deep > refund.mark_block else BLOCK, note=note, mark_block=deep)
    elif rival.hash == refund.hash:
        refund.wait(BLOCK, mark_block=deep)
    elif mark < final.number:
        words = _("Another transaction of {payer} has taken its place: {hash}")
        refund.give_back(words.format(payer=refund.payer, hash=rival.hash))
    else:
        note = _("Another transaction has taken its place; waiting until that is final.")
        refund.wait(LATER, note=note, mark_block=deep)


def _at_nonce(chain: Chain, refund: Refund, head: Block) -> tuple[Transaction | None, int]:
    """Return the transaction of the canonical chain with this nonce, if it is found by now.

    And the block up to which there is none.
    """
    mark = refund.mark_block
    for _turn in range(BLOCKS_AT_ONCE):
        if mark >= head.number:
            break
        block = first_above(chain, refund.payer, mark, refund.nonce, head.number)
        for found in chain.sent(refund.payer, block):
            if found.nonce == refund.nonce:
                return found, block - 1
        mark = block
    return None, mark


def _is_canonical(chain: Chain, receipt: Receipt) -> bool:
    block = chain.block(receipt.block_number)
    return block is not None and block.hash == receipt.block_hash


def _pause(refund: Refund) -> timedelta:
    return BLOCK if refund.claimed_at - refund.created_at < YOUNG else LATER


def _refuse_other_chain(refund: Refund) -> None:
    if refund.chain_id != settings.CHAIN_ID:
        logger.critical("Refund %s is for chain %s", refund, refund.chain_id)
        raise TryAgainLater(_("It is for another chain than the one of the settings."))
