"""A wallet, a stranger, and a disk of the test's own: as for trainings."""

from __future__ import annotations

from tests.trainings.conftest import as_bob, fresh_cache, media

__all__ = ["as_bob", "fresh_cache", "media"]
