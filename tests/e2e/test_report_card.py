"""The report card in a browser: it scrolls within itself, by keyboard too, and fills by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from generations.models import ReportCard
from tests.gallery.exhibits import hang, keep_images
from tests.generations.test_report_cards import end, ordered
from tests.processes import wait_until
from tests.trainings.conftest import media
from trainings.models import Training

__all__ = ["media"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lora(media: Any, live_server: Any) -> Training:
    return hang(batches=1, trigger_word="KILNGLZ")


def draw(card: ReportCard, *, without: int = 0) -> None:
    """Let its cells be over, with files; so many of them have failed."""
    for number, batch in enumerate(card.batches.order_by("scale", "prompt")):
        if batch.is_over:
            continue
        end(batch, images=0 if number < without else 1)
        keep_images(batch, seed=number % 5)


def sideways(page: Page) -> int:
    """By how many pixels the page itself can be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_it_has_no_barriers_and_scrolls_within_itself(
    open_page: Callable[..., Page], axe: Callable[..., Any], lora: Training, width: int, theme: str
):
    card = ordered(lora)
    draw(card, without=1)
    card.complete(1.0)
    page = open_page(f"/loras/{lora.pk}", width=width, theme=theme)
    expect(page.locator(".report td a.frame")).to_have_count(11)
    assert axe(page) == []
    assert sideways(page) <= 0
    scroll = page.locator(".report .scroll")
    can_scroll = scroll.evaluate("box => box.scrollWidth > box.clientWidth")
    assert can_scroll is (width == 390)
    if can_scroll:
        scroll.focus()
        page.keyboard.press("ArrowRight")
        wait_until(lambda: scroll.evaluate("box => box.scrollLeft") > 0)


def test_its_images_are_leafed_through_like_the_others(open_page: Callable[..., Page], lora):
    card = ordered(lora)
    draw(card)
    card.complete(1.0)
    page = open_page(f"/loras/{lora.pk}")
    page.locator(".report a.frame").nth(1).click()
    slides = page.locator("#slides")
    expect(slides.locator("[data-count]")).to_have_text("2 / 16")
    expect(slides.locator("[data-caption]")).to_contain_text("Generated at strength 1: ")


def test_it_fills_up_by_itself_and_keeps_the_focus(open_page: Callable[..., Page], lora):
    card = ordered(lora)
    page = open_page(f"/loras/{lora.pk}")
    report = page.locator(".report")
    expect(report.locator(".none")).to_have_count(12)
    report.locator(".scroll").focus()
    draw(card)
    card.complete(1.5)
    expect(report.locator("a.frame")).to_have_count(12, timeout=10_000)
    expect(report.locator("thead .best")).to_contain_text("1.5")
    assert page.evaluate("document.activeElement.className") == "scroll"
    assert report.get_attribute("hx-get") is None


def test_it_is_read_without_script(open_page: Callable[..., Page], lora):
    card = ordered(lora)
    draw(card)
    card.complete(1.0)
    page = open_page(f"/loras/{lora.pk}", java_script_enabled=False)
    expect(page.locator(".report td a.frame")).to_have_count(12)
    expect(page.locator(".verdict")).to_contain_text("Looks most like the training images")
