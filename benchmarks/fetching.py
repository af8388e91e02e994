"""How near mirroring 500 MB comes to a plain copy, and how much memory it takes.

    python benchmarks/fetching.py [MB]

A server in a process of its own sends a file over loopback. Three ways to write it to the disk and
hash it take turns, three times each, and the best of each counts: a plain copy from disk to disk,
the least that a program can do with a socket, and `loratrainer.fetching.fetch`.
"""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from loratrainer.fetching import fetch

CHUNK = 64 * 1024


def serve(listener: socket.socket, file: Path) -> None:
    """Answer every connection with the file, for ever."""
    while True:
        connection, _ = listener.accept()
        with connection, file.open("rb") as source:
            connection.recv(CHUNK)
            connection.sendall(
                f"HTTP/1.1 200 OK\r\nContent-Length: {file.stat().st_size}\r\n\r\n".encode()
            )
            connection.sendfile(source)


@contextlib.contextmanager
def serving(file: Path) -> Iterator[int]:
    """The port at which a process of its own serves the file."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = multiprocessing.get_context("fork").Process(target=serve, args=[listener, file])
        server.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.kill()
            server.join()


def hash_and_write(chunks: Iterator[bytes], into: IO[bytes]) -> str:
    """The work that all three ways have in common."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        into.write(chunk)
    return digest.hexdigest()


def copy(file: Path, into: IO[bytes]) -> str:
    """From disk to disk."""
    with file.open("rb") as source:
        return hash_and_write(iter(lambda: source.read(CHUNK), b""), into)


def receive(port: int, into: IO[bytes]) -> str:
    """From a socket to the disk, without any HTTP but the end of the header."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        return hash_and_write(iter(lambda: connection.recv(CHUNK), b""), into)


def mirror(port: int, into: IO[bytes]) -> str:
    """By the guarded client."""
    origin = f"http://127.0.0.1:{port}"
    return fetch(f"{origin}/", into=into, allowed=[origin], max_bytes=10**10, timeout_in=600).sha256


def peak_memory() -> float:
    """The most memory that this process has had so far, in MB (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1_000_000


def main(size_mb: int) -> None:
    """Print seconds, ratios and the growth of memory."""
    with tempfile.TemporaryDirectory() as folder:
        file, target = Path(folder, "source"), Path(folder, "target")
        with file.open("wb") as source:
            for _ in range(size_mb):
                source.write(os.urandom(1_000_000))
        with serving(file) as port:
            ways: dict[str, Callable[[IO[bytes]], str]] = {
                "plain copy": lambda into: copy(file, into),
                "bare socket": lambda into: receive(port, into),
                "fetch": lambda into: mirror(port, into),
            }
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            digests = set()
            grown = 0.0
            for _ in range(3):
                for name, way in ways.items():
                    before = peak_memory()
                    begun_at = time.perf_counter()
                    with target.open("wb") as into:
                        digests.add(way(into))
                    seconds[name].append(time.perf_counter() - begun_at)
                    target.unlink()
                    if name == "fetch":
                        grown += peak_memory() - before
    if len(digests) != 1:
        sys.exit("The three ways did not write the same bytes.")
    plain = min(seconds["plain copy"])
    for name, each in seconds.items():
        best = min(each)
        print(f"{name:12} {best:6.2f} s {size_mb / best:7.0f} MB/s {plain / best:6.2f} of plain")
    print(f"memory grew by {grown:.1f} MB while fetching {size_mb} MB three times")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
