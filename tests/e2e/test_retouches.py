"""Captions and cut-outs in a real browser, by a real worker and the sandbox's fal.ai."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from datasets.decoding import Decoders, develop
from datasets.models import Dataset
from tests.datasets.photographs import jpeg
from tests.e2e.injected_wallet import InjectedWallet
from tests.factories import create_wallet
from tests.world import at_work, sandbox, sandbox_process, site
from wallets.models import Wallet

__all__ = ["at_work", "sandbox", "sandbox_process", "site"]

pytestmark = [
    pytest.mark.usefixtures("no_demo_wallet"),
    pytest.mark.django_db(transaction=True),
]
STYLE = Path(__file__).resolve().parents[2] / "static" / "img" / "style"
A_WHILE = 60_000
"""In milliseconds; a busy machine takes its time."""


@pytest.fixture(scope="module", autouse=True)
def decoders() -> Iterator[None]:
    """No decoder is left behind."""
    yield
    Decoders.current.close()


@pytest.fixture
def alice(db: None) -> Wallet:
    return create_wallet()


@pytest.fixture
def draft(alice: Wallet) -> Dataset:
    """Four photographs, without captions."""
    draft = Dataset.objects.create(kind="draft", wallet=alice)
    for number in range(4):
        file = io.BytesIO()
        with Image.open(STYLE / f"set-{number:02}.avif") as image:
            image.convert("RGB").resize((600, 600)).save(file, "JPEG")
        draft.add_upload(develop(file.getvalue()), name=f"{number}.jpg")
    return draft


@pytest.fixture
def signed_in(
    new_context: Callable[..., BrowserContext], alice: Wallet, live_server: Any
) -> Callable[..., Page]:
    """`signed_in(color_scheme="dark")`: a page of a browser in which Alice is signed in."""

    def signed_in(**options: Any) -> Page:
        context = new_context(reduced_motion="reduce", **options)
        client = Client()
        client.force_login(alice)
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        return context.new_page()

    return signed_in


def caption(page: Page, number: int) -> Any:
    return page.get_by_label(f"Caption for image {number}", exact=True)


@pytest.mark.usefixtures("at_work")
def test_the_rest_is_captioned_while_somebody_types(signed_in, draft, sandbox, axe):
    slow = {"match": {"path": "/fal/queue/fal-ai/florence*"}, "do": "pace", "times": None}
    sandbox.script(slow | {"queued": 0.2, "working": 3.0})
    page = signed_in()
    page.goto(f"/datasets/{draft.pk}")
    caption(page, 1).fill("a jar, by hand")
    page.get_by_role("button", name="Write 3 missing captions").click()
    expect(page.get_by_text("of 3 done.")).to_be_visible()
    assert axe(page) == []
    caption(page, 2).press_sequentially("typed meanwhile", delay=20)
    automatic = page.locator("#captions .auto")
    expect(automatic).to_have_count(2, timeout=A_WHILE)
    expect(page.get_by_text("of 3 done.")).to_have_count(0, timeout=A_WHILE)
    expect(page.get_by_text("2 captions are automatic.")).to_be_visible()
    expect(caption(page, 1)).to_have_value("a jar, by hand")
    expect(caption(page, 2)).to_have_value("typed meanwhile")
    for number in (3, 4):
        expect(caption(page, number)).to_have_value(re.compile("^Simulated caption: "))
    expect(caption(page, 3)).to_have_accessible_description("Automatic")
    assert axe(page) == []

    with page.expect_response("**/caption"):
        caption(page, 3).press_sequentially(", in the rain")
    expect(automatic).to_have_count(1)
    page.reload()
    expect(automatic).to_have_count(1)
    written = list(draft.pictures.values_list("caption", "caption_is_automatic"))
    assert written[:2] == [("a jar, by hand", False), ("typed meanwhile", False)]
    assert not written[2][1]
    assert written[3][1]
    assert page.get_by_role("button", name="missing caption").count() == 0


@pytest.mark.usefixtures("at_work")
def test_a_background_is_removed_and_comes_back(signed_in, draft, axe):
    page = signed_in()
    page.goto(f"/datasets/{draft.pk}")
    image = page.locator("#captions li img").first
    before = image.get_attribute("src")
    page.get_by_role("button", name="Remove the background of image 1").click()
    back = page.get_by_role("button", name="Put the background of image 1 back")
    expect(back).to_be_visible(timeout=A_WHILE)
    cut_out = image.get_attribute("src")
    assert cut_out != before
    assert page.locator("#sheet img").first.get_attribute("src") == cut_out
    assert axe(page) == []
    back.click()
    again = page.get_by_role("button", name="Remove the background of image 1")
    expect(again).to_be_visible()
    assert image.get_attribute("src") not in {before, cut_out}
    again.click()
    expect(back).to_be_visible()


def test_whoever_has_no_wallet_connects_first_and_stays_where_they_are(new_context, site, tmp_path):
    wallet = InjectedWallet()
    context = new_context(reduced_motion="reduce")
    wallet.install(context)
    page = context.new_page()
    page.goto(site)
    paths = [tmp_path / f"{seed}.jpg" for seed in range(2)]
    for seed, path in enumerate(paths):
        path.write_bytes(jpeg(seed, (600, 520)))
    page.get_by_role("radio", name="Upload").check()
    page.locator("input[type=file]").set_input_files(paths)
    expect(caption(page, 2)).to_be_visible(timeout=A_WHILE)
    caption(page, 1).fill("a jar")
    page.get_by_role("link", name="Write 2 missing captions").click()
    page.get_by_role("dialog").get_by_role("button", name=wallet.info["name"]).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    button = page.get_by_role("button", name="missing caption")
    expect(button).to_have_text("Write 1 missing caption")
    expect(caption(page, 1)).to_have_value("a jar")
    button.click()
    expect(page.get_by_text("0 of 1 done.")).to_be_visible()
