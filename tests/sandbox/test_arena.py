from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from tests.sandbox_process import SandboxProcess

CONTENTS_OF_MIXED = "/arena/v3/channels/mixed-300/contents"


@pytest.fixture
def arena(well_behaved: SandboxProcess):
    with httpx.Client(base_url=well_behaved.url) as client:
        yield client
        client.put("/sandbox/arena/limit", json={"limit": None})


def walk(arena: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page: int | None = 1
    while page:
        answer = arena.get(path, params={"page": page, "per": 100} | params).raise_for_status()
        found += answer.json()["data"]
        page = answer.json()["meta"]["next_page"]
    return found


def test_a_channel_tells_its_owner_its_dates_and_its_counts(arena: httpx.Client):
    channel = arena.get("/arena/v3/channels/glaze-tests").raise_for_status().json()

    assert (channel["type"], channel["title"]) == ("Channel", "Glaze tests")
    assert channel["owner"]["slug"] == "kiln-room"
    assert channel["counts"] == {"blocks": 18, "channels": 0, "contents": 18, "collaborators": 0}
    assert channel["visibility"] == "closed"
    assert channel["created_at"] < channel["updated_at"]
    assert set(channel["description"]) == {"markdown", "html", "plain"}


def test_a_channel_is_found_by_its_number_too(arena: httpx.Client):
    by_slug = arena.get("/arena/v3/channels/riso-botanics").json()

    assert arena.get(f"/arena/v3/channels/{by_slug['id']}").json() == by_slug


def test_an_image_block_carries_author_source_alt_text_and_four_sizes(arena: httpx.Client):
    blocks = walk(arena, "/arena/v3/channels/glaze-tests/contents", sort="position_asc")
    image = blocks[1]["image"]

    assert {block["user"]["slug"] for block in blocks} == {"kiln-room", "mara-voss"}
    assert blocks[1]["source"]["provider"] == {"name": "example.org", "url": "https://example.org"}
    assert image["alt_text"].startswith(blocks[1]["title"])
    assert (image["width"], image["height"], image["aspect_ratio"]) == (880, 1100, 0.8)
    for size in ("small", "medium", "large", "square"):
        assert set(image[size]) == {"src", "src_2x", "width", "height"}


def test_three_pages_hold_three_hundred_blocks_of_every_type(arena: httpx.Client):
    blocks = walk(arena, CONTENTS_OF_MIXED)
    types = Counter(block["type"] for block in blocks)

    assert len({block["id"] for block in blocks}) == len(blocks) == 300
    assert set(types) == {
        "Image", "Text", "Link", "Attachment", "Embed", "Channel", "PendingBlock",
    }  # fmt: skip
    assert types["PendingBlock"] == 2
    assert {b["state"] for b in blocks if b["type"] == "Image"} == {
        "available", "processing", "failed",
    }  # fmt: skip


def test_the_newest_comes_first_unless_the_order_is_asked_for(arena: httpx.Client):
    positions = [block["connection"]["position"] for block in walk(arena, CONTENTS_OF_MIXED)]
    turned = walk(arena, CONTENTS_OF_MIXED, sort="position_asc")
    by_date = walk(arena, CONTENTS_OF_MIXED, sort="created_at_asc")

    assert positions == list(range(300, 0, -1))
    assert [block["connection"]["position"] for block in turned] == list(range(1, 301))
    assert [block["id"] for block in by_date] == [block["id"] for block in turned]


def test_a_page_says_where_it_is(arena: httpx.Client):
    middle = arena.get(CONTENTS_OF_MIXED, params={"page": 2}).json()
    last = arena.get(CONTENTS_OF_MIXED, params={"page": 3, "per": 1000}).json()

    assert middle["meta"] == {
        "current_page": 2, "next_page": 3, "prev_page": 1, "per_page": 24,
        "total_pages": 13, "total_count": 300, "has_more_pages": True,
    }  # fmt: skip
    assert (last["meta"]["per_page"], last["meta"]["next_page"]) == (100, None)
    assert not last["meta"]["has_more_pages"]


@pytest.mark.parametrize("query", ["page=0", "per=x", "per=-1", "sort=title_asc", "sort=position"])
def test_a_question_that_makes_no_sense_is_refused(arena: httpx.Client, query: str):
    answer = arena.get(f"{CONTENTS_OF_MIXED}?{query}")

    assert answer.status_code == answer.json()["code"] == 400


def test_a_private_channel_is_there_for_its_owner_only(arena: httpx.Client):
    path = "/arena/v3/channels/private-sketches"
    seen = [
        arena.get(path, headers=headers).status_code
        for headers in (
            {},
            {"Authorization": "Bearer sandbox-teo-lind"},
            {"Authorization": "Bearer sandbox-mara-voss"},
            {"Authorization": "Bearer guessed"},
        )
    ]

    assert seen == [404, 403, 200, 401]
    assert arena.get(f"{path}/contents").status_code == 404


def test_a_block_of_a_private_channel_is_private_too(arena: httpx.Client):
    owner = {"Authorization": "Bearer sandbox-mara-voss"}
    contents = arena.get("/arena/v3/channels/private-sketches/contents", headers=owner).json()
    path = f"/arena/v3/blocks/{contents['data'][0]['id']}"

    assert arena.get(path).status_code == 404
    assert arena.get(path, headers=owner).json()["type"] == "Image"


def test_a_missing_channel_is_refused_in_the_documented_form(arena: httpx.Client):
    answer = arena.get("/arena/v3/channels/nowhere/contents")

    assert answer.status_code == 404
    assert answer.json() == {
        "error": "Not Found",
        "code": 404,
        "details": {"message": "Channel not found."},
    }


def test_an_empty_channel_and_one_of_links_hold_no_pictures(arena: httpx.Client):
    links = walk(arena, "/arena/v3/channels/links-only/contents")

    assert walk(arena, "/arena/v3/channels/empty/contents") == []
    assert {block["type"] for block in links} == {"Link"}
    assert all(block["image"] is None for block in links)


def test_the_rate_limit_is_told_and_held_only_when_a_test_says_so(arena: httpx.Client):
    path = "/arena/v3/channels/empty"
    free = [arena.get(path) for _ in range(3)]
    arena.put("/sandbox/arena/limit", json={"limit": 2})
    held = [arena.get(path) for _ in range(3)]
    other = arena.get(path, headers={"Authorization": "Bearer sandbox-teo-lind"})

    assert {answer.status_code for answer in free} == {200}
    assert free[0].headers["X-RateLimit-Limit"] == "30"
    assert free[0].headers["X-RateLimit-Tier"] == "guest"
    assert [answer.status_code for answer in held] == [200, 200, 429]
    refusal = held[2].json()["error"]
    assert (refusal["tier"], refusal["limit"]) == ("guest", 2)
    assert 0 < refusal["retry_after"] <= 60
    assert held[2].headers["Retry-After"] == str(refusal["retry_after"])
    assert other.status_code == 200


@pytest.mark.parametrize("body", [b"{}", b"x", b'{"limit": -1}', b'{"limit": true}', b"[]"])
def test_a_limit_that_is_no_number_is_refused(arena: httpx.Client, body: bytes):
    assert arena.put("/sandbox/arena/limit", content=body).status_code == 400


def test_version_2_tells_the_same_channel_in_its_own_words(arena: httpx.Client):
    channel = arena.get("/arena/v2/channels/neon-rain", params={"per": 5}).json()
    first = channel["contents"][0]

    assert (channel["status"], channel["length"], channel["total_pages"]) == ("public", 16, 4)
    assert (first["class"], first["base_class"], first["position"]) == ("Image", "Block", 1)
    assert set(first["image"]) >= {"thumb", "square", "display", "large", "original", "filename"}
    assert arena.get(first["image"]["original"]["url"]).headers["Content-Type"] == "image/jpeg"


def test_version_2_is_read_until_a_page_is_empty(arena: httpx.Client):
    counts = [
        len(arena.get("/arena/v2/channels/mixed-300/contents", params=page).json()["contents"])
        for page in ({"page": n, "per": 100} for n in (1, 2, 3, 4))
    ]

    assert counts == [100, 100, 100, 0]
