"""The ledger: what the chain has shown, and what that and our work moved on the wallets' balances.

Rows are added and never changed; a trigger of the database refuses the rest (see the migration).
Whoever must correct something adds an adjustment.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from loratrainer.bells import ring
from payments.fields import NullWholeField, WholeField
from payments.rates import Rate
from wallets.fields import AddressField
from wallets.models import EXPLORERS, Wallet

if TYPE_CHECKING:
    from payments.refunds import Refund

HASH = r"^0x[0-9a-f]{64}$"
"""The hash of a transaction or a block."""


def transaction_url(chain_id: int, transaction_hash: str) -> str:
    """Return the address of a transaction on the chain's block explorer."""
    return f"{EXPLORERS.get(chain_id, EXPLORERS[8453])}/tx/{transaction_hash}"


class Transfer(models.Model):
    """ETH that reached us, as the chain showed it when it was counted."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    quote = models.ForeignKey("payments.Quote", models.PROTECT, related_name="transfers")
    """The quote that it pays; it may have come too late for its price."""
    chain_id = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=66)
    index = models.PositiveIntegerField(default=0)
    """Which transfer of the transaction it is; a plain one has only this."""
    block_number = models.PositiveBigIntegerField()
    block_hash = models.CharField(max_length=66)
    block_at = models.DateTimeField()
    payer = AddressField()
    recipient = AddressField()
    wei = WholeField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["chain_id", "hash", "index"], name="one_row_per_transfer"
            ),
            models.CheckConstraint(condition=Q(wei__gt=0), name="transfer_of_something"),
            models.CheckConstraint(
                condition=Q(hash__regex=HASH, block_hash__regex=HASH), name="transfer_hashes"
            ),
        )

    def __str__(self) -> str:
        return self.cause

    @property
    def cause(self) -> str:
        """What the entries of this transfer are booked under."""
        return f"transfer:{self.chain_id}:{self.hash}:{self.index}"

    @property
    def url(self) -> str:
        """The transaction on the chain's block explorer."""
        return transaction_url(self.chain_id, self.hash)


class NotEnough(Exception):
    """The balance does not allow the charge; `missing_cents` is what it lacks, in US cents."""

    def __init__(self, missing_cents: int) -> None:
        super().__init__(missing_cents)
        self.missing_cents = missing_cents


class EntryQuerySet(models.QuerySet["Entry"]):
    def newest(self) -> Self:
        """The newest first."""
        return self.order_by("-created_at", "-pk")

    def total(self) -> int:
        """Return the sum of these entries in US cents."""
        none = models.Value(0, output_field=WholeField())
        cents: int = self.aggregate(sum=Coalesce(models.Sum("cents"), none))["sum"]
        return cents

    def balance_of(self, wallet: Wallet) -> int:
        """Return the balance of a wallet in US cents; only a reversed payment makes it negative."""
        return self.filter(wallet=wallet).total()


class Entry(models.Model):
    """A movement on the balance of a wallet, in US cents."""

    class Kind(models.TextChoices):
        DEPOSIT = "deposit", _("Payment")
        CHARGE = "charge", _("Charge")
        REFUND = "refund", _("Refund")
        ADJUSTMENT = "adjustment", _("Adjustment")
        PAYOUT = "payout", _("Paid back")

    wallet = models.ForeignKey(Wallet, models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=10, choices=Kind)
    cents = WholeField()
    """Positive in favour of the wallet."""
    wei = NullWholeField(null=True, blank=True)
    rate = models.DecimalField(max_digits=40, decimal_places=18, null=True, blank=True)
    """US dollars for one ether, where wei were turned into cents."""
    cause = models.CharField(max_length=200)
    """What it is booked for, such as "training:<uuid>:1"; each has one entry of a kind."""
    transfer = models.ForeignKey(
        Transfer, models.PROTECT, null=True, blank=True, related_name="entries"
    )
    actor = models.ForeignKey(Wallet, models.PROTECT, null=True, blank=True, related_name="+")
    """The admin who booked it; empty when the rules of the house did."""
    note = models.CharField(max_length=200, blank=True)
    """For the owner of the wallet."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = EntryQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["kind", "cause"], name="one_entry_per_cause"),
            models.CheckConstraint(
                # A payment of less than a cent moves nothing, and is kept all the same.
                condition=Q(kind="deposit", cents__gte=0, transfer__isnull=False)
                | Q(kind="charge", cents__lt=0)
                | Q(kind="refund", cents__gt=0)
                | Q(kind="payout", cents__lt=0)
                | Q(kind="adjustment"),
                name="entry_moves_the_right_way",
            ),
        )
        indexes = (models.Index(fields=["wallet", "created_at"], name="entry_of_wallet"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.cause}"

    @property
    def on_chain(self) -> Transfer | Refund | None:
        """What brought or takes its ETH: both have a `hash` and a `url`."""
        refund: Refund | None = getattr(self, "payout", None)
        return self.transfer or refund

    @property
    def title(self) -> str:
        """What it is, for the owner of the wallet: a payout says how far it is."""
        refund: Refund | None = getattr(self, "payout", None)
        return refund.state if refund else self.get_kind_display()

    @classmethod
    def charge(cls, wallet: Wallet, cents: int, cause: str, note: str = "") -> Entry | None:
        """Take US cents from the balance, once per cause; exempt wallets pay nothing (None).

        Raises `NotEnough`. Charges of one wallet wait for each other until their transactions end.
        """
        if cents <= 0:
            raise ValueError(f"{cents} cents are no charge")
        if wallet.is_exempt:
            return None
        with transaction.atomic():
            Wallet.objects.select_for_update().get(pk=wallet.pk)
            if charged := cls.objects.filter(kind=cls.Kind.CHARGE, cause=cause).first():
                if (charged.wallet_id, charged.cents) != (wallet.pk, -cents):
                    raise ValueError(f"{cause} has been charged otherwise")
                return charged
            missing = cents - cls.objects.balance_of(wallet)
            if missing > 0:
                raise NotEnough(missing)
            return cls.objects.create(
                wallet=wallet, kind=cls.Kind.CHARGE, cents=-cents, cause=cause, note=note
            )

    @classmethod
    def refund(cls, cause: str, note: str = "") -> Entry | None:
        """Give back what was charged for this cause, once; None when nothing was.

        Call it in the transaction that moves what was charged for.
        """
        charged = cls.objects.filter(kind=cls.Kind.CHARGE, cause=cause).first()
        if charged is None:
            return None
        refund, _created = cls.objects.get_or_create(
            kind=cls.Kind.REFUND,
            cause=cause,
            defaults={"wallet_id": charged.wallet_id, "cents": -charged.cents, "note": note},
        )
        return refund

    @classmethod
    def pay_out(cls, wallet: Wallet, cents: int, wei: int, rate: Rate, cause: str) -> Entry:
        """Take from the balance what the chain brings back to the wallet, exempt or not.

        Call it in the transaction that keeps the `Refund`. Raises `NotEnough`.
        """
        with transaction.atomic():
            Wallet.objects.select_for_update().get(pk=wallet.pk)
            missing = cents - cls.objects.balance_of(wallet)
            if missing > 0:
                raise NotEnough(missing)
            return cls.objects.create(
                wallet=wallet,
                kind=cls.Kind.PAYOUT,
                cents=-cents,
                wei=wei,
                rate=rate.usd,
                cause=cause,
            )

    @classmethod
    def deposit(cls, transfer: Transfer, wallet: Wallet, rate: Rate, note: str = "") -> Entry:
        """Add what a transfer is worth at this rate, in whole US cents, and ring for the wallet.

        Raises `IntegrityError` when the transfer has been counted before.
        """
        entry = cls.objects.create(
            wallet=wallet,
            kind=cls.Kind.DEPOSIT,
            cents=rate.cents_for(transfer.wei),
            wei=transfer.wei,
            rate=rate.usd,
            cause=transfer.cause,
            transfer=transfer,
            note=note,
        )
        transaction.on_commit(partial(ring, settings.DEPOSIT_BELLS, wallet.pk), robust=True)
        return entry

    @classmethod
    def reverse(cls, transfer: Transfer, note: str = "") -> Entry:
        """Take back, once, what a transfer gave that the chain has dropped for good."""
        return cls.objects.get(kind=cls.Kind.DEPOSIT, transfer=transfer).undo(note)

    def undo(self, note: str = "") -> Entry:
        """Book the opposite, once: what the chain moved or should have moved, it did not."""
        entry, _created = Entry.objects.get_or_create(
            kind=self.Kind.ADJUSTMENT,
            cause=f"reversal:{self.cause}",
            defaults={
                "wallet_id": self.wallet_id,
                "cents": -self.cents,
                "wei": self.wei,
                "rate": self.rate,
                "transfer": self.transfer,
                "note": note,
            },
        )
        return entry
