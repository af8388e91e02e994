"""What one ether costs, and the arithmetic between US cents and wei: integers only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

WEI = 10**18
"""Wei in one ether."""
CENTS = 100
"""Cents in one US dollar."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A price of ether as Chainlink's feed gave it: US dollars times 10 to the `decimals`."""

    answer: int
    decimals: int
    round_id: int
    updated_at: datetime

    def wei_for(self, cents: int) -> int:
        """Return the least wei that are worth so many US cents: rounded up."""
        return -(-cents * WEI * self._unit // (self.answer * CENTS))

    def wei_within(self, cents: int) -> int:
        """Return the most wei that are worth no more than so many US cents: rounded down."""
        return cents * WEI * self._unit // (self.answer * CENTS)

    def cents_for(self, wei: int) -> int:
        """Return the whole US cents that so many wei are worth: rounded down.

        What `wei_for` asked for gives at least the cents that it was asked with.
        """
        return wei * self.answer * CENTS // (WEI * self._unit)

    @property
    def usd(self) -> Decimal:
        """US dollars for one ether."""
        return Decimal(self.answer).scaleb(-self.decimals)

    @property
    def _unit(self) -> int:
        return int(10**self.decimals)
