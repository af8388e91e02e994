"""What it costs: quotes, and the ledger of `payments.ledger`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Case, Exists, OuterRef, Q, Value, When
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from loratrainer.jobs import Job, JobQuerySet
from loratrainer.tasks import nudge
from payments.chain import Chain
from payments.fields import WholeField
from payments.ledger import HASH, Entry, NotEnough, Transfer, transaction_url
from payments.rates import Rate
from wallets.fields import AddressField
from wallets.models import Wallet

__all__ = [
    "AlreadyCounted",
    "CannotPay",
    "Entry",
    "Hint",
    "NotEnough",
    "Quote",
    "TooMany",
    "Transfer",
]

CLOCK_SKEW = timedelta(seconds=60)
"""How far a block's moment may lie outside of a quote's and still be within."""
RENEWED_BEFORE = timedelta(minutes=1)
"""A price that holds for less than this is not offered any more."""
WATCHED_FOR = timedelta(days=1)
"""How long after a quote's end its payer is watched."""
QUOTES_PER_DAY = 60
HINTS_PER_QUOTE = 20


class CannotPay(Exception):
    """The wallet cannot pay us; the message is for its owner."""


class TooMany(Exception):
    """The wallet has had its share; the message is for its owner."""


class AlreadyCounted(Exception):
    """The transaction has been counted for another quote."""


class QuoteQuerySet(JobQuerySet["Quote"]):
    def timed(self) -> Self:
        """With the database's time, as `now`."""
        return self.annotate(now=Now())

    def usable(self, wallet: Wallet, usd_cents: int, purpose: str) -> Self:
        """Those that may still be paid, or that a payment is on its way for; the newest first."""
        unanswered = Hint.objects.unanswered().filter(quote=OuterRef("pk"))
        return self.filter(
            Q(status="confirming")
            | Q(status="open", expires_at__gt=Now() + RENEWED_BEFORE)
            | Q(
                Exists(unanswered),
                status__in=["open", "lapsed"],
                expires_at__gt=Now() - WATCHED_FOR,
            ),
            wallet=wallet,
            usd_cents=usd_cents,
            purpose=purpose,
        ).order_by("-created_at")

    def pricing(self, wallet: Wallet, block_at: datetime, wei: int) -> Self:
        """Those whose price holds for what a block of this moment brought; the best one first."""
        return self.filter(
            wallet=wallet,
            created_at__lte=block_at + CLOCK_SKEW,
            expires_at__gte=block_at - CLOCK_SKEW,
        ).order_by(Case(When(wei=wei, then=Value(0)), default=Value(1)), "-created_at")


class Quote(Job):
    """A price in ETH that holds for a while, for one wallet, and the watch for its payment.

    It lives `open -> confirming -> settled -> final`. Unpaid it is `lapsed` and still watched for a
    day, because a late payment is a deposit too. `reversed` says that the chain has dropped a
    payment that it had confirmed.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    wallet = models.ForeignKey(Wallet, models.PROTECT, related_name="quotes")
    payer = AddressField()
    chain_id = models.PositiveBigIntegerField()
    recipient = AddressField()
    purpose = models.CharField(max_length=80)
    """What is paid for, in the owner's words."""
    usd_cents = models.PositiveIntegerField()
    wei = WholeField()
    """What `usd_cents` cost in ETH at the rate, rounded up."""
    rate_answer = WholeField()
    rate_decimals = models.PositiveSmallIntegerField()
    rate_round = WholeField()
    rate_updated_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    mark_block = models.PositiveBigIntegerField(editable=False)
    """Up to this block we know everything that the payer has sent."""
    mark_count = models.PositiveBigIntegerField(editable=False)
    """How many transactions that was, ever: the payer's nonce."""

    now: datetime
    """The database's time; only a `timed` quote has it."""

    steps: ClassVar[dict[str, str]] = {
        "open": "payments.steps.watch",
        "lapsed": "payments.steps.watch",
        "confirming": "payments.steps.confirm",
        "settled": "payments.steps.finalize",
        "final": "payments.steps.finalize",
    }

    objects = QuoteQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = (
            models.CheckConstraint(
                condition=Q(wei__gt=0, usd_cents__gt=0), name="quote_of_something"
            ),
        )
        indexes = (
            *Job.Meta.indexes,
            models.Index(fields=["wallet", "created_at"], name="quote_of_wallet"),
        )

    def __str__(self) -> str:
        return f"{self.id} over {self.usd_cents} cents"

    @classmethod
    def offer(cls, wallet: Wallet, usd_cents: int, purpose: str) -> Quote:
        """Return a quote that the wallet can pay, a new one only when there is none.

        Raises `CannotPay` for contract wallets, `TooMany`, and `TryAgainLater` when the chain or
        the price is not to be had. Asks the chain, so call it outside of transactions.
        """
        if found := cls.objects.usable(wallet, usd_cents, purpose).first():
            return found
        with Chain() as chain:
            if chain.is_contract(wallet.address):
                words = _(
                    "Your wallet is a contract, and payments from contract wallets do not reach us "
                    "yet. Nothing was paid. Connect an ordinary account to pay."
                )
                raise CannotPay(words)
            rate = chain.price(_database_time())
            # Not the head itself: a reorganisation may yet put a payment where it is now.
            mark_block = max(chain.head().number - settings.CONFIRMATIONS, 0)
            mark_count = chain.count(wallet.address, mark_block)
        return cls._create(wallet, usd_cents, purpose, rate, (mark_block, mark_count))

    @classmethod
    def _create(
        cls, wallet: Wallet, usd_cents: int, purpose: str, rate: Rate, mark: tuple[int, int]
    ) -> Quote:
        with transaction.atomic():
            # A double click waits here, and then finds the first one's quote.
            Wallet.objects.select_for_update().get(pk=wallet.pk)
            if found := cls.objects.usable(wallet, usd_cents, purpose).first():
                return found
            today = cls.objects.filter(wallet=wallet, created_at__gt=Now() - timedelta(days=1))
            if today.count() >= QUOTES_PER_DAY:
                raise TooMany(_("You have asked for too many prices today. Try again tomorrow."))
            quote = cls.objects.create(
                status="open",
                due_at=Now() + timedelta(seconds=2),
                wallet=wallet,
                payer=wallet.address,
                chain_id=settings.CHAIN_ID,
                recipient=settings.TREASURY,
                purpose=purpose,
                usd_cents=usd_cents,
                wei=rate.wei_for(usd_cents),
                rate_answer=rate.answer,
                rate_decimals=rate.decimals,
                rate_round=rate.round_id,
                rate_updated_at=rate.updated_at,
                expires_at=Now() + settings.QUOTE_LIFETIME,
                mark_block=mark[0],
                mark_count=mark[1],
            )
            quote.refresh_from_db()
            return quote

    @property
    def rate(self) -> Rate:
        """The price of ether that it was made at."""
        return Rate(self.rate_answer, self.rate_decimals, self.rate_round, self.rate_updated_at)

    @property
    def paid_cents(self) -> int:
        """What has arrived for it, in US cents."""
        return Entry.objects.filter(transfer__quote=self).total()

    def tell(self, transaction_hash: str) -> None:
        """Look at a transaction that may pay this quote; `transaction_hash` is lower case.

        It is a hint and nothing more. Raises `AlreadyCounted` and `TooMany`.
        """
        counted = Transfer.objects.filter(chain_id=self.chain_id, hash=transaction_hash).first()
        if counted and counted.quote_id != self.pk:
            raise AlreadyCounted
        if self.hints.count() >= HINTS_PER_QUOTE:
            raise TooMany(_("Those are more transactions than one payment can have."))
        with transaction.atomic():
            Hint.objects.get_or_create(quote=self, hash=transaction_hash)
            self.wake()
        nudge(self)

    def wake(self) -> None:
        """Make it due now, even if nothing was left to do."""
        Quote.objects.filter(pk=self.pk, status__in=self.steps).update(due_at=Now())

    def rest(self, to: str, why: str) -> None:
        """Move to a status in which nothing is left to do, unless somebody tells us something."""
        self.move(to, due_in=None, why=why)
        # A hint that came while the step ran would wait for ever.
        if self.hints.unanswered().exists():
            self.wake()


class HintQuerySet(models.QuerySet["Hint"]):
    def unanswered(self) -> Self:
        """Those of which we know neither that they pay nor that they do not."""
        counted = Transfer.objects.filter(
            hash=OuterRef("hash"),
            chain_id=OuterRef("quote__chain_id"),
            # One that has paid for somebody else is still to be refused here.
            quote__wallet=OuterRef("quote__wallet"),
        )
        return self.filter(~Exists(counted), refusal="").order_by("pk")


class Hint(models.Model):
    """A transaction that may pay a quote: the browser told us, or we found it on the chain."""

    quote = models.ForeignKey(Quote, models.CASCADE, related_name="hints")
    hash = models.CharField(max_length=66)
    nonce = models.PositiveBigIntegerField(null=True, blank=True)
    """Which transaction of the payer it is; empty until the node has shown it to us."""
    refusal = models.CharField(max_length=200, blank=True)
    """Why it does not pay the quote, in words for the owner."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = HintQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["quote", "hash"], name="one_hint_per_transaction"),
            models.CheckConstraint(condition=Q(hash__regex=HASH), name="hint_hash"),
        )

    def __str__(self) -> str:
        return self.hash

    @property
    def url(self) -> str:
        """The transaction on the chain's block explorer."""
        return transaction_url(self.quote.chain_id, self.hash)

    def refuse(self, words: str) -> None:
        """Say why the transaction does not pay the quote."""
        self.refusal = words
        self.save(update_fields=["refusal"])


def _database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now: datetime = cursor.fetchone()[0]
        return now


# Django finds models in this module only.
from payments.refunds import Refund as Refund  # noqa: E402, PLC0414
