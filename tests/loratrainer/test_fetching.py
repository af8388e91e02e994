"""Streaming a file, from servers that the test scripts byte by byte."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import os
import tempfile
import tracemalloc
from pathlib import Path

import pytest

from loratrainer.fetching import Fetched, Refused, expect_picture
from loratrainer.outcomes import TryAgainLater
from tests.loratrainer.origin import CHUNKED, OK, answer, dripping, load, says, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def test_a_file_arrives_whole_with_its_size_sha256_and_type():
    body = os.urandom(300_000)
    into = io.BytesIO()
    with serving(answer(body, Content_Type="image/PNG; charset=binary")) as origin:
        fetched = load(origin, into=into)
    assert fetched == Fetched(300_000, hashlib.sha256(body).hexdigest(), "image/png")
    assert into.getvalue() == body


def test_a_file_in_chunks_arrives_whole():
    into = io.BytesIO()
    script = says(CHUNKED, b"5\r\nhello\r\n", b"6;a=b\r\n world\r\n", b"0\r\n\r\n")
    with serving(script) as origin:
        fetched = load(origin, into=into)
    assert into.getvalue() == b"hello world"
    assert fetched == Fetched(11, hashlib.sha256(b"hello world").hexdigest(), "")


def test_an_empty_file_is_a_file():
    with serving(answer(b"")) as origin:
        assert load(origin) == Fetched(0, hashlib.sha256(b"").hexdigest(), "")


def test_it_is_written_where_the_file_stands():
    into = io.BytesIO()
    into.write(b"before ")
    with serving(answer(b"after")) as origin:
        assert load(origin, into=into).size == 5
    assert into.getvalue() == b"before after"


def test_the_address_is_asked_for_as_it_was_given():
    with serving(answer(b"x")) as origin:
        load(origin, path="/1/original_ab.jpg?1700000000?bc=0#fragment")
    assert origin.requests[0].startswith(b"GET /1/original_ab.jpg?1700000000?bc=0 HTTP/1.1\r\n")


def test_the_address_does_not_reach_the_log(caplog):
    caplog.set_level("INFO")
    with serving(answer(b"x")) as origin:
        load(origin, path="/file?X-Signature=secret")
    assert "secret" not in caplog.text


def test_s17_nothing_that_the_server_or_the_address_names_becomes_a_name_here(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    script = answer(
        b"x",
        Content_Disposition='attachment; filename="../../evil.py"',
        Content_Type="../../evil;image/png",
    )
    with serving(script) as origin, tempfile.TemporaryFile() as into:
        fetched = load(origin, into=into, path="/..%2f..%2fevil.py")
    assert list(tmp_path.iterdir()) == []
    assert dataclasses.asdict(fetched).keys() == {"size", "sha256", "content_type"}
    assert fetched.content_type == ""


# --- How much -------------------------------------------------------------------------------------


def test_a_file_of_exactly_the_limit_is_taken():
    with serving(answer(bytes(1000))) as origin:
        assert load(origin, max_bytes=1000).size == 1000


def test_a_stated_length_over_the_limit_is_refused_before_the_first_byte():
    into = io.BytesIO()
    with (
        serving(answer(bytes(1_500_001))) as origin,
        pytest.raises(Refused, match=r"The file is larger than 1\.5 MB\."),
    ):
        load(origin, into=into, max_bytes=1_500_000)
    assert into.getvalue() == b""


@pytest.mark.parametrize(
    ("head", "drop"),
    [(CHUNKED, b"3e8\r\n" + bytes(1000) + b"\r\n"), (OK + b"\r\n", bytes(1000))],
    ids=["chunks without end", "neither length nor chunks"],
)
def test_what_arrives_is_counted_whatever_was_stated(head, drop):
    into = io.BytesIO()
    with (
        serving(dripping(head, drop, every=0)) as origin,
        pytest.raises(Refused, match="larger than"),
    ):
        load(origin, into=into, max_bytes=100_000)
    assert len(into.getvalue()) <= 100_000


def test_s09_a_compressed_answer_is_not_asked_for_and_not_unpacked():
    into = io.BytesIO()
    bomb = gzip.compress(bytes(10_000_000))
    with (
        serving(answer(bomb, Content_Encoding="gzip")) as origin,
        pytest.raises(Refused, match="compressed copy"),
    ):
        load(origin, into=into)
    assert into.getvalue() == b""
    assert b"\r\nAccept-Encoding: identity\r\n" in origin.requests[0]


def test_s09_what_is_compressed_unannounced_stays_as_small_as_it_came():
    into = io.BytesIO()
    bomb = gzip.compress(bytes(10_000_000))
    with serving(answer(bomb)) as origin:
        assert load(origin, into=into).size == len(bomb)
    assert into.getvalue() == bomb


def test_a_compression_of_the_transfer_is_no_answer():
    head = OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n"
    with serving(says(head, b"0\r\n\r\n")) as origin, pytest.raises(TryAgainLater):
        load(origin)


def test_memory_does_not_grow_with_the_file():
    part = bytes(1_000_000)
    head = OK + b"Content-Length: 40000000\r\n\r\n"
    with serving(says(head, *[part] * 40)) as origin, Path(os.devnull).open("wb") as into:
        tracemalloc.start()
        try:
            assert load(origin, into=into, max_bytes=40_000_000, timeout_in=60).size == 40_000_000
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2_000_000


# --- What it is -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [PNG, b"\xff\xd8\xff\xe0" + bytes(20), b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(20)],
    ids=["PNG", "JPEG", "WebP"],
)
def test_a_picture_passes_whole_where_one_is_expected(head):
    into = io.BytesIO()
    body = head + os.urandom(200_000)
    with serving(answer(body, Content_Type="text/plain")) as origin:
        load(origin, into=into, expect=expect_picture)
    assert into.getvalue() == body


@pytest.mark.parametrize(
    "body",
    [
        b"<!doctype html><title>x</title>",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"GIF89a" + bytes(20),
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"",
        b"\x89PN",
    ],
)
def test_s10_what_only_claims_to_be_a_picture_is_refused_before_a_byte_is_written(body):
    into = io.BytesIO()
    with (
        serving(answer(body, Content_Type="image/png")) as origin,
        pytest.raises(Refused, match=r"not a JPEG, PNG or WebP picture"),
    ):
        load(origin, into=into, expect=expect_picture)
    assert into.getvalue() == b""


def test_the_first_bytes_are_gathered_however_small_they_arrive():
    heads = []
    body = os.urandom(100)
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    into = io.BytesIO()
    with serving(says(CHUNKED, chunks)) as origin:
        load(origin, into=into, expect=heads.append)
    assert heads == [body[:64]]
    assert into.getvalue() == body
