"""What the sandbox is told when it starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How fast the sandbox works, where it listens and where it keeps its things."""

    port: int = 42000
    """The TCP port on 127.0.0.1; every outside world is a path below it."""
    var: Path = Path("var/sandbox")
    """The folder of jobs, files, the journal and the chain's state; made when missing."""
    training_in: float = 20.0
    """How long a training takes, in seconds."""
    generation_in: float = 3.0
    """How long a batch of images takes, in seconds."""
    block_in: float = 2.0
    """The time between two blocks of the chain, in seconds; Base's is 2."""

    @property
    def url(self) -> str:
        """The address of the sandbox, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    def from_environment(cls) -> Config:
        """Read `SANDBOX_PORT`, `SANDBOX_VAR_DIR` and the three durations."""
        return cls(
            port=int(os.environ.get("SANDBOX_PORT", "42000")),
            var=Path(os.environ.get("SANDBOX_VAR_DIR", "var/sandbox")),
            training_in=float(os.environ.get("SANDBOX_TRAINING_SECONDS", "20")),
            generation_in=float(os.environ.get("SANDBOX_GENERATION_SECONDS", "3")),
            block_in=float(os.environ.get("SANDBOX_BLOCK_SECONDS", "2")),
        )


CONFIG = web.AppKey("config", Config)
