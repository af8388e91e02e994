"""Payments that nobody told us about: the tab was closed before the transaction's hash reached us.

An account numbers its transactions without gaps, so the count tells whether it has sent something
since we last looked, and bisection tells in which block. Only those blocks are read.
"""

from __future__ import annotations

from django.conf import settings

from payments.chain import Block, Chain, StateForgotten
from payments.models import Hint, Quote

BLOCKS_AT_ONCE = 20
"""How many blocks one look reads at most; the next one goes on from there."""


def search(chain: Chain, quote: Quote, head: Block) -> None:
    """Make hints of what the payer has sent to the recipient since the quote's mark; move the mark.

    Raises `TryAgainLater` when the node does not answer and `StaleJob` when the lease is lost.
    """
    latest = chain.count(quote.payer, head.number)
    # Above it a reorganisation may still bring other transactions, so the mark stays below.
    deep = head.number - settings.CONFIRMATIONS
    block, count = mark = quote.mark_block, quote.mark_count
    for _turn in range(BLOCKS_AT_ONCE):
        if count >= latest or block >= head.number:
            mark = max(mark[0], deep), mark[1]
            break
        block, count = _read_next(chain, quote, block, count, head.number)
        if block <= deep:
            mark = block, count
    if mark != (quote.mark_block, quote.mark_count):
        quote.renew(mark_block=mark[0], mark_count=mark[1])


def _read_next(chain: Chain, quote: Quote, low: int, known: int, high: int) -> tuple[int, int]:
    """Read the first block after `low` that raised the count above `known`.

    Returns its number and the count at its end.
    """
    block = first_above(chain, quote.payer, low, known, high)
    sent = chain.sent(quote.payer, block)
    for found in sent:
        if found.recipient == quote.recipient and found.wei:
            # What was refused as replaced is here after all.
            Hint.objects.update_or_create(quote=quote, hash=found.hash, defaults={"refusal": ""})
    try:
        return block, chain.count(quote.payer, block)
    except StateForgotten:
        return block, known + len(sent)


def first_above(chain: Chain, payer: str, low: int, known: int, high: int) -> int:
    """Return the first block with a count above `known`, which `low` has not and `high` has.

    Without the state of a block in between it is the one after `low`, which may not be it.
    """
    try:
        while high - low > 1:
            middle = (low + high) // 2
            if chain.count(payer, middle) > known:
                high = middle
            else:
                low = middle
    except StateForgotten:
        return low + 1  # Without the state, every block has to be read.
    return high
