"""The sandbox as a real process: started on a free port, scripted, killed and started again."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.processes import ROOT, free_port

READY_WITHIN = 60.0
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing is encrypted here, and httpx would read all of them for every request."""


class SandboxProcess:
    """`python -m sandbox` with a folder of its own and short durations, in seconds."""

    def __init__(
        self,
        var: Path,
        *,
        training_in: float = 0.8,
        generation_in: float = 0.3,
        block_in: float = 0.5,
        port: int | None = None,
    ) -> None:
        self.var = var
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "SANDBOX_PORT": str(self.port),
            "SANDBOX_VAR_DIR": str(var),
            "SANDBOX_TRAINING_SECONDS": str(training_in),
            "SANDBOX_GENERATION_SECONDS": str(generation_in),
            "SANDBOX_BLOCK_SECONDS": str(block_in),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the process and wait until it says that it is ready."""
        self.var.mkdir(parents=True, exist_ok=True)
        with (self.var / "sandbox.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sandbox"],
                cwd=ROOT,
                env=os.environ | self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_WITHIN
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                log_text = (self.var / "sandbox.log").read_text(errors="replace")
                raise RuntimeError(f"The sandbox did not start:\n{log_text[-4000:]}")
            time.sleep(0.05)
        return self

    def ready(self) -> bool:
        """Say whether the sandbox answers."""
        try:
            return self._ask("GET", "health").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """Ask the process to end, as an operator would, and wait for it."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Stop and start again: the same port, the same folder."""
        self.stop()
        return self.start()

    def script(self, *rules: dict[str, Any]) -> None:
        """Add rules of misbehaviour; see `sandbox/faults.py` for what they may say."""
        self._ask("POST", "script", json={"rules": rules}).raise_for_status()

    def clear_script(self) -> None:
        """Make the sandbox behave again."""
        self._ask("DELETE", "script").raise_for_status()

    def leave_jobs(self) -> None:
        """Let no job go on: what it says at its end would reach another test."""
        self._ask("DELETE", "jobs").raise_for_status()

    def unmet(self) -> list[dict[str, Any]]:
        """Return the rules that wait for a request still."""
        rules: list[dict[str, Any]] = self._ask("GET", "script").json()
        return rules

    def journal(self) -> list[dict[str, Any]]:
        """Every submission that the sandbox accepted, oldest first."""
        entries: list[dict[str, Any]] = self._ask("GET", "journal").json()
        return entries

    def _ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        url = f"{self.url}/sandbox/{path}"
        return httpx.request(method, url, verify=NO_CERTIFICATES, **body)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=10)
            self.process = None
