"""The outside worlds as the settings name them: the sandbox, started once for a test process.

Import what a test module needs: `from tests.world import sandbox, site`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from tests.processes import worker_environment, worker_with_beat
from tests.sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    var = tmp_path_factory.mktemp("world")
    port = django_settings.SANDBOX_PORT
    with SandboxProcess(var, port=port, training_in=0.5, block_in=0.2) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> Iterator[SandboxProcess]:
    """The sandbox without a script before the test and after it, and without jobs after it."""
    sandbox_process.clear_script()
    yield sandbox_process
    sandbox_process.clear_script()
    sandbox_process.leave_jobs()


@pytest.fixture
def site(sandbox: SandboxProcess, live_server: Any, settings: Any) -> str:
    """A web server at `SITE_URL`, where providers fetch archives and ring."""
    settings.SITE_URL = live_server.url
    return str(live_server.url)


@pytest.fixture
def at_work(site: str, tmp_path: Path) -> Iterator[None]:
    """A worker and beat."""
    env = worker_environment(SITE_URL=site, SWEEP_SECONDS="0.5")
    with worker_with_beat(env, tmp_path / "worker.log", "-c", "2"):
        yield
