"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest
from django.db import connection
from django.test import Client

from tests.factories import create_wallet
from tests.processes import wait_until
from wallets.models import Wallet


@pytest.fixture
def alice(db: None) -> Wallet:
    return create_wallet()


@pytest.fixture
def as_alice(alice: Wallet) -> Client:
    client = Client()
    client.force_login(alice)
    return client


AT_WORK = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


def nobody_asks() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(AT_WORK)
        return cursor.fetchone() == (0,)


def no_browser_asks(port: int) -> bool:
    """Whether the server has come to the end of every request of a browser, also of a closed one.

    The database sees nothing of a request before its first question and between two. Servers and
    workers may stay connected without asking anything.
    """
    return not any(
        (end.laddr.port == port and end.status == psutil.CONN_CLOSE_WAIT)
        or (end.raddr and end.raddr.port == port and is_browser(end.pid))
        for end in psutil.net_connections("tcp")
    )


def is_browser(pid: int | None) -> bool:
    """Chromium has several processes under several names."""
    with suppress(psutil.NoSuchProcess):
        return pid is not None and any(
            name in psutil.Process(pid).name() for name in ("chrom", "headless")
        )
    return False


@pytest.fixture(autouse=True)
def answered(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a server that still answers somebody who has left come to its end.

    The tables are emptied after a test; a question that is asked meanwhile may hold one of them and
    wait for another, and neither would end.
    """
    has_server = "live_server" in request.fixturenames
    if has_server:
        # Whatever is set up after this is taken down before it.
        request.getfixturevalue("transactional_db")
    yield
    if has_server:
        port = request.getfixturevalue("live_server").thread.port
        wait_until(lambda: no_browser_asks(port), what="the end of the last request")
        wait_until(nobody_asks, what="the end of the last question")
