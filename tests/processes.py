"""Real processes for tests: started, waited for, and gone when the test is."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from django.db import connection

ALONE = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
ROOT = Path(__file__).resolve().parent.parent


def wait_until(condition: Callable[[], object], *, within: float = 60, what: str = "") -> None:
    """Ask every 50 ms until the condition holds. Raises AssertionError after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"Not within {within} s: {what or condition}")
        time.sleep(0.05)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def database_url() -> str:
    """The address of the database that this test uses, for other processes."""
    settings = connection.settings_dict
    who = f"{settings['USER']}:{settings['PASSWORD']}".rstrip(":")
    where = f"{quote(settings['HOST'], safe='')}:{settings['PORT']}".rstrip(":")
    return f"postgresql://{who}@{where}/{settings['NAME']}"


def worker_environment(**settings: str) -> dict[str, str]:
    """The environment of a process that works on this test's database."""
    return os.environ | {"DATABASE_URL": database_url(), "PYTHONPATH": str(ROOT)} | settings


@contextmanager
def running(
    *command: str, env: dict[str, str], log: Path, ready: Callable[[], object] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own; the whole group is killed at the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=env, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
        try:
            if ready is not None:
                wait_until(lambda: ready() or process.poll() is not None, what=" ".join(command))
                assert process.poll() is None, log.read_text()
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def worker(env: dict[str, str], log: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker."""
    command = [sys.executable, "-m", "celery", "-A", "loratrainer", "worker", "-l", "INFO", *ALONE]
    with running(
        *command,
        *options,
        env=env,
        log=log,
        ready=lambda: b" ready." in log.read_bytes(),
    ) as process:
        yield process


@contextmanager
def worker_with_beat(
    env: dict[str, str], log: Path, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker whose beat is a child of it: two of our processes start slower."""
    schedule = str(log.with_suffix(".schedule"))
    with worker(env, log, "--beat", "--schedule", schedule, *options) as process:
        yield process


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A real Redis, with nothing kept on disk; gives its address."""
    port = free_port()
    binary = shutil.which("redis-server")
    assert binary is not None, "redis-server is missing; `make test` installs it"

    def answers() -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0

    with running(
        binary,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
        env=dict(os.environ),
        log=folder / "redis.log",
        ready=answers,
    ):
        yield f"redis://127.0.0.1:{port}/0"
