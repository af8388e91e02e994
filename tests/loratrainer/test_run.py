"""`make run`: it starts everything, says one address, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from loratrainer.embedded import database_url
from tests.processes import ROOT, free_port, wait_until


@dataclass
class Site:
    """`make run`, as a real process with a folder and ports of its own."""

    folder: Path
    port: int = field(default_factory=free_port)
    sandbox_port: int = field(default_factory=free_port)

    @property
    def log(self) -> str:
        return (self.folder / "run.log").read_text()

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return kept | {
            "ENV_FILE": os.devnull,
            "VAR_DIR": str(self.folder / "var"),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            "SWEEP_SECONDS": "0.5",
        }

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start it and wait for the address; whatever the test does, it is gone afterwards."""
        with (self.folder / "run.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "loratrainer.run"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(
                lambda: "answers at" in self.log or process.poll() is not None,
                within=90,
                what="the address",
            )
            assert process.poll() is None, self.log
            yield process
        finally:
            process.kill()
            process.wait()
            for left in self.processes():
                left.kill()

    def processes(self) -> list[psutil.Process]:
        """Everybody who was started by it, found by their environment and not by their parents."""
        mine = f"{self.folder}/var"
        found = []
        for process in psutil.process_iter():
            try:
                names = process.environ().get("VAR_DIR", ""), " ".join(process.cmdline())
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
            if names[0] == mine or mine in names[1]:
                found.append(process)
        return found

    def assert_nothing_is_left(self) -> None:
        wait_until(lambda: not self.processes(), within=5, what=f"an end of {self.processes()}")
        for port in (self.port, self.sandbox_port):
            with socket.socket() as sock:
                assert sock.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_it_says_one_address_keeps_its_data_and_stops_without_a_trace(site: Site) -> None:
    with site.running() as process:
        assert f"LoRA Trainer answers at http://localhost:{site.port} " in site.log
        assert httpx.get(f"http://localhost:{site.port}/", trust_env=False).status_code == 200
        names = {process.name() for process in site.processes()}
        assert {"postgres", "anvil"} <= names
        with psycopg.connect(database_url(site.folder / "var"), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (word text)")
            connection.execute("INSERT INTO kept VALUES ('still here')")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        site.assert_nothing_is_left()
    with site.running() as process:
        with psycopg.connect(database_url(site.folder / "var")) as connection:
            assert connection.execute("SELECT word FROM kept").fetchall() == [("still here",)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        site.assert_nothing_is_left()


@pytest.mark.parametrize("victim", ["sandbox", "gunicorn", "celery"])
def test_when_one_of_its_children_dies_it_says_which_and_stops_the_others(
    victim: str, site: Site
) -> None:
    with site.running() as process:
        children = psutil.Process(process.pid).children()
        [child, *_] = [child for child in children if victim in " ".join(child.cmdline())]
        child.kill()
        assert process.wait(20) == 1
        assert "ended with code -9, so everything stops" in site.log
        site.assert_nothing_is_left()


@pytest.mark.parametrize("setting", ["PORT", "SANDBOX_PORT"])
def test_a_taken_port_is_said_with_the_setting_that_changes_it(setting: str, site: Site) -> None:
    port = site.port if setting == "PORT" else site.sandbox_port
    with socket.create_server(("127.0.0.1", port)):
        done = subprocess.run(
            [sys.executable, "-m", "loratrainer.run"],
            cwd=ROOT,
            env=site.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port} is taken. Choose another one: {setting}={port + 1} make run" in done.stdout
    assert done.stderr == ""
    site.assert_nothing_is_left()
