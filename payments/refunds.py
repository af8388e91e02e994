"""Money on its way back: a balance that an operator pays out in ETH.

The ledger's entry, the reserved nonce and the signed transaction are kept in one transaction of the
database, before anything is sent. After that nothing is decided any more: the same bytes are sent
until the chain shows what became of them, and the chain takes at most one transaction of a nonce.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Max, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from loratrainer.jobs import PAUSES, Job, JobQuerySet
from loratrainer.tasks import nudge
from payments.fields import WholeField
from payments.ledger import HASH, Entry, NotEnough, transaction_url
from payments.rates import Rate
from payments.sending import Fees, Refused, SendingChain
from payments.signing import RefundKey
from payments.templatetags.payments import eth, usd
from wallets.fields import AddressField
from wallets.models import Wallet

logger = logging.getLogger(__name__)

ON_THEIR_WAY = ("broadcasting", "confirming")


class CannotRefund(Exception):
    """The wallet cannot be paid back now; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a refund would be. Nothing is kept or reserved for it."""

    cents: int
    wei: int
    rate: Rate
    gas: int
    fees: Fees
    next_nonce: int
    """The least that the chain would take."""
    mark_block: int
    """At the end of this block no transaction of the account had that nonce."""

    @property
    def most_wei(self) -> int:
        """What leaves the account at most."""
        return self.wei + self.gas * self.fees.most


class RefundQuerySet(JobQuerySet["Refund"]):
    def newest(self) -> Self:
        """The newest first."""
        return self.order_by("-created_at")

    def on_their_way(self) -> Self:
        """Those that the chain has not decided about."""
        return self.filter(status__in=ON_THEIR_WAY)


class Refund(Job):
    """ETH for a balance, as one signed transaction to the wallet that the balance belongs to.

    It lives `broadcasting -> confirming -> paid`. It has `failed`, and the balance is as before,
    only when the final chain shows that the transaction moved nothing or can never be in a block.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    wallet = models.ForeignKey(Wallet, models.PROTECT, related_name="refunds")
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="payout")
    """What took the cents from the balance."""
    chain_id = models.PositiveBigIntegerField()
    payer = AddressField()
    recipient = AddressField()
    wei = WholeField()
    nonce = models.PositiveBigIntegerField()
    """Which transaction of the payer it is."""
    gas = models.PositiveIntegerField()
    max_fee_wei = WholeField()
    """What one gas may cost at most."""
    tip_wei = WholeField()
    raw = models.BinaryField()
    """The signed transaction: the only thing that is ever sent."""
    hash = models.CharField(max_length=66, unique=True)
    mark_block = models.PositiveBigIntegerField(editable=False)
    """Up to this block nothing had taken the nonce."""
    block_number = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    block_hash = models.CharField(max_length=66, blank=True, editable=False)
    """Which block it was counted in; empty before, and when it failed without one."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    steps: ClassVar[dict[str, str]] = {
        "broadcasting": "payments.refund_steps.broadcast",
        "confirming": "payments.refund_steps.confirm",
        "paid": "payments.refund_steps.finalize",
    }

    objects = RefundQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["chain_id", "payer", "nonce"], name="one_refund_per_nonce"
            ),
            models.UniqueConstraint(
                fields=["wallet"],
                condition=Q(status__in=ON_THEIR_WAY),
                name="one_refund_on_its_way",
            ),
            models.CheckConstraint(condition=Q(wei__gt=0), name="refund_of_something"),
            models.CheckConstraint(condition=Q(hash__regex=HASH), name="refund_hash"),
        )

    def __str__(self) -> str:
        return self.hash

    @classmethod
    def plan(cls, wallet: Wallet, payer: str, cents: int | None = None) -> Plan:
        """Work out what paying back so many US cents would be; without a number, the balance.

        Raises `CannotRefund`, and `TryAgainLater` when the chain or the price is not to be had.
        Asks the chain, so call it outside of transactions.
        """
        cents = cls._payable(wallet, cents)
        with SendingChain() as chain:
            now = Wallet.objects.annotate(now=Now()).values_list("now", flat=True)
            rate = chain.price(now.get(pk=wallet.pk))
            wei = rate.wei_within(cents)
            purse, fees = chain.purse(payer), chain.fees()
            if purse < wei:
                raise _too_little(payer, purse, wei)
            try:
                gas = chain.gas(payer, wallet.address, wei)
            except Refused as exc:
                words = f"{wallet.address} would not receive it. The node says: {exc}"
                raise CannotRefund(words) from exc
            # Not the head itself: a reorganisation may yet put another transaction there.
            mark_block = max(chain.head().number - settings.CONFIRMATIONS, 0)
            # The second one is surely as new as the mark, whichever node has answered the first.
            nonce = max(chain.next_nonce(payer), chain.count(payer, mark_block))
        plan = Plan(cents, wei, rate, gas, fees, nonce, mark_block)
        if purse < plan.most_wei:
            raise _too_little(payer, purse, plan.most_wei)
        return plan

    @classmethod
    def _payable(cls, wallet: Wallet, cents: int | None) -> int:
        balance = Entry.objects.balance_of(wallet)
        if found := cls.objects.on_their_way().filter(wallet=wallet).first():
            words = f"{usd(found.cents)} are on their way to this wallet already, as {found}."
            raise CannotRefund(words)
        if wallet.quotes.filter(status__in=["settled", "final"], due_at__isnull=False).exists():
            raise CannotRefund(
                "A payment of this wallet is not final on Base yet. Try again in half an hour."
            )
        wanted = balance if cents is None else cents
        if not 0 < wanted <= balance:
            raise CannotRefund(f"The balance of this wallet is {usd(balance)}.")
        return wanted

    @classmethod
    def begin(cls, wallet: Wallet, plan: Plan, key: RefundKey) -> Refund:
        """Take the cents from the balance and keep the signed transaction, both or neither.

        Raises `CannotRefund` when the balance has changed meanwhile. A worker sends it; whoever
        comes second waits here, and then finds that nothing is left to pay.
        """
        pk = uuid4()
        try:
            with transaction.atomic():
                entry = Entry.pay_out(wallet, plan.cents, plan.wei, plan.rate, f"payout:{pk}")
                if cls.objects.on_their_way().filter(wallet=wallet).exists():
                    raise CannotRefund("Another refund to this wallet has just begun.")
                nonce = cls._reserve(key.address, plan.next_nonce)
                raw, transaction_hash = key.sign(_transfer(wallet, plan, nonce))
                refund = cls.objects.create(
                    id=pk,
                    status="broadcasting",
                    due_at=Now(),
                    wallet=wallet,
                    entry=entry,
                    chain_id=settings.CHAIN_ID,
                    payer=key.address,
                    recipient=wallet.address,
                    wei=plan.wei,
                    nonce=nonce,
                    gas=plan.gas,
                    max_fee_wei=plan.fees.most,
                    tip_wei=plan.fees.tip,
                    raw=raw,
                    hash=transaction_hash,
                    mark_block=plan.mark_block,
                )
                nudge(refund)
        except NotEnough as exc:
            words = f"The balance has just become smaller; {usd(exc.missing_cents)} are missing."
            raise CannotRefund(words) from exc
        refund.refresh_from_db()
        return refund

    @classmethod
    def _reserve(cls, payer: str, next_nonce: int) -> int:
        """Return the nonce after all of ours; others wait until this transaction has ended."""
        _lock(f"refunds of {payer} on {settings.CHAIN_ID}")
        ours = cls.objects.filter(chain_id=settings.CHAIN_ID, payer=payer)
        last: int | None = ours.aggregate(last=Max("nonce"))["last"]
        return next_nonce if last is None else max(next_nonce, last + 1)

    @property
    def cents(self) -> int:
        """What was taken from the balance, in US cents."""
        return -self.entry.cents

    @property
    def most_wei(self) -> int:
        """What leaves the payer's account at most."""
        return self.wei + self.gas * self.max_fee_wei

    @property
    def state(self) -> str:
        """How far it is, in words for the owner of the wallet."""
        return {
            "paid": _("Paid back to your wallet"),
            "failed": _("Could not be paid back"),
        }.get(self.status, _("On its way to your wallet"))

    @property
    def url(self) -> str:
        """The transaction on the chain's block explorer; nothing when it was in no block."""
        if self.status == "failed" and self.block_number is None:
            return ""
        return transaction_url(self.chain_id, self.hash)

    def give_back(self, why: str, **changes: Any) -> None:
        """End here, and put the cents back on the balance, both or neither.

        Only for what the final chain has decided: after this nothing may take the transaction.
        """
        self.move("failed", due_in=None, why=why, error=why, **changes)

    def moved(self, old: str) -> None:
        """Put the cents back in the transaction that says that they were not paid."""
        if self.status == "failed":
            self.entry.undo(_("The payment to your wallet did not work, so it is here again."))

    def fail(self, reason: str) -> None:
        """Wait instead: whatever breaks here, the chain may still take the transaction."""
        logger.critical("Refund %s does not go on: %s", self, reason)
        self.wait(PAUSES[-1], note=reason)


def _transfer(wallet: Wallet, plan: Plan, nonce: int) -> dict[str, int | str]:
    """The transaction to sign, of type 2 (EIP-1559); the chain's id keeps it on this chain."""
    return {
        "type": 2,
        "chainId": settings.CHAIN_ID,
        "nonce": nonce,
        "to": wallet.address,
        "value": plan.wei,
        "gas": plan.gas,
        "maxFeePerGas": plan.fees.most,
        "maxPriorityFeePerGas": plan.fees.tip,
    }


def _too_little(payer: str, purse: int, wanted: int) -> CannotRefund:
    return CannotRefund(
        f"The account {payer} has {eth(purse)} ETH, and this takes up to {eth(wanted)} ETH. "
        f"Send it {eth(wanted - purse)} ETH more."
    )


def _lock(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
