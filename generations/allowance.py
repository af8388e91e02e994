"""How many batches a wallet may have: so many in any 24 hours, by the database's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from wallets.models import Wallet

WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a wallet has left at this moment."""

    left: int
    """Batches that may be begun now."""
    total: int
    """Batches in any 24 hours."""
    free_at: datetime | None
    """When the next place comes free; None if all are."""
    is_unlimited: bool = False
    """Whether the wallet is exempt; `left` and `total` mean nothing then."""


class LimitReached(Exception):
    """All places of the last 24 hours are taken."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(f"{allowance.total} batches in 24 hours")
        self.allowance = allowance

    @property
    def free_at(self) -> datetime:
        """When the next place comes free."""
        if self.allowance.free_at is None:
            raise ValueError("A limit is reached only when places are taken")
        return self.allowance.free_at


def allowance_of(wallet: Wallet) -> Allowance:
    """What this wallet has left. Only `reserve` may act on it: others begin batches meanwhile."""
    total = settings.GENERATIONS_PER_DAY
    if wallet.is_exempt:
        return Allowance(left=total, total=total, free_at=None, is_unlimited=True)
    taken = list(
        wallet.generations.counted().order_by("created_at").values_list("created_at", flat=True)
    )
    # After the limit was lowered, more than one place must come free before there is one.
    next_free = taken[max(0, len(taken) - total)] + WINDOW if taken else None
    return Allowance(left=max(0, total - len(taken)), total=total, free_at=next_free)


def reserve(wallet: Wallet) -> bool:
    """Make sure of a place; say whether the batch takes one. Raises `LimitReached`.

    To be called behind `take_turn`, in the transaction that then writes the batch.
    """
    allowance = allowance_of(wallet)
    if allowance.is_unlimited:
        return False
    if not allowance.left:
        raise LimitReached(allowance)
    return True


def take_turn(wallet: Wallet) -> None:
    """Wait until nobody else begins a batch for this wallet; ends with the transaction.

    The lock is the weaker one, so that rows that only point at the wallet are not held up.
    """
    Wallet.objects.select_for_update(no_key=True).get(pk=wallet.pk)
