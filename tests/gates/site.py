"""The site as it is deployed: gunicorn, packed static files, a database with things in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from tests.processes import ROOT, free_port, running


@dataclass(frozen=True)
class Prepared:
    """A database, static files, and what the seed has put there."""

    environment: dict[str, str]
    folder: Path
    public: dict[str, str]
    """The pages that everybody may see: their paths, by what they are."""
    own: dict[str, str]
    """The pages of somebody who is signed in."""
    session: str
    """Their cookie."""

    @contextmanager
    def served(self, url: str, port: int) -> Iterator[str]:
        """Start the web server on a port of 127.0.0.1, for people who open it at `url`."""
        gunicorn = [sys.executable, "-m", "gunicorn", "loratrainer.wsgi", "--no-control-socket"]
        gunicorn += ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8"]
        with running(
            *gunicorn,
            env=self.environment | {"SITE_URL": url},
            log=self.folder / f"web-{port}.log",
            ready=lambda: answers(port),
        ):
            yield url


def answers(port: int) -> bool:
    """Whether the web server on this port is there."""
    try:
        address = f"http://127.0.0.1:{port}/healthz"
        headers = {"Host": "localhost", "X-Forwarded-Proto": "https"}
        return httpx.get(address, headers=headers, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def prepared(folder: Path) -> Iterator[Prepared]:
    """A database of its own beside that of the tests, and everything that the pages show."""
    name = f"gates_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    server = os.environ["DATABASE_URL"]
    environment = os.environ | {
        "DATABASE_URL": f"{server.rpartition('/')[0]}/{name}",
        "DJANGO_SETTINGS_MODULE": "tests.gates.settings",
        "SECRET_KEY": "a-key-that-is-only-known-to-everybody-who-reads-this",
        "VAR_DIR": str(folder / "var"),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "LOG_LEVEL": "WARNING",
        # Nobody listens there: the pages of a deployment do not need the sandbox.
        "SANDBOX_PORT": str(free_port()),
    }
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    try:
        seeded = subprocess.run(
            [sys.executable, "-m", "tests.gates.seed"],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert seeded.returncode == 0, seeded.stderr
        yield Prepared(environment, folder, **json.loads(seeded.stdout))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
