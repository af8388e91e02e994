"""What can go wrong while a file is streamed, and who is told."""

from __future__ import annotations

import errno
import io
import itertools
import os
import socket
import time

import pytest

from loratrainer import fetching
from loratrainer.addresses import UNREACHABLE
from loratrainer.fetching import Gone
from loratrainer.outcomes import GiveUp, TryAgainLater
from tests.loratrainer.origin import CHUNKED, OK, answer, dripping, load, resetting, says, serving


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "410 Gone"])
def test_f49_an_address_that_ran_out_is_gone(status):
    with (
        serving(answer(b"expired", status=status)) as origin,
        pytest.raises(Gone, match=status[:3]),
    ):
        load(origin)


@pytest.mark.parametrize(
    "status", ["500 Oops", "502 Bad", "503 Busy", "504 Late", "429 Slow", "408 Late", "425 Early"]
)
def test_f48_an_error_of_the_server_may_pass(status):
    into = io.BytesIO()
    with (
        serving(answer(b"error page", status=status)) as origin,
        pytest.raises(TryAgainLater, match=status[:3]),
    ):
        load(origin, into=into)
    assert into.getvalue() == b""


@pytest.mark.parametrize(
    "status", ["204 Nothing", "206 Part", "201 Made", "400 Bad", "401 Who", "405 No", "451 Law"]
)
def test_any_other_answer_is_final(status):
    into = io.BytesIO()
    with (
        serving(answer(b"" if "204" in status else b"part", status=status)) as origin,
        pytest.raises(GiveUp, match=status[:3]),
    ):
        load(origin, into=into)
    assert into.getvalue() == b""


@pytest.mark.parametrize(
    "script",
    [
        resetting(OK + b"Content-Length: 100\r\n\r\n", bytes(50)),
        resetting(CHUNKED, b"32\r\n", bytes(50), b"\r\n"),
        resetting(),
        says(OK + b"Content-Length: 100\r\n\r\n", bytes(50)),
        says(CHUNKED, b"32\r\n", bytes(50), b"\r\n"),
        says(CHUNKED, b"32\r\n", bytes(20)),
        says(CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"),
        says(OK + b"Content-Length: 100\r\nContent-Length: 5\r\n\r\n", bytes(100)),
        says(OK + b"Content-Length: -1\r\n\r\n", bytes(100)),
        says(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", bytes(100)),
        says(OK + b"X: " + b"y" * 200_000),
        says(b"SSH-2.0-OpenSSH_9.2\r\n"),
        says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
        says(b"HTTP/2 200\r\n\r\n"),
        says(),
    ],
    ids=[
        "reset in the middle",
        "reset between chunks",
        "reset before the answer",
        "short body",
        "short of chunks",
        "short chunk",
        "negative chunk",
        "two lengths",
        "negative length",
        "length of 5,000 digits",
        "endless header",
        "not HTTP",
        "another protocol",
        "HTTP/2 in letters",
        "silence",
    ],
)
def test_f48_an_answer_that_is_cut_off_or_garbled_may_pass(script):
    with serving(script) as origin, pytest.raises(TryAgainLater) as failure:
        load(origin)
    assert str(failure.value) == UNREACHABLE


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (OK + b"Content-Length: 1000000\r\n\r\n", b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
        (OK, b"X: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "chunks", "headers", "interim answers"],
)
def test_f48_a_slow_drip_ends_in_time(head, drop):
    with serving(dripping(head, drop)) as origin:
        begun_at = time.monotonic()
        with pytest.raises(TryAgainLater):
            load(origin, timeout_in=0.3)
        assert time.monotonic() - begun_at < 5
        assert origin.hung_up.wait(5)


def test_f48_a_transfer_that_stands_still_ends_before_its_time(monkeypatch):
    monkeypatch.setattr(fetching, "IDLE_SECONDS", 0.2)

    def stand_still(stream: socket.socket) -> None:
        stream.sendall(OK + b"Content-Length: 100\r\n\r\nx")
        stream.recv(1)  # Until the client has gone.

    with serving(stand_still) as origin:
        begun_at = time.monotonic()
        with pytest.raises(TryAgainLater):
            load(origin, timeout_in=60)
        assert time.monotonic() - begun_at < 5


def test_no_time_is_no_transfer():
    with serving(answer(b"x")) as origin:
        with pytest.raises(TryAgainLater):
            load(origin, timeout_in=0)
        assert origin.requests == []


# --- Who is told ----------------------------------------------------------------------------------


def test_progress_is_told_now_and_then(monkeypatch):
    monkeypatch.setattr(fetching, "PROGRESS_SECONDS", 0.1)
    told: list[tuple[float, int]] = []
    head = OK + b"Content-Length: 30\r\n\r\n"
    with serving(dripping(head, b"x", times=30)) as origin:
        load(origin, progress=lambda size: told.append((time.monotonic(), size)))
    sizes = [size for _, size in told]
    assert sizes == sorted(set(sizes))
    assert 0 < sizes[0] <= sizes[-1] <= 30
    moments = [moment for moment, _ in told]
    assert all(later - sooner >= 0.1 for sooner, later in itertools.pairwise(moments))


def test_progress_is_told_at_most_once_a_second():
    assert fetching.PROGRESS_SECONDS == 1
    told: list[int] = []
    begun_at = time.monotonic()
    with serving(says(CHUNKED, b"1\r\nx\r\n" * 1000, b"0\r\n\r\n")) as origin:
        load(origin, progress=told.append)
    assert len(told) <= time.monotonic() - begun_at


class LeaseLostError(Exception):
    pass


def test_what_progress_raises_ends_the_transfer(monkeypatch):
    monkeypatch.setattr(fetching, "PROGRESS_SECONDS", 0)

    def lose(size: int) -> None:
        raise LeaseLostError

    with serving(dripping(CHUNKED, b"1\r\nx\r\n")) as origin:
        with pytest.raises(LeaseLostError):
            load(origin, progress=lose)
        assert origin.hung_up.wait(5)


class FullDisk(io.BytesIO):
    def write(self, chunk: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_not_taken_for_a_fault_of_the_server():
    with (
        serving(answer(bytes(1000))) as origin,
        pytest.raises(OSError, match="No space left"),
    ):
        load(origin, into=FullDisk())
