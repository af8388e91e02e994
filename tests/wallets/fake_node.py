"""A node of the chain that answers as a test tells it to, right or wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Any

from tests.http_server import served

MAGIC = "0x1626ba7e" + "00" * 28
"""What `isValidSignature` returns for a good signature (EIP-1271), as an answer of `eth_call`."""

type Answer = dict[str, Any] | bytes | int | None
"""A JSON-RPC result or error; raw bytes; an HTTP status; or None for no answer at all."""


class FakeNode:
    """Answers `eth_call` with what `call` returns, and keeps what it was asked."""

    def __init__(self) -> None:
        self.chain_id = 8453
        self.call: Callable[[dict[str, str]], Answer] = lambda call: {"result": MAGIC}
        self.asked: list[tuple[str, list[Any]]] = []
        self.url = ""
        self.over = Event()

    def answer(self, method: str, params: list[Any]) -> Answer:
        self.asked.append((method, params))
        return {"result": hex(self.chain_id)} if method == "eth_chainId" else self.call(params[0])

    @property
    def calls(self) -> list[dict[str, str]]:
        """The transactions of every `eth_call`."""
        return [params[0] for method, params in self.asked if method == "eth_call"]


@contextmanager
def running_node() -> Iterator[FakeNode]:
    """A fake node on a port of its own."""
    node = FakeNode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = node.answer(asked.get("method", "no JSON-RPC"), asked.get("params", [{}]))
            if answer is None:
                node.over.wait(10)
                return
            if isinstance(answer, int):
                self.send_error(answer)
                return
            if isinstance(answer, dict):
                answer = json.dumps({"jsonrpc": "2.0", "id": asked.get("id")} | answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            # Whoever asked may have heard enough.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(answer)

        def log_message(self, *args: object) -> None: ...

    with served(Handler) as node.url:
        try:
            yield node
        finally:
            node.over.set()
