from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from random import Random
from typing import Any

import pytest
from PIL import Image

from tests.http_server import served
from tests.sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as process:
        yield process


@pytest.fixture
def well_behaved(sandbox: SandboxProcess) -> Iterator[SandboxProcess]:
    """The sandbox without a script, before the test and after it."""
    sandbox.clear_script()
    yield sandbox
    sandbox.clear_script()


@dataclass
class Receiver:
    """A web server of the test: keeps what was posted, and serves what `files` holds."""

    url: str
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """The status codes of the next posts; 200 when there are none left."""
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.posts]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.posts.append((dict(self.headers.items()), body))
            status = kept.answers.pop(0) if kept.answers else 200
            self.send_response(status)
            if status in {301, 308}:
                self.send_header("Location", kept.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            body = kept.files.get(self.path)
            if self.path in kept.redirects:
                self.send_response(302)
                self.send_header("Location", kept.redirects[self.path])
            else:
                self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            pass

    with served(Answer) as url:
        kept = Receiver(url)
        yield kept


def eventually(true: Callable[[], object], within: float = 10.0) -> None:
    """Poll until something holds, and fail when it does not in so many seconds."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "It did not come true in time"
        time.sleep(0.02)


def picture(seed: int = 0, size: tuple[int, int] = (320, 240)) -> bytes:
    """A PNG with something to see in it."""
    dice = Random(seed)
    small = Image.new("RGB", (6, 6))
    small.putdata([tuple(dice.randrange(256) for _ in range(3)) for _ in range(36)])
    file = io.BytesIO()
    small.resize(size, Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def archive(count: int = 4, *, first: int = 0, **more: bytes | str) -> bytes:
    """A ZIP of so many pictures, the first with a caption, and of further files by their names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for number in range(count):
            zipped.writestr(f"{number}.png", picture(first + number))
        zipped.writestr("0.txt", "TOK on a table")
        for name, data in more.items():
            zipped.writestr(name, data)
    return file.getvalue()
