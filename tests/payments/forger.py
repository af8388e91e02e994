"""A node between us and the chain, which changes what it hands on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx

from tests.http_server import served

type Forgery = Callable[[Any], Any]


class Forger:
    """Answers as the chain does; `forgeries`, by method, make something else of an answer."""

    def __init__(self) -> None:
        self.url = ""
        self.forgeries: dict[str, Forgery] = {}


@contextmanager
def running_forger(chain_url: str) -> Iterator[Forger]:
    """A forger on a port of its own."""
    forger = Forger()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            answer = httpx.post(chain_url, content=question, trust_env=False).json()
            method = json.loads(question)["method"]
            if forge := forger.forgeries.get(method):
                answer["result"] = forge(answer.get("result"))
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None: ...

    with served(Handler) as forger.url:
        yield forger
