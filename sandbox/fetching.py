"""Fetches what a job was given: archives, pictures, weights. Only from this machine."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

LIMIT = 600 * 2**20
"""The largest file, in bytes, that a job may be given."""
REDIRECTS = 3
PAUSES = (0.1, 0.3, 0.6)
"""Seconds between the attempts to reach a server."""
TIMEOUT = aiohttp.ClientTimeout(total=120, connect=5, sock_read=20)

SESSION = web.AppKey("session", aiohttp.ClientSession)


class CannotFetch(Exception):
    """The address did not give the file; the message says why."""


def is_local(url: str) -> bool:
    """Say whether an http address leads to this machine and nowhere else."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"}:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def fetch(session: aiohttp.ClientSession, url: str, to: Path) -> None:
    """Write the file at an http or `data:` address to a path. Raises `CannotFetch`."""
    if url.startswith("data:"):
        to.write_bytes(_decoded(url))
        return
    # A server that refuses connections may be starting: after a restart it is the sandbox itself.
    for pause in (*PAUSES, None):
        try:
            await _follow(session, url, to)
        except aiohttp.ClientConnectorError as error:
            if pause is None:
                raise CannotFetch("The server cannot be reached") from error
            await asyncio.sleep(pause)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise CannotFetch(f"The download broke off ({type(error).__name__})") from error
        else:
            return


async def _follow(session: aiohttp.ClientSession, url: str, to: Path) -> None:
    for _ in range(REDIRECTS + 1):
        if not is_local(url):
            raise CannotFetch("The sandbox only fetches from this machine")
        async with session.get(url, allow_redirects=False) as response:
            if response.status in {301, 302, 303, 307, 308}:
                url = str(response.url.join(URL(response.headers.get("Location", ""))))
                continue
            if response.status != 200:
                raise CannotFetch(f"The server answered {response.status}")
            return await _write(response, to)
    raise CannotFetch("Too many redirects")


async def _write(response: aiohttp.ClientResponse, to: Path) -> None:
    size = 0
    with to.open("wb") as file:
        async for chunk in response.content.iter_chunked(2**18):
            size += len(chunk)
            if size > LIMIT:
                raise CannotFetch("The file is too large")
            file.write(chunk)


def _decoded(url: str) -> bytes:
    try:
        return base64.b64decode(url.partition(";base64,")[2], validate=True)
    except binascii.Error as error:
        raise CannotFetch("The data address cannot be read") from error


async def _session(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        app[SESSION] = session
        yield


def add_routes(app: web.Application) -> None:
    """Open the client when the application starts, and close it when it ends."""
    app.cleanup_ctx.append(_session)
