"""The three answers that the outside world can give: not yet, yes with this, no because.

A remote job that ran and failed is an answer, not an exception. The exceptions say that there was
no answer, and what the caller should do about it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pending:
    """Not yet."""

    note: str = ""
    """Shown to the owner while they wait, for example "Third in the queue"."""
    position: int | None = None
    """How many are before it in the queue, if it waits there."""
    percent: int | None = None
    """How far it is, 0 to 100, if the provider says so."""
    log: tuple[str, ...] = ()
    """Every line that the provider has written so far."""


@dataclass(frozen=True, slots=True)
class Succeeded[T]:
    """Yes, with this."""

    result: T


@dataclass(frozen=True, slots=True)
class Failed:
    """No, because."""

    reason: str
    """Shown to the owner."""


type Outcome[T] = Pending | Succeeded[T] | Failed


class TryAgainLater(Exception):
    """The outside world did not answer. The step is run again after a pause."""


class GiveUp(Exception):
    """Asking again cannot help. The message is shown to the owner."""
