"""Bells: functions that the settings name by dotted path, and that are told of what happens below.

Whoever rings knows nothing of who listens, so a bug there must not undo what happened here: each
has a savepoint of its own, and one that fails is written into the log and undone alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.db import OperationalError, transaction
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)


def ring(paths: Iterable[str], key: object) -> None:
    """Tell each of these functions the key of what has happened. Raises what `told` raises."""
    for path in paths:
        told(import_string(path), key)


def told(listener: Callable[..., object], *said: Any, **more: Any) -> None:
    """Call a function inside the present transaction, or in one of its own.

    Raises `OperationalError` alone: a database that is away or in a deadlock may be well the next
    time, so that whatever is going on should begin anew then, with all that belongs to it.
    """
    try:
        with transaction.atomic():
            listener(*said, **more)
    except OperationalError:
        raise
    except Exception:
        logger.exception("%s did not hear what happened", listener)
