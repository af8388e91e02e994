"""Are.na: every form of address, both versions of the API, and what is no channel."""

from __future__ import annotations

import pytest

from datasets import arena
from loratrainer.outcomes import GiveUp, TryAgainLater


@pytest.mark.parametrize(
    "text",
    [
        "https://www.are.na/kiln-room/glaze-tests",
        "https://are.na/kiln-room/glaze-tests",
        "http://www.are.na/kiln-room/glaze-tests",
        "www.are.na/kiln-room/glaze-tests",
        "are.na/kiln-room/glaze-tests",
        "//are.na/kiln-room/glaze-tests",
        "https://www.are.na/kiln-room/glaze-tests/",
        "https://www.are.na//kiln-room//glaze-tests",
        "https://www.are.na/kiln-room/glaze-tests?sort=position#top",
        "https://www.are.na/kiln-room/glaze-tests/table",
        "https://www.are.na/channel/glaze-tests",
        "  https://www.are.na/kiln-room/glaze-tests \n",
        "HTTPS://WWW.ARE.NA/Kiln-Room/Glaze-Tests",
        "glaze-tests",
    ],
)
def test_every_form_of_a_channels_address_is_understood(text):
    assert arena.parse_channel(text) == "glaze-tests"


def test_a_number_is_understood_too():
    assert arena.parse_channel("2871034") == "2871034"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://www.are.na/share/AbCdEfG", "That is a share link."),
        ("https://www.are.na/block/123", "That is a single block."),
        ("https://www.are.na/kiln-room", "That is a profile."),
        ("https://www.are.na/kiln-room/channels", "That is a profile."),
        ("https://www.are.na/kiln-room/followers", "That is a profile."),
        ("https://www.are.na/group/potters", "That is a group."),
        ("https://www.are.na/explore", "That page of Are.na is not a channel."),
        ("https://www.are.na/settings/account", "That page of Are.na is not a channel."),
        ("https://www.are.na/", "That page of Are.na is not a channel."),
        ("https://www.are.na/kiln-room/glaze%2Ftests", "That is not the link"),
        ("https://www.are.na/kiln-room/..%2f..%2fv2", "That is not the link"),
        ("https://example.org/kiln-room/glaze-tests", "That is not the link"),
        ("https://are.na.evil.com/kiln-room/glaze-tests", "That is not the link"),
        ("https://evil-are.na/kiln-room/glaze-tests", "That is not the link"),
        ("https://are.na@evil.com/kiln-room/glaze-tests", "That is not the link"),
        ("https://www.are.na:22/kiln-room/glaze-tests", "That is not the link"),
        ("https://are.na\\@evil.com/kiln-room/glaze-tests", "That is not the link"),
        ("https://are.na./kiln-room/glaze-tests", "That is not the link"),
        ("file:///are.na/kiln-room/glaze-tests", "That is not the link"),
        ("ftp://are.na/kiln-room/glaze-tests", "That is not the link"),
        ("javascript:alert(1)//are.na/a/b", "That is not the link"),
        ("data:text/html,are.na/a/b", "That is not the link"),
        ("https://[are.na/a/b", "That is not the link"),
        ("two words", "That is not the link"),
        ("", "That is not the link"),
        ("x" * 300, "That is not the link"),
    ],
)
def test_what_is_no_channel_is_refused_in_words(text, words):
    with pytest.raises(arena.NotAChannel) as refusal:
        arena.parse_channel(text)
    assert str(refusal.value).startswith(words)


def garbled(version: str) -> dict[str, object]:
    return {"match": {"path": f"/arena/{version}/*"}, "do": "garbage", "times": None}


def test_both_versions_tell_the_same(arena_api):
    by_v3 = arena.read_channel("glaze-tests"), arena.read_page("glaze-tests", 1)
    arena_api.script(garbled("v3"))
    by_v2 = arena.read_channel("glaze-tests"), arena.read_page("glaze-tests", 1)
    assert by_v3[0] == by_v2[0]
    assert by_v3[0] == arena.Channel(
        slug="glaze-tests",
        title="Glaze tests",
        owner="Kiln Room",
        url="https://www.are.na/kiln-room/glaze-tests",
        total=18,
    )
    assert by_v3[1].blocks == by_v2[1].blocks
    assert len(by_v3[1].blocks) == 18
    block = by_v3[1].blocks[0]
    assert block.url == f"https://www.are.na/block/{block.id}"
    assert block.original_url.count("?") == 2


def test_the_newest_come_first(arena_api):
    ids = [block.id for block in arena.read_page("glaze-tests", 1).blocks]
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize("broken", ["", "v3"])
def test_all_pages_end_and_count_what_is_skipped(arena_api, broken):
    if broken:
        arena_api.script(garbled(broken))
    pages = []
    while not pages or pages[-1].has_more:
        pages.append(arena.read_page("mixed-300", len(pages) + 1))
    assert sum(len(page.blocks) for page in pages) == 206
    assert sum(page.skipped for page in pages) == 94
    assert len({block.id for page in pages for block in page.blocks}) == 206


@pytest.mark.parametrize("slug", ["private-sketches", "no-such-channel", "%2e%2e", "a/../b"])
def test_private_and_missing_channels_cannot_be_told_apart(arena_api, slug):
    with pytest.raises(GiveUp, match="or it is private"):
        arena.read_channel(slug)


def test_nonsense_from_both_versions_is_said(arena_api):
    arena_api.script(garbled("*"))
    with pytest.raises(GiveUp, match="something we cannot read"):
        arena.read_channel("glaze-tests")


@pytest.mark.parametrize("body", [[], {}, {"data": [{}], "meta": {}}, {"data": None}, "null"])
def test_json_of_another_shape_is_nonsense_too(arena_api, body):
    arena_api.script(
        {
            "match": {"path": "/arena/*"},
            "do": "status",
            "status": 200,
            "body": body,
            "times": None,
        }
    )
    with pytest.raises(GiveUp, match="something we cannot read"):
        arena.read_page("glaze-tests", 1)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_arena_is_asked_later_and_not_twice_at_once(arena_api, status):
    arena_api.script({"match": {"path": "/arena/*"}, "do": "status", "status": status, "times": 1})
    with pytest.raises(TryAgainLater, match="busy or away"):
        arena.read_channel("glaze-tests")
    assert arena.read_channel("glaze-tests").title == "Glaze tests"


def test_an_arena_that_is_away_is_asked_later(settings):
    settings.ARENA_URL = "http://127.0.0.1:9"
    with pytest.raises(TryAgainLater, match="busy or away"):
        arena.read_channel("glaze-tests")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("https://example.org/a?b=c", "https://example.org/a?b=c"),
        ("HTTP://example.org", "HTTP://example.org"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("https://example.org/\nx", ""),
        ("https://" + "x" * 3000, ""),
        (None, ""),
    ],
)
def test_only_addresses_of_the_web_become_links(value, kept):
    assert arena._web_address(value) == kept


def test_texts_of_strangers_are_cut_and_cleaned():
    assert arena._text("a\0 b\n\tc", 10) == "a b c"
    assert arena._text("x" * 1000, 300) == "x" * 300
    assert arena._text(None, 10) == ""
