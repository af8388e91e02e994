"""The broker of a local installation: kombu's filesystem transport, without its two races.

It creates a file and fills it afterwards, and whoever reads in between finds no JSON; a worker then
ends (kombu 5.6, `kombu/transport/filesystem.py`).
"""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem

PATIENCE = 20
"""How often a table that is just being written is read again, every 50 milliseconds."""


class Channel(filesystem.Channel):
    """Messages that are there whole or not at all, and tables that are waited for."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Fill the file under a name that no reader takes, then give it its own."""
        folder = Path(self.data_folder_out)
        # Readers take the lowest name first; a process that starts later has a later clock here.
        name = f"{time.monotonic_ns() // 1_000_000}_{uuid.uuid4()}"
        part = folder / f"{name}.part"
        part.write_text(json.dumps(payload))
        part.rename(folder / f"{name}.{queue}.msg")

    def get_table(self, exchange: str) -> Any:
        """Return the queues of an exchange."""
        return self._patiently(super().get_table, exchange)

    def _queue_bind(self, exchange: str, *binding: Any) -> None:
        self._patiently(super()._queue_bind, exchange, *binding)

    def _patiently(self, ask: Any, *args: str) -> Any:
        for _turn in range(PATIENCE):
            try:
                return ask(*args)
            except json.JSONDecodeError:
                time.sleep(0.05)
        return ask(*args)


class Transport(filesystem.Transport):
    """To be named in a broker's address as `folder://localhost`."""

    Channel = Channel


TRANSPORT_ALIASES["folder"] = "loratrainer.folder:Transport"
