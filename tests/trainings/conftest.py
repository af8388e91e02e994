from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.factories import create_wallet


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    cache.clear()


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """A disk of the test's own."""
    folder = tmp_path / "media"
    disk = {
        "BACKEND": "datasets.storage.DiskStorage",
        "OPTIONS": {"location": str(folder), "base_url": None},
    }
    settings.STORAGES = settings.STORAGES | {"default": disk}
    return folder


@pytest.fixture
def as_bob(db: None) -> Client:
    """A stranger."""
    client = Client()
    client.force_login(create_wallet())
    return client
