"""Public pages are packed, everything else goes out as it is."""

from __future__ import annotations

import gzip

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from loratrainer.compression import PublicGZipMiddleware

WORDS = b"the same words again and again " * 100
PUBLIC = {"Cache-Control": "public, max-age=0, s-maxage=30"}


def sent(response, *, accepts="gzip, br"):
    request = RequestFactory().get("/", headers={"Accept-Encoding": accepts})
    return PublicGZipMiddleware(lambda _: response)(request)


@pytest.mark.parametrize("kind", ["text/html", "application/json", "application/atom+xml"])
def test_a_public_text_is_packed_into_the_same_bytes_for_everybody(kind):
    first, second = (
        sent(HttpResponse(WORDS, content_type=f"{kind}; charset=utf-8", headers=PUBLIC))
        for _ in range(2)
    )
    assert first.headers["Content-Encoding"] == "gzip"
    assert first.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(first.content) == WORDS
    assert len(first.content) < len(WORDS) / 10
    assert first.content == second.content


def test_a_browser_that_cannot_unpack_gets_it_as_it_is():
    assert sent(HttpResponse(WORDS, headers=PUBLIC), accepts="identity").content == WORDS


@pytest.mark.parametrize("control", [None, "private, no-store", "no-cache", "max-age=30"])
def test_a_page_that_may_hold_a_secret_is_not_packed(control):
    headers = {"Cache-Control": control} if control else {}
    assert "Content-Encoding" not in sent(HttpResponse(WORDS, headers=headers)).headers


def test_a_page_that_sets_a_cookie_is_not_packed():
    response = HttpResponse(WORDS, headers=PUBLIC)
    response.set_cookie("csrftoken", "secret")
    assert "Content-Encoding" not in sent(response).headers


def test_pictures_and_files_are_not_packed_again():
    for response in (
        HttpResponse(WORDS, content_type="image/avif", headers=PUBLIC),
        StreamingHttpResponse([WORDS], headers=PUBLIC),
    ):
        assert "Content-Encoding" not in sent(response).headers


def test_the_front_page_goes_out_packed(client):
    page = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(page.content).startswith(b"<!doctype html>")
