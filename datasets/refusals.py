"""Why something is not done to a dataset."""

from __future__ import annotations


class Frozen(Exception):
    """The dataset was trained with and does not change any more."""


class TooMany(Exception):
    """A limit is reached; the message says which."""


class NotReady(Exception):
    """The dataset cannot be trained with yet; the message says why."""
