from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from payments.models import Quote
from tests.payments.chain_node import ChainNode, connected, quiet_sandbox
from tests.payments.factories import offer
from tests.sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with quiet_sandbox(tmp_path_factory.mktemp("sandbox")) as process:
        yield process


@pytest.fixture
def node(process: SandboxProcess, settings: Any) -> Iterator[ChainNode]:
    """The chain of the settings."""
    with connected(process, settings) as node:
        yield node


@pytest.fixture
def payer(node: ChainNode) -> LocalAccount:
    """An account with ETH."""
    return node.funded()


@pytest.fixture
def quote(db: None, node: ChainNode, payer: LocalAccount) -> Quote:
    """What the payer is asked for."""
    return offer(node, payer)
