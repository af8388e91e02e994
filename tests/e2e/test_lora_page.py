"""The page of a LoRA in a browser: slideshow, older images, dialogs, and without script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from playwright.sync_api import Page, expect

from tests.factories import create_wallet
from tests.gallery.exhibits import hang
from tests.trainings.conftest import media
from trainings.models import Training
from wallets.models import Wallet

__all__ = ["media"]

pytestmark = pytest.mark.django_db(transaction=True)

SWIPE = """([from, to]) => {
  const event = (type, x) => new PointerEvent(type, {
    bubbles: true, isPrimary: true, pointerType: "touch", clientX: x, clientY: 300,
  });
  const picture = document.querySelector("#slides [data-slide]");
  picture.dispatchEvent(event("pointerdown", from));
  picture.dispatchEvent(event("pointerup", to));
}"""


@pytest.fixture
def owner(transactional_db: None) -> Wallet:
    return create_wallet()


@pytest.fixture
def lora(owner: Wallet, media: Any, live_server: Any) -> Iterator[Training]:
    yield hang(wallet=owner, batches=8, images=2)
    SessionStore.get_model_class().objects.all().delete()


def sign_in(page: Page, wallet: Wallet) -> None:
    """Give the browser a session of the wallet, as signing in would."""
    client = Client()
    client.force_login(wallet)
    origin = page.url.partition("/loras")[0]
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": origin}])
    page.reload()


def number(page: Page) -> str:
    return page.locator("#slides [data-count]").inner_text()


def test_the_images_can_be_leafed_through_by_keyboard(open_page: Callable[..., Page], lora):
    page = open_page(f"/loras/{lora.pk}")
    frames = page.locator(".made a.frame")
    expect(frames).to_have_count(12)
    frames.nth(2).focus()
    page.keyboard.press("Enter")
    slides = page.locator("#slides")
    expect(slides).to_be_visible()
    assert number(page) == "3 / 12"
    for key, place in (
        ("ArrowRight", "4"),
        ("ArrowLeft", "3"),
        ("End", "12"),
        ("ArrowRight", "1"),
        ("ArrowLeft", "12"),
        ("Home", "1"),
        ("ArrowRight", "2"),
    ):
        page.keyboard.press(key)
        assert number(page) == f"{place} / 12"
    shown = slides.locator("[data-slide]")
    assert (shown.get_attribute("src") or "").endswith(str(frames.nth(1).get_attribute("href")))
    assert (shown.get_attribute("alt") or "").startswith("Generated: ")
    page.keyboard.press("Escape")
    expect(slides).to_be_hidden()
    expect(frames.nth(1)).to_be_focused()


def test_buttons_and_swipes_lead_on_too(open_page: Callable[..., Page], lora):
    page = open_page(f"/loras/{lora.pk}", width=390, has_touch=True)
    page.locator(".made a.frame").first.click()
    page.get_by_role("button", name="Next image").click()
    assert number(page) == "2 / 12"
    page.get_by_role("button", name="Previous image").click()
    assert number(page) == "1 / 12"
    page.evaluate(SWIPE, [300, 100])
    assert number(page) == "2 / 12"
    page.evaluate(SWIPE, [100, 300])
    assert number(page) == "1 / 12"
    page.evaluate(SWIPE, [100, 110])
    assert number(page) == "1 / 12"
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#slides")).to_be_hidden()


def test_older_images_come_into_the_page_and_into_the_slideshow(
    open_page: Callable[..., Page], lora
):
    page = open_page(f"/loras/{lora.pk}")
    page.get_by_role("link", name="Show older").click()
    expect(page.locator(".made a.frame")).to_have_count(16)
    expect(page.get_by_role("link", name="Show older")).to_have_count(0)
    page.locator(".made a.frame").first.click()
    page.keyboard.press("End")
    assert number(page) == "16 / 16"


def test_a_snippet_is_copied_as_it_stands(open_page: Callable[..., Page], lora):
    page = open_page(f"/loras/{lora.pk}", permissions=["clipboard-read", "clipboard-write"])
    page.locator("summary", has_text="diffusers").click()
    page.get_by_role("button", name="Copy diffusers").click()
    expect(page.get_by_role("button", name="Copied diffusers")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("pre:visible").inner_text()
    assert "load_lora_weights" in copied


def test_its_owner_renames_it_makes_it_private_and_deletes_it(
    open_page: Callable[..., Page], strict, lora, owner
):
    page = open_page(f"/loras/{lora.pk}")
    expect(page.get_by_role("link", name="Rename")).to_have_count(0)
    sign_in(page, owner)
    page.get_by_role("link", name="Rename").click()
    page.get_by_label("Name", exact=True).fill("Winter glazes")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".intro")).to_have_text("Winter glazes")
    page.get_by_role("button", name="Make private").click()
    expect(page.get_by_text("Private: only you see this page.")).to_be_visible()
    page.get_by_role("link", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"/loras/{lora.pk}/weights")
    dialog.get_by_role("link", name="Keep it").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    page.wait_for_url("**/trainings")
    lora.refresh_from_db()
    assert lora.deleted_at is not None
    assert page.goto(f"/loras/{lora.pk}").status == 404  # type: ignore[union-attr]
    strict.expect("404")


def test_without_a_name_it_stays_open_and_says_why(
    open_page: Callable[..., Page], strict, lora, owner
):
    page = open_page(f"/loras/{lora.pk}")
    sign_in(page, owner)
    page.get_by_role("link", name="Rename").click()
    page.get_by_label("Name", exact=True).fill("   ")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_contain_text("A LoRA needs a name.")
    strict.expect("422")


def test_it_can_be_read_without_script(open_page: Callable[..., Page], lora):
    page = open_page(f"/loras/{lora.pk}", java_script_enabled=False)
    frames = page.locator(".made a.frame")
    assert page.get_by_role("link", name="Download .safetensors").get_attribute("href")
    expect(frames).to_have_count(12)
    page.get_by_role("link", name="Show older").click()
    expect(frames).to_have_count(4)
    page.get_by_role("link", name="From the newest").click()
    expect(frames).to_have_count(12)
    image = page.request.get(str(frames.first.get_attribute("href")))
    assert image.headers["content-type"].startswith("image/")


def test_its_owner_needs_no_script_either(open_page: Callable[..., Page], lora, owner):
    page = open_page(f"/loras/{lora.pk}", java_script_enabled=False)
    sign_in(page, owner)
    page.get_by_role("link", name="Is it yours? Change or delete it").click()
    page.get_by_role("link", name="Hide images").click()
    page.get_by_role("button", name="Hide image 1").first.click()
    expect(page.get_by_role("button", name="Show image 1")).to_have_count(1)
    page.goto(f"/loras/{lora.pk}/edit")
    page.get_by_role("button", name="Hide it").click()
    expect(page.get_by_text("Hidden: it hangs on no wall")).to_be_visible()
    page.get_by_role("link", name="Is it yours? Change or delete it").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    page.wait_for_url("**/trainings")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 900, 1440])
def test_it_has_no_barriers_and_fits(
    open_page: Callable[..., Page], axe: Callable[[Page], list[str]], lora, width, theme
):
    page = open_page(f"/loras/{lora.pk}", width=width, theme=theme, bypass_csp=True)
    expect(page.get_by_text("generations a day")).to_be_visible()
    page.get_by_text("Hashes, sizes and trainer").click()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".made a.frame").first.click()
    assert axe(page) == []
