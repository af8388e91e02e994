from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.wallets.fake_node import FakeNode, running_node


@pytest.fixture
def node(settings: Any) -> Iterator[FakeNode]:
    """The chain of the settings, played by a test."""
    with running_node() as node:
        settings.CHAIN_RPC_URL = node.url
        yield node
