"""The wall in a real browser: without script, by keyboard, slow, broken, in both themes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from playwright.sync_api import Page, Route, expect

from gallery.wall import Wall
from tests.factories import create_training, create_wallet
from trainings.models import Training

pytestmark = [
    pytest.mark.usefixtures("no_demo_wallet"),
    pytest.mark.django_db(transaction=True),
]

STRIP = Path(__file__).resolve().parents[2] / "static" / "img" / "style" / "strip-glaze.avif"
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
NAMES = ".list .rows > li:not(.rest) h2 a"


@pytest.fixture
def wall() -> list[str]:
    """The trigger words of 45 LoRAs, the newest first; one in three is a character."""
    first = create_training(
        status="completed",
        trigger_word="N000",
        name="Night rain over the harbour",
        channel="night-rain",
        kind="character",
        picture_count=9,
        image_count=12,
        completed_at=SINCE,
    )
    words = [f"N{place:03}" for place in range(45)]
    Training.objects.bulk_create(
        Training(
            wallet=first.wallet,
            dataset=first.dataset,
            status="completed",
            name="Glaze tests",
            trigger_word=word,
            kind="style" if place % 3 else "character",
            provider="fal",
            price_cents=400,
            picture_count=7,
            weights="weights",
            weights_size=89_745_224,
            completed_at=SINCE + timedelta(hours=place),
        )
        for place, word in enumerate(words[1:], 1)
    )
    return words[::-1]


@pytest.fixture
def open_wall(open_page: Callable[..., Page]) -> Callable[..., Page]:
    """`open_page`, with one strip for all of them."""

    def open_wall(path: str = "/loras", **options: Any) -> Page:
        page = open_page("/licence", **options)
        page.context.route("**/strip?v=*", lambda route: route.fulfill(path=STRIP))
        page.goto(path)
        return page

    return open_wall


def names(page: Page) -> list[str]:
    return page.locator(NAMES).all_text_contents()


def test_everything_is_there_without_script(open_wall, wall):
    page = open_wall(java_script_enabled=False)
    assert names(page) == wall[:20]
    page.get_by_role("link", name="Show 20 more").click()
    assert names(page) == wall[20:40]
    page.get_by_role("link", name="Show 20 more").click()
    assert names(page) == wall[40:]
    page.get_by_role("link", name="From the beginning").click()
    page.get_by_label("Search names").fill("harbour")
    page.get_by_label("Most generated").check()
    page.get_by_role("button", name="Search").click()
    assert names(page) == ["N000"]
    assert "q=harbour" in page.url
    assert "sort=generated" in page.url
    page.get_by_role("link", name="night-rain").click()
    assert page.url.endswith("/loras?channel=night-rain")


def test_the_next_rows_come_below_and_the_focus_goes_on_to_them(open_wall, wall):
    page = open_wall()
    for shown in (40, 45):
        more = page.get_by_role("link", name="Show 20 more")
        more.focus()
        page.keyboard.press("Enter")
        expect(page.locator(NAMES)).to_have_count(shown)
        assert names(page) == wall[:shown]
        first = wall[20 if shown == 40 else 40]
        expect(page.get_by_role("link", name=first, exact=True)).to_be_focused()
    expect(page.get_by_role("link", name="Show 20 more")).to_have_count(0)


def test_a_choice_filters_at_once_and_is_an_address(open_wall, wall):
    page = open_wall()
    page.get_by_label("Character").check()
    expect(page.locator(NAMES)).to_have_count(15)
    expect(page).to_have_url(re.compile(r"/loras\?kind=character$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("LoRAs, 15 found")
    search = page.get_by_label("Search names")
    search.press_sequentially("n00")
    search.press("Enter")
    expect(page.locator(NAMES)).to_have_count(4)
    expect(search).to_be_focused()
    expect(search).to_have_value("n00")
    expect(page.get_by_label("Character")).to_be_checked()
    page.go_back()
    expect(page.locator(NAMES)).to_have_count(15)


def test_what_takes_long_shows_that_it_comes(open_wall, wall):
    page = open_wall()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.context.route("**/loras?*", hold)
    expect(page.locator("#loading")).not_to_be_visible()
    page.get_by_label("Character").check()
    expect(page.locator("#loading .strip").first).to_be_visible()
    held.pop().continue_()
    expect(page.locator(NAMES)).to_have_count(15)
    expect(page.locator("#loading")).not_to_be_visible()
    page.context.unroute("**/loras?*")


def test_a_failure_is_said_and_what_was_typed_stays(open_wall, wall, strict, monkeypatch):
    page = open_wall()
    find = Wall.find

    def fail(*_args: Any) -> Any:
        raise OperationalError

    monkeypatch.setattr(Wall, "find", fail)
    page.get_by_label("Search names").fill("harbour")
    page.get_by_role("button", name="Search").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The gallery did not load")
    expect(page.get_by_label("Search names")).to_have_value("harbour")
    strict.expect("503")
    monkeypatch.setattr(Wall, "find", find)
    alert.get_by_role("link", name="Try again").click()
    expect(page.locator(NAMES)).to_have_text(["N000"])


def test_the_owner_sees_their_own_work_on_top_even_while_filtering(open_wall, wall, live_server):
    owner = create_wallet()
    create_training(wallet=owner, status="training", percent=62, trigger_word="GLASSRAIN")
    client = Client()
    client.force_login(owner)
    page = open_wall("/licence")
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.goto("/loras")
    pinned = page.get_by_role("region", name="Yours, pinned above the public list")
    expect(pinned.get_by_role("link", name="GLASSRAIN", exact=True)).to_be_visible()
    page.get_by_label("Character").check()
    expect(page.locator(NAMES)).to_have_count(15)
    expect(pinned).to_contain_text("Training, 62%")


def test_a_view_that_is_none_is_a_page_without_barriers(open_wall, axe, strict):
    page = open_wall("/loras?kind=sculpture")
    strict.expect("400")
    expect(page.get_by_role("alert")).to_contain_text("no “sculpture” to choose")
    assert axe(page) == []
