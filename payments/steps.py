"""What a worker does for a quote: find its payment, wait until it is safe, count it, look again."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from loratrainer.outcomes import Failed, Pending, Succeeded, TryAgainLater
from loratrainer.tasks import nudge
from payments.chain import Block, Chain
from payments.models import WATCHED_FOR, Entry, Hint, Quote, Transfer
from payments.rates import Rate
from payments.search import search
from payments.verification import Payment, confirmations, is_witnessed, verify

logger = logging.getLogger(__name__)

BLOCK = timedelta(seconds=2)
"""Base makes a block every two seconds."""
YOUNG = timedelta(minutes=10)
"""So long a hint is looked at with every block."""
LOST = timedelta(minutes=3)
"""A transaction that is unknown for longer was dropped, mistyped, or sent to another chain."""


def watch(quote: Quote) -> None:
    """`open` and `lapsed`: look for a payment."""
    if quote.transfers.exists():
        quote.move("settled", why="It was counted when another quote was looked at.")
        return
    with Chain() as chain:
        head = chain.head()
        search(chain, quote, head)
        payments = _payments(chain, quote, head)
    if payments:
        quote.move("confirming", why=payments[0].hash)
    elif quote.status == "open" and quote.claimed_at >= quote.expires_at:
        quote.move("lapsed", due_in=_pause(quote), why="The price has run out.")
    elif quote.claimed_at >= quote.expires_at + WATCHED_FOR and not quote.hints.unanswered():
        quote.rest("lapsed", "Nobody has paid.")
    else:
        quote.wait(_pause(quote), note=_note(quote))


def confirm(quote: Quote) -> None:
    """`confirming`: count the payment when enough blocks lie on top of it."""
    with Chain() as chain:
        head = chain.head()
        payments = _payments(chain, quote, head)
        counted = _count(chain, quote, payments, head)
    if quote.transfers.exists():
        quote.move("settled", due_in=BLOCK, why="Enough blocks have confirmed it.")
    elif payments and not counted:
        done = max(confirmations(payment, head) for payment in payments)
        words = _("Confirming {done} of {all}").format(done=done, all=settings.CONFIRMATIONS)
        quote.wait(BLOCK, note=words)
    else:
        # A reorganisation has dropped it, or it paid another quote of this wallet.
        quote.move("open", why="The chain does not show the payment any more.")


def finalize(quote: Quote) -> None:
    """`settled` and `final`: count what else comes, and look once more when the chain is final."""
    with Chain() as chain:
        head = chain.head()
        search(chain, quote, head)
        _count(chain, quote, _payments(chain, quote, head), head)
        dropped = _dropped(chain, quote)
    if dropped and settings.CHAIN_WITNESS_URL:
        with Chain(settings.CHAIN_WITNESS_URL) as witness:
            if _dropped(witness, quote) != dropped:
                raise _not_witnessed(quote)
    if dropped is None or quote.hints.unanswered():
        quote.wait(_pause(quote))
    elif dropped:
        with transaction.atomic():
            for transfer in dropped:
                Entry.reverse(transfer, _("Base has dropped this payment."))
            quote.rest("reversed", "The chain has dropped it.")
        logger.critical("Reversed %s: the chain has dropped %s", quote, dropped)
    else:
        quote.rest("final", "The chain is final.")


def _payments(chain: Chain, quote: Quote, head: Block) -> list[Payment]:
    """Look at every transaction that may pay the quote; refuse those that cannot."""
    payments = []
    for hint in quote.hints.unanswered():
        found = chain.transaction(hint.hash)
        if found is None:
            _refuse_lost(chain, quote, hint, head)
            continue
        match verify(chain, quote, found, head):
            case Succeeded(payment):
                payments.append(payment)
            case Failed(reason):
                hint.refuse(reason)
            case Pending():
                Hint.objects.filter(pk=hint.pk, nonce=None).update(nonce=found.nonce)
    return payments


def _refuse_lost(chain: Chain, quote: Quote, hint: Hint, head: Block) -> None:
    """Refuse a transaction that the node does not know, when it will not come any more.

    Should it come all the same, the search finds it.
    """
    if hint.nonce is not None:
        # Not at the head: the node that we ask may know the newest block, but not its transactions.
        deep = max(head.number - settings.CONFIRMATIONS, 0)
        if chain.count(quote.payer, deep) > hint.nonce:
            hint.refuse(_("Your wallet has replaced or cancelled this transaction."))
            return
    if quote.claimed_at - hint.created_at > LOST:
        hint.refuse(_("Base does not know this transaction. If it comes after all, we find it."))


def _count(chain: Chain, quote: Quote, payments: list[Payment], head: Block) -> bool:
    """Count the payments that are deep enough. Returns whether there was one.

    Raises `TryAgainLater` while a second node shows anything else.
    """
    deep = [
        payment for payment in payments if confirmations(payment, head) >= settings.CONFIRMATIONS
    ]
    if not all(is_witnessed(quote, payment) for payment in deep):
        raise _not_witnessed(quote)
    for payment in deep:
        priced = Quote.objects.pricing(quote.wallet, payment.block_at, payment.wei).first()
        rate = priced.rate if priced else chain.price(quote.claimed_at)
        note = "" if priced else _("It came late and counts at the price of the day.")
        _book(payment, priced or quote, rate, note)
        if priced and priced != quote:
            priced.wake()
            nudge(priced)
    return bool(deep)


def _book(payment: Payment, quote: Quote, rate: Rate, note: str) -> None:
    """Count a payment, once, however many workers find it at the same time."""
    with transaction.atomic():
        transfer, is_new = Transfer.objects.get_or_create(
            chain_id=quote.chain_id,
            hash=payment.hash,
            index=0,
            defaults={
                "quote": quote,
                "block_number": payment.block_number,
                "block_hash": payment.block_hash,
                "block_at": payment.block_at,
                "payer": quote.payer,
                "recipient": quote.recipient,
                "wei": payment.wei,
            },
        )
        if is_new:
            Entry.deposit(transfer, quote.wallet, rate, note)


def _dropped(chain: Chain, quote: Quote) -> list[Transfer] | None:
    """Return the transfers that the final chain does not have; None while it does not decide."""
    final = chain.head("finalized")
    dropped = []
    for transfer in quote.transfers.all():
        block = chain.block(transfer.block_number)
        if block is None or transfer.block_number > final.number:
            return None
        if block.hash == transfer.block_hash:
            continue
        receipt = chain.receipt(transfer.hash)
        if receipt is None and chain.transaction(transfer.hash):
            return None  # It waits for a block again.
        if receipt and receipt.block_number > final.number:
            return None
        if receipt and receipt.succeeded:
            logger.warning("%s is in block %s now", transfer, receipt.block_number)
        else:
            dropped.append(transfer)
    return dropped


def _not_witnessed(quote: Quote) -> TryAgainLater:
    logger.error("The two nodes of Base do not show the same of %s", quote)
    return TryAgainLater(_("Waiting until a second node of Base shows the same."))


def _note(quote: Quote) -> str:
    return _("Waiting for Base to take your transaction") if quote.hints.unanswered() else ""


def _pause(quote: Quote) -> timedelta:
    """How long until the next look: with every block while the owner waits, rarely later."""
    hint = quote.hints.unanswered().last()
    if hint and quote.claimed_at - hint.created_at < YOUNG:
        return BLOCK
    if quote.status == "open":
        return timedelta(seconds=10)
    if quote.status == "settled":
        return timedelta(seconds=30)
    is_just_over = quote.claimed_at < quote.expires_at + timedelta(hours=1)
    return timedelta(minutes=1) if is_just_over else timedelta(minutes=10)
