"""Outgoing connections are opened in named places only.

Addresses that a person or a provider gave us go through `loratrainer.fetching`. Any other module
that talks to the outside is listed here, and asks addresses that the settings name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
APART = {"sandbox", "tests", "benchmarks"}

CLIENTS = {
    "aiohttp",
    "fal_client",
    "ftplib",
    "http.client",
    "httpcore",
    "httpx",
    "replicate",
    "requests",
    "smtplib",
    "socket",
    "urllib.request",
    "urllib3",
    "web3",
    "websockets",
    "xmlrpc.client",
}
"""Modules that open connections: of the standard library, and those that are installed."""

ALLOWED = [
    ("loratrainer/fetching.py", {"httpcore", "httpx", "socket"}, "the guarded client itself"),
    ("loratrainer/posting.py", {"httpcore"}, "its other half, with the same guards"),
    ("loratrainer/addresses.py", {"httpx"}, "takes URLs apart, asks nobody"),
    ("loratrainer/run.py", {"httpx", "socket"}, "the processes that it starts on this machine"),
    ("providers/*.py", {"fal_client", "httpx", "replicate"}, "the addresses in the settings"),
    ("payments/chain.py", {"httpx", "web3"}, "the chain's address in the settings"),
    ("payments/sending.py", {"web3"}, "the chain's address in the settings"),
    ("wallets/*.py", {"httpx", "web3"}, "the chain's address in the settings"),
    ("wallets/mail.py", {"smtplib"}, "the mail server in the settings"),
]
"""Files, what they may import, and the addresses that they ask with it."""


def packages() -> list[Path]:
    """Our packages: all folders with an `__init__.py`, so that none can be forgotten."""
    return [init.parent for init in ROOT.glob("*/__init__.py") if init.parent.name not in APART]


def imported(source: str) -> Iterator[str]:
    """Every name that the source imports, wherever in the file, as "module" or "module.name"."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from (f"{module}.{name.name}" for name in names)
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module


def clients(source: str) -> set[str]:
    """The modules that open connections among what the source imports, or imports the parent of."""
    return {
        client
        for name in imported(source)
        for client in CLIENTS
        if f"{name}.".startswith(f"{client}.") or f"{client}.".startswith(f"{name}.")
    }


def unlisted(path: PurePosixPath, source: str) -> set[str]:
    """The clients that the source imports and the list does not let this file import."""
    whole = "/" / path  # A pattern that begins at the root has to match every part of it.
    allowed = [modules for pattern, modules, _ in ALLOWED if whole.match(f"/{pattern}")]
    return clients(source).difference(*allowed)


def test_only_the_listed_files_open_connections():
    sources = [path for package in packages() for path in package.rglob("*.py")]
    assert ROOT / "loratrainer" / "fetching.py" in sources
    assert {
        str(path.relative_to(ROOT)): found
        for path in sources
        if (found := unlisted(PurePosixPath(path.relative_to(ROOT)), path.read_text()))
    } == {}


@pytest.mark.parametrize(
    "source",
    [
        "import requests",
        "import requests as r",
        "import json, requests",
        "from requests import get",
        "from requests.adapters import HTTPAdapter",
        "import urllib.request",
        "import urllib.request as u",
        "from urllib import request",
        "from urllib.request import urlopen",
        "import urllib",
        "import http.client",
        "from http import client",
        "import urllib3",
        "import httpx",
        "import httpx._client",
        "import httpcore",
        "import aiohttp",
        "import socket",
        "from socket import create_connection",
        "import fal_client",
        "import web3",
        "def later():\n    import httpx",
        "try:\n    import httpx\nexcept ImportError:\n    pass",
        "import importlib\nimportlib.import_module('httpx')",
        "from importlib import import_module\nimport_module('urllib.request')",
        "__import__('socket')",
    ],
)
def test_a_planted_import_is_found(source):
    assert unlisted(PurePosixPath("datasets/views.py"), source)


@pytest.mark.parametrize(
    "source",
    [
        "from urllib.parse import urlsplit",
        "import urllib.parse",
        "from http import HTTPStatus",
        "from loratrainer.fetching import fetch",
        "from . import requests",
        "requests = []",
        "# import requests",
        "import socketserver_like",
    ],
)
def test_what_opens_no_connection_is_left_alone(source):
    assert not unlisted(PurePosixPath("datasets/views.py"), source)


def test_a_listed_file_may_import_what_is_listed_for_it_and_no_more():
    assert not unlisted(PurePosixPath("providers/fal.py"), "import httpx, fal_client")
    assert unlisted(PurePosixPath("providers/fal.py"), "import httpx, requests") == {"requests"}
    assert unlisted(PurePosixPath("providers/inner/fal.py"), "import httpx") == {"httpx"}
    assert unlisted(PurePosixPath("datasets/providers/fal.py"), "import httpx") == {"httpx"}
    assert unlisted(PurePosixPath("payments/views.py"), "import web3") == {"web3"}
