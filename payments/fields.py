"""Whole numbers as large as the chain's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.expressions import Expression

    IntegerField = models.Field[int, int]
    NullIntegerField = models.Field[int | None, int | None]
else:
    IntegerField = NullIntegerField = models.Field


class Uint256:
    """An integer of up to 78 digits, which is every uint256: wei, and the cents they are worth.

    Django's own fields end at 64 bits or give Decimals, whose arithmetic rounds at 28 digits.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """As wide as a uint256."""
        return "numeric(78, 0)"

    def from_db_value(
        self, value: Any, expression: Expression, connection: BaseDatabaseWrapper
    ) -> int | None:
        """Return an int."""
        return None if value is None else int(value)

    def to_python(self, value: Any) -> int | None:
        """Return an int."""
        return None if value is None else int(value)


class WholeField(Uint256, IntegerField):
    """A whole number."""


class NullWholeField(Uint256, NullIntegerField):
    """A whole number, or none."""
