"""The journal: every submission that a provider accepted, in the order of acceptance.

Tests read it as an independent witness of what would have been paid for.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.config import CONFIG


class Journal:
    """A file of JSON lines that is only ever appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, **entry: Any) -> None:
        """Write one line and wait until it is on the disk: the answer comes after the entry."""
        line = json.dumps({**entry, "at": datetime.now(UTC).isoformat()})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> list[dict[str, Any]]:
        """Read all entries, oldest first."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]


JOURNAL = web.AppKey("journal", Journal)


async def read(request: web.Request) -> web.Response:
    """`GET /sandbox/journal`: provider, endpoint, request id, input, webhook URL and moment."""
    return web.json_response(request.app[JOURNAL].entries())


def add_routes(app: web.Application) -> None:
    """Add the journal and the address that reads it."""
    app[JOURNAL] = Journal(app[CONFIG].var / "journal.jsonl")
    app.router.add_get("/sandbox/journal", read)
