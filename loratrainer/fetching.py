"""The one guarded HTTP client for every address that a person or a provider gave us.

It stands on httpcore, which knows no proxies of the environment, no .netrc, no cookies, no
redirects and no decompression; so there is nothing to switch off. What is ours is the network
below it: names are resolved here, judged, and connected to as judged, before a deadline.
"""

from __future__ import annotations

import hashlib
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any

import httpcore
import httpx
from django.utils.formats import localize
from django.utils.translation import gettext as _

from loratrainer.addresses import UNREACHABLE, Refused, check_url, is_own_origin, is_public, refuse
from loratrainer.outcomes import GiveUp, TryAgainLater

__all__ = ["Fetched", "Gone", "Refused", "check_url", "expect_picture", "fetch"]

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
"""For each address of a name, so that one which never answers leaves time for the next."""
IDLE_SECONDS = 30.0
"""For each read: a transfer that stands still for longer is broken."""
PROGRESS_SECONDS = 1.0
HEAD_BYTES = 64
"""At least so many of the first bytes are shown to `expect`, if the file has them."""

REQUEST_HEADERS = [
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", "loratrainer"),
]
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")


class Gone(GiveUp):
    """The server does not hand this address out (any more); a fresh address may still work."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What arrived, all of it."""

    size: int
    """In bytes."""
    sha256: str
    """In hexadecimal digits."""
    content_type: str
    """As the server claims, such as "image/png"; in lower case, empty if it claims none."""


def fetch(  # noqa: PLR0913 -- every guard is named where it is chosen
    url: str,
    *,
    into: IO[bytes],
    allowed: Collection[str],
    max_bytes: int,
    timeout_in: float,
    expect: Callable[[bytes], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Fetched:
    """Stream a file to where `into` stands, in constant memory; it is left after the last byte.

    `allowed` is explained at `check_url`. `timeout_in` is in seconds, for everything together.
    `expect` sees the first bytes before any is written, and raises `Refused` if they are of the
    wrong kind. `progress` is told the bytes so far, at most about once a second and only while
    bytes arrive; what it raises ends the transfer.

    Raises `Refused`, `Gone` (403, 404, 410) or another `GiveUp` (other 4xx): asking again cannot
    help. Raises `TryAgainLater` for whatever may pass: no answer, 5xx, a transfer that is cut off
    or too slow. What was written until then is of no use. Only a server that states no length and
    sends no chunks can be cut off unnoticed (RFC 9112, 6.3): check what a file says of itself.
    """
    checked = check_url(url, allowed=allowed)
    host = checked.raw_host.decode("ascii")
    network = JudgingNetwork(
        time.monotonic() + timeout_in, own_origin=is_own_origin(checked, allowed)
    )
    target = httpcore.URL(
        scheme=checked.raw_scheme, host=checked.raw_host, port=checked.port, target=checked.raw_path
    )
    timeouts = {"connect": CONNECT_SECONDS, "read": IDLE_SECONDS, "write": IDLE_SECONDS}
    try:
        with (
            httpcore.ConnectionPool(network_backend=network) as pool,
            pool.stream(
                "GET", target, headers=REQUEST_HEADERS, extensions={"timeout": timeouts}
            ) as response,
        ):
            headers = httpx.Headers(response.headers)
            _check_answer(response.status, headers, host=host, max_bytes=max_bytes)
            chunks = response.iter_stream()
            if expect is not None:
                chunks = _expected(chunks, expect)
            size, sha256 = _copy(chunks, into, max_bytes=max_bytes, progress=progress)
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        logger.info("Could not load from %.100r: %r.", host, error)
        raise TryAgainLater(UNREACHABLE) from error
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Fetched(size, sha256, content_type if MEDIA_TYPE.fullmatch(content_type) else "")


def expect_picture(head: bytes) -> None:
    """An `expect` for `fetch`: JPEG, PNG or WebP by the first bytes, whatever the server claims.

    Signatures: WHATWG MIME Sniffing, 6.1. Raises `Refused`.
    """
    webp = head[:4] == b"RIFF" and head[8:14] == b"WEBPVP"
    if not (webp or head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))):
        raise Refused(_("This is not a JPEG, PNG or WebP picture."))


def _check_answer(status: int, headers: httpx.Headers, *, host: str, max_bytes: int) -> None:
    """Raise what an answer other than the whole file, as it is and of a fair size, means."""
    if status >= 500 or status in {408, 425, 429}:
        words = _("The server could not send the file just now (HTTP {status}).")
        raise TryAgainLater(words.format(status=status))
    if status in {403, 404, 410}:
        words = _("The file is not at its address any more (HTTP {status}).")
        raise Gone(words.format(status=status))
    if 300 <= status < 400:
        words = _("The address leads to another one, which we do not follow (HTTP {status}).")
        raise refuse(words.format(status=status), host, "redirects")
    if status != 200:
        words = _("The server did not send the file (HTTP {status}).")
        raise GiveUp(words.format(status=status))
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise refuse(_("The server sent a compressed copy only."), host, "compressed")
    # The length is only a promise, which may save the transfer; what arrives is counted as well.
    if int(headers.get("Content-Length", "0")) > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> Refused:
    size = localize(Decimal(f"{max_bytes / 1_000_000:.3g}"))
    return Refused(_("The file is larger than {size} MB.").format(size=size))


def _expected(chunks: Iterable[bytes], expect: Callable[[bytes], None]) -> Iterator[bytes]:
    """The same bytes, after the first of them have been shown to `expect`."""
    rest = iter(chunks)
    head = b""
    for chunk in rest:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    expect(head)
    yield head
    yield from rest


def _copy(
    chunks: Iterable[bytes],
    into: IO[bytes],
    *,
    max_bytes: int,
    progress: Callable[[int], None] | None,
) -> tuple[int, str]:
    """Write the chunks; return the count of bytes and their SHA-256."""
    digest = hashlib.sha256()
    size = 0
    told_at = time.monotonic()
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        digest.update(chunk)
        into.write(chunk)
        if progress is not None and time.monotonic() - told_at >= PROGRESS_SECONDS:
            progress(size)
            told_at = time.monotonic()
    return size, digest.hexdigest()


class JudgingNetwork(httpcore.NetworkBackend):
    """Resolves a name once, judges every answer, and connects to a judged address by number.

    The name is kept by httpcore for TLS and the Host header, so the certificate must be that of
    the name. `ends_at` is on the clock `time.monotonic`, in seconds.
    """

    def __init__(self, ends_at: float, *, own_origin: bool) -> None:
        self._network = httpcore.SyncBackend()
        self._ends_at = ends_at
        self._own_origin = own_origin

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises `Refused` if one answer is not public, else what httpcore raises."""
        failure: Exception = httpcore.ConnectError("The name has no address.")
        for address in self._resolve(host, port):
            try:
                stream = self._network.connect_tcp(
                    address, port, _time_left(self._ends_at, timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream, self._ends_at)
        raise failure

    def _resolve(self, host: str, port: int) -> list[str]:
        # The system's resolver takes no timeout, so it is waited for from outside.
        resolver = ThreadPoolExecutor(max_workers=1)
        try:
            answers = resolver.submit(
                socket.getaddrinfo, host, port, type=socket.SOCK_STREAM
            ).result(_time_left(self._ends_at))
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        finally:
            resolver.shutdown(wait=False)
        addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        if not self._own_origin and not all(is_public(address) for address in addresses):
            raise refuse(UNREACHABLE, host, f"resolves to {', '.join(addresses)}")
        return addresses


class TimedStream(httpcore.NetworkStream):
    """A connection whose every read, write and handshake ends with the whole transfer's time."""

    def __init__(self, stream: httpcore.NetworkStream, ends_at: float) -> None:
        self._stream = stream
        self._ends_at = ends_at

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _time_left(self._ends_at, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _time_left(self._ends_at, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(
            ssl_context, server_hostname, _time_left(self._ends_at, timeout)
        )
        return TimedStream(stream, self._ends_at)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _time_left(ends_at: float, at_most: float | None = None) -> float:
    """Seconds, never zero: to a socket that would mean "do not wait". Raises a timeout instead."""
    left = ends_at - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("The time for the whole transfer is over.")
    return left if at_most is None else min(left, at_most)
