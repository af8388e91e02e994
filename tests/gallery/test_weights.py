"""The file that people came for: by the address that stays, whole or in part, as tools fetch it."""

from __future__ import annotations

import os
import re
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from datasets.ranges import Part
from tests.factories import create_training
from trainings.models import Training

pytestmark = [pytest.mark.usefixtures("media")]

CONTENT = os.urandom(300_000)
SIZE = len(CONTENT)


@pytest.fixture
def lora(db: None, settings: Any) -> Training:
    settings.SITE_URL = "http://testserver"
    training = create_training(status="completed")
    default_storage.save(training.weights, ContentFile(CONTENT))
    return training


@pytest.fixture
def file_url(client, lora):
    """The signed address that the stable one leads to at the moment."""
    return client.get(f"/loras/{lora.pk}/weights").headers["Location"]


def body(response: Any) -> bytes:
    """What was sent; reading it to the end closes the file."""
    return b"".join(response.streaming_content) if response.streaming else response.content


def head(client: Any, url: str) -> Any:
    """The headers of a file."""
    response = client.head(url)
    assert body(response) == b""
    return response.headers


def test_the_whole_file_comes_with_its_size_and_says_that_it_can_come_in_parts(client, file_url):
    response = client.get(file_url)
    assert response.status_code == 200
    assert response.headers["Content-Length"] == str(SIZE)
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert body(response) == CONTENT


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-199", 100, 199),
        ("Bytes = 100-199 ", 100, 199),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        ("bytes=100000-", 100_000, SIZE - 1),
        ("bytes=-5", SIZE - 5, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
        (f"bytes=70000-{SIZE * 2}", 70_000, SIZE - 1),
    ],
)
def test_a_part_is_exactly_that_part(client, file_url, asked, first, last):
    response = client.get(file_url, headers={"Range": asked})
    assert response.status_code == 206
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response.headers["Content-Length"] == str(last - first + 1)
    assert body(response) == CONTENT[first : last + 1]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE * 9}-", "bytes=-0"])
def test_a_part_that_is_not_there_is_416_with_the_size(client, file_url, asked):
    response = client.get(file_url, headers={"Range": asked})
    assert response.status_code == 416
    assert response.headers["Content-Range"] == f"bytes */{SIZE}"
    assert body(response) == b""


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=5-4",
        "bytes=a-b",
        "bytes=-",
        "bytes=--1",
        "lines=0-1",
        "bytes=0-1,5-6",
        f"bytes={'9' * 5000}-",
        "",
    ],
)
def test_what_is_no_range_or_several_is_passed_over(client, file_url, asked):
    response = client.get(file_url, headers={"Range": asked})
    assert response.status_code == 200
    assert "Content-Range" not in response.headers
    assert body(response) == CONTENT


def test_a_head_says_what_a_get_would_and_has_no_ranges(client, file_url):
    response = client.head(file_url, headers={"Range": "bytes=0-9"})
    assert (response.status_code, body(response)) == (200, b"")
    assert response.headers["Content-Length"] == str(SIZE)
    assert response.headers["ETag"]


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified"])
def test_a_download_goes_on_if_the_file_is_still_the_same(client, file_url, validator):
    known = head(client, file_url)[validator]
    response = client.get(file_url, headers={"Range": "bytes=200000-", "If-Range": known})
    assert response.status_code == 206
    assert body(response) == CONTENT[200_000:]


@pytest.mark.parametrize(
    "known", ['"another"', 'W/"weak"', "Thu, 01 Jan 1970 00:00:00 GMT", "no date at all"]
)
def test_and_begins_anew_if_it_is_not(client, file_url, known):
    response = client.get(file_url, headers={"Range": "bytes=200000-", "If-Range": known})
    assert response.status_code == 200
    assert body(response) == CONTENT


def test_whoever_has_it_is_told_so(client, file_url):
    known = head(client, file_url)["ETag"]
    response = client.get(file_url, headers={"If-None-Match": known, "Range": "bytes=0-1"})
    assert response.status_code == 304
    assert body(response) == b""
    modified = head(client, file_url)["Last-Modified"]
    assert parsedate_to_datetime(modified).tzinfo is not None
    assert client.get(file_url, headers={"If-Match": '"other"'}).status_code == 412


def test_nothing_packs_it(client, file_url):
    response = client.get(file_url, headers={"Accept-Encoding": "gzip, br, zstd"})
    assert "Content-Encoding" not in response.headers
    assert response.headers["Content-Length"] == str(SIZE)
    assert "no-transform" in response.headers["Cache-Control"]
    body(response)


def test_it_is_read_in_pieces_and_never_as_a_whole(client, file_url, monkeypatch):
    sizes: list[int] = []
    read = Part.read

    def watched(self: Part, size: int = 0) -> bytes:
        sizes.append(size)
        return read(self, size)

    monkeypatch.setattr(Part, "read", watched)
    body(client.get(file_url, headers={"Range": "bytes=1-"}))
    assert len(sizes) > 4
    assert max(sizes) <= 64 * 2**10


def test_the_file_is_closed_with_the_response(client, file_url, media):
    def open_files() -> int:
        numbers = Path("/proc/self/fd").iterdir()
        return sum(str(media) in str(number.resolve()) for number in numbers)

    response = client.get(file_url, headers={"Range": "bytes=0-9"})
    assert open_files() == 1
    body(response)
    for headers in ({"Range": f"bytes={SIZE}-"}, {"If-None-Match": "*"}):
        body(client.get(file_url, headers=headers))
    assert open_files() == 0


def test_its_name_says_what_it_is_and_which(client, lora, file_url):
    response = client.get(file_url)
    name = f"KILNGLZ-flux-lora-{lora.pk.hex[:8]}.safetensors"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert file_url.endswith(f"/{name}")
    body(response)


@pytest.mark.parametrize(
    ("header", "where"),
    [("X-Accel-Redirect", "/inside/{name}"), ("X-Sendfile", "{media}/{name}")],
)
def test_a_web_server_can_be_told_to_send_it(
    client, lora, file_url, settings, media, header, where
):
    settings.SENDFILE_HEADER, settings.SENDFILE_ROOT = header, "/inside/"
    response = client.get(file_url)
    assert response.headers[header] == where.format(name=lora.weights, media=media)
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].endswith('.safetensors"')
    assert body(response) == b""


@pytest.mark.parametrize("token", ["", "x", "eyJhIjoxfQ:1w:abc"])
def test_an_address_of_ones_own_making_opens_nothing(client, lora, token):
    assert client.get(f"/files/{token}/a.safetensors").status_code == 404


def test_a_signed_address_is_for_one_name_alone(client, file_url):
    assert client.get(re.sub(r"[^/]+$", "other.safetensors", file_url)).status_code == 404


def test_the_address_may_end_in_the_name_of_the_file(client, lora, file_url):
    name = file_url.rpartition("/")[2]
    for ending in (name, "anything.safetensors"):
        response = client.get(f"/loras/{lora.pk}/{ending}", follow=True)
        assert body(response) == CONTENT
    assert client.get(f"/loras/{lora.pk}/weights.ckpt").status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["weights", "KILNGLZ.safetensors"])
def test_tools_that_follow_redirects_get_it_whole_and_in_parts(live_server, settings, lora, path):
    settings.SITE_URL = live_server.url
    url = f"{live_server.url}/loras/{lora.pk}/{path}"
    with httpx.Client(follow_redirects=True) as tool:
        whole = tool.get(url)
        assert (whole.status_code, whole.content) == (200, CONTENT)
        assert len(whole.history) == 1
        part = tool.get(url, headers={"Range": "bytes=1000-1999"})
        assert (part.status_code, part.content) == (206, CONTENT[1000:2000])
        head = tool.head(url)
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(SIZE))
        beyond = tool.get(url, headers={"Range": f"bytes={SIZE}-"})
        assert beyond.status_code == 416


def test_the_public_file_is_given_without_asking_who_takes_it(
    client, lora, django_assert_num_queries
):
    with django_assert_num_queries(1):
        assert client.get(f"/loras/{lora.pk}/weights").status_code == 302
