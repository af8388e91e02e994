"""The whole loop, from `/` to images in one's own words: by phone, by keyboard, and without script.

The worker, beat, the chain and the SDKs are real; the wallet is the demo wallet, as anybody has it
who has just typed `make run`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from datasets.decoding import Decoders
from generations.models import Generation
from sandbox.chain_accounts import DEMO_ACCOUNTS
from tests.datasets.photographs import jpeg
from tests.e2e.conftest import Strict
from tests.factories import create_generation
from tests.gallery.exhibits import hang, keep_images
from tests.world import at_work, sandbox, sandbox_process, site
from trainings.models import Training

__all__ = ["at_work", "sandbox", "sandbox_process", "site"]

pytestmark = pytest.mark.django_db(transaction=True)

ADA = f"{DEMO_ACCOUNTS[0].address[:6]}…{DEMO_ACCOUNTS[0].address[-4:]}"
PROMPT = "a heron on one leg in the shallows"
A_WHILE = 60_000
"""In milliseconds; a busy machine takes its time for a whole training."""


@pytest.fixture(scope="module", autouse=True)
def decoders() -> Iterator[None]:
    """No decoder is left behind."""
    yield
    Decoders.current.close()


def expect_to_fit(page: Page) -> None:
    """Nothing runs over the edge of the phone."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def expect_images_in_ones_own_words(lora: Training) -> None:
    """What the worker has drawn, and what it was asked to draw."""
    batch = Generation.objects.get()
    assert (batch.training, batch.status, batch.prompt) == (lora, "completed", PROMPT)
    assert batch.full_prompt == f"{PROMPT} in the style of {lora.trigger_word}"
    assert batch.images.count() == 4


@pytest.mark.usefixtures("at_work")
def test_by_phone(new_context: Callable[..., BrowserContext], site: str, tmp_path: Path) -> None:
    phone = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    context = new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce", **phone)
    page = context.new_page()
    page.goto(site)
    ticket = page.locator("#ticket")
    page.locator("label", has_text="Upload").first.tap()
    for seed in range(5):
        (tmp_path / f"{seed}.jpg").write_bytes(jpeg(seed, (600, 520)))
    page.locator("input[type=file]").set_input_files(sorted(tmp_path.glob("*.jpg")))
    expect(page.locator("#sheet input:checked")).to_have_count(5, timeout=A_WHILE)
    page.get_by_label("Trigger word").fill("HERONINK")
    expect(ticket.get_by_role("heading")).to_have_text("HERONINK")
    expect_to_fit(page)

    ticket.get_by_role("link", name="Connect wallet").tap()
    page.get_by_role("dialog").get_by_role("button", name="Demo wallet").tap()
    expect(ticket).to_contain_text(ADA)
    expect_to_fit(page)
    ticket.get_by_role("button", name="Pay $4 and train").tap()
    page.wait_for_url("**/trainings/*")
    lora = Training.objects.get()
    page.locator("pay-quote:defined").get_by_role("button", name="Pay $4", exact=True).tap()
    expect(page.locator("#progress .status")).to_have_text("Ready", timeout=A_WHILE)
    expect_to_fit(page)

    page.get_by_role("link", name="View in gallery").tap()
    expect(page.get_by_role("heading", name="HERONINK", level=1)).to_be_visible()
    expect_to_fit(page)
    page.locator("main").get_by_role("link", name="Generate images").tap()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Prompt", exact=True).fill(PROMPT)
    expect_to_fit(page)
    dialog.get_by_role("button", name="Generate 4 images").tap()
    expect(dialog.get_by_role("list", name="Results", exact=True).get_by_role("img")).to_have_count(
        4, timeout=A_WHILE
    )
    expect(dialog).to_contain_text("7 of 8 generations remaining today")
    dialog.get_by_role("link", name="Close").tap()
    expect(dialog).to_have_count(0)
    expect_images_in_ones_own_words(lora)
    page.reload()
    image = page.get_by_role("link", name="Image 1 of 4, open full size")
    expect(image).to_be_visible()
    expect(page.get_by_role("heading", name=PROMPT)).to_be_visible()

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Gallery").tap()
    expect(page.locator("#rows")).to_contain_text("HERONINK")
    expect(page.locator("#rows")).to_contain_text("4 generated")
    expect_to_fit(page)


class Keyboard:
    """Somebody with nothing but a keyboard, who must see where they are."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def go_to(self, target: Locator) -> None:
        """Press Tab until the target has the focus, and shows it."""
        expect(target).to_be_visible(timeout=A_WHILE)
        for _press in range(200):
            if target.evaluate("(node) => node === document.activeElement"):
                assert target.evaluate("(node) => node.matches(':focus-visible')"), target
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {target}")

    def press(self, target: Locator, key: str = "Enter") -> None:
        self.go_to(target)
        self.page.keyboard.press(key)

    def type(self, target: Locator, words: str) -> None:
        self.go_to(target)
        self.page.keyboard.type(words)


@pytest.mark.usefixtures("at_work")
def test_by_keyboard_alone(new_context: Callable[..., BrowserContext], site: str) -> None:
    page = new_context(reduced_motion="reduce").new_page()
    keyboard = Keyboard(page)
    page.goto(site)
    ticket = page.locator("#ticket")
    keyboard.type(page.get_by_label("Channel link"), "https://www.are.na/kiln-room/glaze-tests")
    page.keyboard.press("Enter")
    expect(page.locator("#sheet input:checked")).to_have_count(15, timeout=A_WHILE)
    expect(page.get_by_text("Loading from Are.na")).to_have_count(0, timeout=A_WHILE)
    keyboard.press(page.locator("#sheet input:checked").last, "Space")
    expect(ticket).to_contain_text("Images14")
    keyboard.type(page.get_by_label("Trigger word"), "KILNGLZ")
    expect(ticket.get_by_role("heading")).to_have_text("KILNGLZ")

    keyboard.press(ticket.get_by_role("link", name="Connect wallet"))
    keyboard.press(page.get_by_role("dialog").get_by_role("button", name="Demo wallet"))
    expect(ticket).to_contain_text(ADA)
    keyboard.press(ticket.get_by_role("button", name="Pay $4 and train"))
    page.wait_for_url("**/trainings/*")
    lora = Training.objects.get()
    keyboard.press(
        page.locator("pay-quote:defined").get_by_role("button", name="Pay $4", exact=True)
    )
    expect(page.locator("#progress .status")).to_have_text("Ready", timeout=A_WHILE)

    keyboard.press(page.get_by_role("link", name="View in gallery"))
    opener = page.locator("main").get_by_role("link", name="Generate images")
    keyboard.press(opener)
    dialog = page.get_by_role("dialog")
    keyboard.type(dialog.get_by_label("Prompt", exact=True), PROMPT)
    keyboard.press(dialog.get_by_role("button", name="Generate 4 images"))
    results = dialog.get_by_role("list", name="Results", exact=True).get_by_role("link")
    expect(results).to_have_count(4, timeout=A_WHILE)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    expect_images_in_ones_own_words(lora)

    page.reload()
    keyboard.press(page.get_by_role("link", name="Image 1 of 4, open full size"))
    slides = page.get_by_role("dialog", name="Generated images")
    expect(slides).to_contain_text("1 / 4")
    page.keyboard.press("ArrowRight")
    expect(slides).to_contain_text("2 / 4")
    page.keyboard.press("Escape")
    expect(slides).to_be_hidden()


@pytest.fixture
def media(settings: Any, base_url: str, tmp_path: Path) -> None:
    """A disk of the test's own, whose files have addresses on the live server."""
    settings.SITE_URL = base_url
    options = {"location": str(tmp_path / "media"), "base_url": None}
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "datasets.storage.DiskStorage", "OPTIONS": options}
    }


@pytest.mark.usefixtures("no_demo_wallet", "media")
def test_without_script_everything_can_be_read_and_taken(
    open_page: Callable[..., Page], strict: Strict, tmp_path: Path
) -> None:
    for number in range(21):
        hang(trigger_word=f"WORD{number}", name=f"Set {number}")
    oldest = Training.objects.get(trigger_word="WORD0")
    for number in range(8):
        words = {"prompt": f"heron {number}", "full_prompt": f"WORD0, heron {number}"}
        keep_images(create_generation(training=oldest, images=1, **words))

    page = open_page("/loras", width=390, java_script_enabled=False, accept_downloads=True)
    expect(page.locator("#rows > li:not(.rest) .strip")).to_have_count(20)
    expect(page.locator("#rows")).not_to_contain_text("WORD0 ")
    page.get_by_role("link", name="Show 20 more").click()
    page.get_by_role("link", name="WORD0", exact=True).click()
    expect(page.get_by_role("heading", name="WORD0", level=1)).to_be_visible()
    headings = page.locator("article.batch h3")
    expect(headings).to_have_count(6)
    expect(headings.first).to_contain_text("heron 7")
    page.get_by_role("link", name="Show older").click()
    expect(headings).to_have_count(2)
    expect(headings.last).to_contain_text("heron 0")

    for label, content in (("Download .safetensors", b"not really weights"), ("Config", b"{}")):
        with page.expect_download() as started:
            page.get_by_role("link", name=label).click()
        started.value.save_as(tmp_path / "taken")
        assert (tmp_path / "taken").read_bytes() == content
    page.get_by_role("link", name="Image 1 of 1, open full size").first.click()
    expect(page.locator("img")).to_be_visible()
    assert page.evaluate("document.images[0].naturalWidth") > 0
    strict.expect("inline style")  # Chromium's own page around an image has some.
