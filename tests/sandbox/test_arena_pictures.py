from __future__ import annotations

import importlib.util
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, UnidentifiedImageError

from tests.sandbox_process import SandboxProcess

DRAWN = ("glaze-tests", "neon-rain", "riso-botanics", "cyanotype-ferns")


@pytest.fixture
def arena(well_behaved: SandboxProcess):
    with httpx.Client(base_url=well_behaved.url, timeout=60) as client:
        yield client


def blocks(arena: httpx.Client, channel: str) -> list[dict[str, Any]]:
    path = f"/arena/v3/channels/{channel}/contents?per=100&sort=position_asc"
    found: list[dict[str, Any]] = arena.get(path).raise_for_status().json()["data"]
    return found


def odd(arena: httpx.Client, title: str) -> httpx.Response:
    (block,) = (b for b in blocks(arena, "odd-files") if b["title"] == title)
    return arena.get(block["image"]["src"])


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("channel", DRAWN)
def test_a_drawn_picture_is_a_jpeg_of_the_size_that_its_block_tells(
    arena: httpx.Client, channel: str
):
    told = blocks(arena, channel)[0]["image"]
    answer = arena.get(told["src"]).raise_for_status()

    assert told["src"].count("?") == 2
    assert answer.headers["Content-Type"] == told["content_type"] == "image/jpeg"
    assert opened(answer.content).size == (told["width"], told["height"])


def test_the_size_of_a_file_is_known_once_the_file_is_there(arena: httpx.Client):
    before = blocks(arena, "riso-botanics")[11]["image"]
    content = arena.get(before["src"]).content

    assert before["file_size"] is None
    assert blocks(arena, "riso-botanics")[11]["image"]["file_size"] == len(content)


def test_the_resized_pictures_have_the_sizes_that_are_told(arena: httpx.Client):
    told = blocks(arena, "cyanotype-ferns")[0]["image"]
    for version in ("small", "medium", "large", "square"):
        image = opened(arena.get(told[version]["src"]).content)
        assert image.size == (told[version]["width"], told[version]["height"])
    assert opened(arena.get(told["small"]["src_2x"]).content).size == (640, 800)


def test_a_photograph_is_the_file_of_the_package_byte_by_byte(arena: httpx.Client):
    folder = Path(importlib.util.find_spec("sklearn").submodule_search_locations[0])
    told = blocks(arena, "sample-photographs")
    flower = arena.get(told[-1]["image"]["src"])

    assert flower.content == (folder / "datasets/images/flower.jpg").read_bytes()
    assert "CC BY 2.0" in told[-1]["description"]["plain"]


def test_every_photograph_has_the_size_and_the_type_that_are_told(arena: httpx.Client):
    told = [block["image"] for block in blocks(arena, "sample-photographs")]
    images = [opened(arena.get(image["src"]).content) for image in told]

    assert len(images) == 15
    assert [image.size for image in images] == [(i["width"], i["height"]) for i in told]
    assert [image.get_format_mimetype() for image in images] == [i["content_type"] for i in told]


def test_all_who_ask_at_once_get_the_same_whole_picture(arena: httpx.Client):
    address = blocks(arena, "riso-botanics")[5]["image"]["src"]
    with ThreadPoolExecutor(8) as visitors:
        seen = list(visitors.map(lambda _: arena.get(address).content, range(8)))

    assert len(set(seen)) == 1
    assert opened(seen[0]).size == (880, 1100)


def test_others_are_answered_while_pictures_are_drawn(arena: httpx.Client):
    addresses = [block["image"]["src"] for block in blocks(arena, "neon-rain")[4:12]]
    answered = 0
    with ThreadPoolExecutor(8) as visitors:
        drawings = [visitors.submit(arena.get, address) for address in addresses]
        while not all(drawing.done() for drawing in drawings):
            assert arena.get("/arena/v3/channels/empty").status_code == 200
            answered += 1

    assert {drawing.result().status_code for drawing in drawings} == {200}
    # Were they drawn in the loop, at most one other would be answered after each.
    assert answered > 2 * len(drawings)


def test_a_picture_that_is_not_available_has_no_file(arena: httpx.Client):
    found = arena.get("/arena/v3/channels/mixed-300/contents?per=100&page=1").json()["data"]
    found += arena.get("/arena/v3/channels/mixed-300/contents?per=100&page=3").json()["data"]
    missing = {b["state"]: b for b in found if b["type"] == "Image" and b["state"] != "available"}

    assert set(missing) == {"failed", "processing"}
    for block in missing.values():
        assert arena.get(block["image"]["src"]).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/arena/images/1/original_00000000000000000000000000000000.jpg",
        "/arena/images/41323442/original_00000000000000000000000000000000.jpg",
        "/arena/images/41323442/original.jpg",
        "/arena/images/41323442/..%2F..%2Fchain%2Flock",
    ],
)
def test_an_address_that_was_never_told_has_no_file(arena: httpx.Client, path: str):
    assert arena.get(path).status_code == 404


def test_a_page_can_call_itself_a_jpeg(arena: httpx.Client):
    answer = odd(arena, "A page instead of a picture")

    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content.startswith(b"<!doctype html>")


def test_a_small_file_can_hold_a_vast_picture(arena: httpx.Client):
    answer = odd(arena, "20,000 by 20,000 pixels")

    assert len(answer.content) < 200_000
    with pytest.raises(Image.DecompressionBombError):
        opened(answer.content)


def test_a_drawing_can_carry_a_script(arena: httpx.Client):
    answer = odd(arena, "A drawing with a script")

    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert b"<script>" in answer.content


def test_a_picture_can_be_heavier_than_ten_megabytes(arena: httpx.Client):
    answer = odd(arena, "12 MB of noise")

    assert len(answer.content) > 10 * 2**20
    assert opened(answer.content).size == (2000, 2000)


@pytest.mark.parametrize("title", ["Cut off after a third", "No bytes at all"])
def test_a_file_can_be_cut_off_or_empty(arena: httpx.Client, title: str):
    answer = odd(arena, title)

    assert answer.status_code == 200
    with pytest.raises((OSError, UnidentifiedImageError)):
        opened(answer.content)


@pytest.mark.parametrize("title", ["A page instead of a picture", "20,000 by 20,000 pixels"])
def test_what_is_no_picture_has_no_smaller_version(arena: httpx.Client, title: str):
    (block,) = (b for b in blocks(arena, "odd-files") if b["title"] == title)

    assert arena.get(block["image"]["small"]["src"]).status_code == 404
