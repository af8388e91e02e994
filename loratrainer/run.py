"""`make run`: the whole site on one machine, from one command, and nothing left behind.

Starts what has no address of its own (Postgres, the sandbox), the web server, a worker and beat,
shows what they print, says the one address when all of them answer, and stops them together.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from types import FrameType

import django
import httpx
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from loratrainer import embedded

django.setup()

from loratrainer.models import Pulse  # noqa: E402 - models want Django to be set up

COLOURS = itertools.cycle(["36", "33", "35", "32", "34"])
STOP_WITHIN = 8.0
"""How long everybody may take to stop, in seconds, before being killed."""
READY_WITHIN = 120.0
ALONE = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
"""A single worker has nobody to greet, and starts two seconds sooner for it."""


class Stopped(Exception):
    """Everything must stop; the message says why."""


class Asked(Stopped):
    """It was wanted."""


class Process:
    """One child in a process group of its own, whose lines are printed under its name."""

    def __init__(self, name: str, *command: str) -> None:
        self.name = name
        self.popen = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-m", *command],
            cwd=settings.BASE_DIR,
            env={"SANDBOX_VAR_DIR": str(settings.VAR_DIR / "sandbox")}
            | os.environ
            | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - runs before any thread of ours starts
        )
        self.colour = next(COLOURS)

    def show_output(self) -> None:
        """Print what it prints, from a thread."""
        Thread(target=self._show_output, daemon=True).start()

    def _show_output(self) -> None:
        for line in self.popen.stdout or ():
            say(self.name, line.decode(errors="replace").rstrip(), self.colour)

    def end(self, within: float) -> None:
        """Wait for it to stop, `within` seconds; then kill what is left of its group."""
        try:
            self.popen.wait(within)
        except subprocess.TimeoutExpired:
            say(self.name, "does not stop and is killed", self.colour)
        with suppress(ProcessLookupError):  # The usual case: the whole group has stopped in time.
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


def say(name: str, line: str, colour: str = "1") -> None:
    """Print a line under a name, in colour on a terminal."""
    label = f"{name:>8} | "
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        label = f"\x1b[{colour}m{label}\x1b[0m"
    print(label + line, flush=True)


def main() -> int:
    """Run until somebody stops us; 0 when that was wanted, 1 when one of us stopped by itself."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    started = time.monotonic()
    try:
        check_ports()
        with postgres(), processes() as children:
            wait_until_ready(children)
            seconds = time.monotonic() - started
            say(
                "ready",
                f"{settings.SITE_NAME} answers at {settings.SITE_URL} after {seconds:.0f} s",
            )
            while True:
                check_alive(children)
                time.sleep(0.3)
    except Stopped as exc:
        say("stopped", str(exc))
        return 0 if isinstance(exc, Asked) else 1


def check_ports() -> None:
    """Raise `Stopped` with the setting that changes it when a port is taken."""
    wanted = {"PORT": settings.PORT}
    if settings.SANDBOXED:
        wanted["SANDBOX_PORT"] = settings.SANDBOX_PORT
    for setting, port in wanted.items():
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError as exc:
                raise Stopped(
                    f"Port {port} is taken. Choose another one: {setting}={port + 1} make run"
                ) from exc


@contextmanager
def postgres() -> Iterator[None]:
    """Start the embedded Postgres unless another is named, and bring the tables up to date."""
    server = None
    if embedded.database_url(settings.VAR_DIR) == settings.DATABASE_URL:
        server = embedded.start_postgres(settings.VAR_DIR)
        say("database", f"PostgreSQL keeps its data in {server.pgdata}")
    try:
        call_command("migrate", interactive=False, verbosity=0)
        if not settings.LOCAL:
            call_command("collectstatic", interactive=False, verbosity=0)
        connection.close()
        yield
    finally:
        if server is not None:
            server.cleanup()


@contextmanager
def processes() -> Iterator[list[Process]]:
    """Start everybody; at the end everybody is gone, children of children too."""
    gunicorn = ["gunicorn", "loratrainer.wsgi", "--bind", f"127.0.0.1:{settings.PORT}"]
    gunicorn += ["--worker-class", "gthread", "--threads", "8", "--graceful-timeout", "2"]
    gunicorn += ["--access-logfile", "-", "--access-logformat", "%(m)s %(U)s%(q)s %(s)s %(M)s ms"]
    gunicorn += ["--no-control-socket"]
    gunicorn += ["--reload"] if settings.LOCAL else []
    celery = ["celery", "-A", "loratrainer"]
    children: list[Process] = []
    try:
        if settings.SANDBOXED:
            children.append(Process("sandbox", "sandbox"))
        children.append(Process("web", *gunicorn))
        children.append(
            Process("worker", *celery, "worker", "--loglevel", "INFO", "-c", "2", *ALONE)
        )
        children.append(Process("beat", *celery, "beat", "--loglevel", "WARNING"))
        for child in children:
            child.show_output()
        yield children
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stop(children)


def stop(children: list[Process]) -> None:
    """Ask everybody to stop, wait, and kill what is left."""
    for child in children:
        # Only the leader is told: Celery and gunicorn stop their own workers, in their own order.
        child.popen.terminate()
    deadline = time.monotonic() + STOP_WITHIN
    for child in children:
        child.end(max(0.0, deadline - time.monotonic()))


def check_alive(children: list[Process]) -> None:
    """Raise `Stopped` when one of the children has ended."""
    for child in children:
        if (code := child.popen.poll()) is not None:
            raise Stopped(f"{child.name} ended with code {code}, so everything stops")


def wait_until_ready(children: list[Process]) -> None:
    """Return when sandbox and web answer and a worker has swept. Raises `Stopped`."""
    addresses = [f"http://127.0.0.1:{settings.PORT}/healthz"]
    if settings.SANDBOXED:
        addresses.append(f"{settings.SANDBOX_URL}/sandbox/health")
    swept = Pulse.objects.filter(name="sweep").values_list("felt_at", flat=True)
    before = swept.first()
    deadline = time.monotonic() + READY_WITHIN
    with httpx.Client(timeout=2, trust_env=False, headers={"Host": settings.SITE_HOST}) as client:
        while addresses or swept.first() == before:
            check_alive(children)
            if addresses and _answers(client, addresses[0]):
                addresses.pop(0)
            if time.monotonic() > deadline:
                who = addresses[0] if addresses else "the worker"
                raise Stopped(f"{who} does not answer after {READY_WITHIN:.0f} s")
            time.sleep(0.2)
    connection.close()


def _answers(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(address).status_code == 200
    except httpx.TransportError:
        return False


def _stop(number: int, frame: FrameType | None) -> None:
    raise Asked(f"Asked to stop by {signal.Signals(number).name}")


def _die_with_parent() -> None:
    """Let Linux end a child when we are killed (prctl(2), PR_SET_PDEATHSIG = 1)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
