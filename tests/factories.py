"""Rows for tests: keyword-only, with good defaults, so that a test states only what it is about."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now

from tests.errands.models import Errand


def create_errand(*, status: str = "walking", due: bool = True, **fields: Any) -> Errand:
    """An errand that is due now, unless told otherwise."""
    return Errand.objects.create(status=status, due_at=Now() if due else None, **fields)
