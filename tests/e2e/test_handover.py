"""The pictures are on the desktop and the wallet is on the phone: one draft, two browsers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.test_train import (
    A_WHILE,
    Payer,
    connect,
    decoders,
    expect_good_weights,
    pay,
    start,
    upload,
    wallet,
)
from tests.world import at_work, sandbox, sandbox_process, site
from trainings.models import Training

__all__ = ["at_work", "decoders", "sandbox", "sandbox_process", "site", "wallet"]

pytestmark = [
    pytest.mark.usefixtures("no_demo_wallet"),
    pytest.mark.django_db(transaction=True),
]

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "reduced_motion": "reduce",
    "accept_downloads": True,
}


@pytest.fixture
def desktop(new_context: Callable[..., BrowserContext], site: str) -> Page:
    """The front page, in a browser without a wallet."""
    page = new_context(reduced_motion="reduce").new_page()
    page.goto(site)
    return page


def offer(page: Page) -> str:
    """Ask for the code, and return the link that it holds."""
    page.locator("#ticket").get_by_role("link", name="Connect wallet").click()
    page.get_by_role("button", name="Use a wallet on your phone").click()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    link = page.get_by_role("button", name="Copy the link").get_attribute("data-copy")
    assert link
    return link


@pytest.mark.usefixtures("at_work")
def test_from_the_desktops_pictures_to_weights_by_the_phones_wallet(
    desktop: Page,
    new_context: Callable[..., BrowserContext],
    wallet: Payer,
    tmp_path: Any,
    axe: Callable[[Page], list[str]],
    strict: Any,
):
    upload(desktop, tmp_path, 4)
    desktop.get_by_label("Trigger word").fill("TWODEVICES")
    desktop.get_by_label("Caption for image 1").first.fill("a teal vase")
    link = offer(desktop)
    assert axe(desktop) == []
    dialog = desktop.get_by_role("dialog")
    expect(dialog).to_contain_text("4 images and your settings go along.")

    context = new_context(**PHONE)
    wallet.install(context)
    phone = context.new_page()
    phone.goto(link)
    expect(phone.locator("main")).to_contain_text("4 images and the settings of TWODEVICES")
    assert axe(phone) == []
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.get_by_role("button", name="Go on here").click()
    expect(phone.get_by_label("Trigger word")).to_have_value("TWODEVICES")
    expect(phone.get_by_label("Caption for image 1").first).to_have_value("a teal vase")
    expect(dialog).to_contain_text("It is open there.")

    connect(phone, wallet)
    training = start(phone)
    expect(dialog).to_contain_text("Waiting for the payment there", timeout=A_WHILE)
    pay(phone)
    expect(dialog).to_contain_text("Paid. The training has begun.", timeout=A_WHILE)
    assert axe(desktop) == []
    expect_good_weights(phone, training, tmp_path)

    dialog.get_by_role("button", name="Close").click()
    expect(desktop.get_by_label("Trigger word")).to_have_value("TWODEVICES")
    assert Training.objects.count() == 1


def test_a_phone_without_a_wallet_takes_its_pictures_into_a_wallets_browser(
    new_context: Callable[..., BrowserContext], site: str, tmp_path: Any
):
    page = new_context(**PHONE).new_page()
    page.goto(site)
    upload(page, tmp_path, 4)
    page.locator("#ticket").get_by_role("link", name="Connect wallet").click()
    links = page.get_by_role("dialog").locator("#handover a")
    expect(links).to_have_count(5)
    link = str(links.first.get_attribute("href"))
    bare = site.partition("://")[2]
    assert link.startswith(f"https://link.metamask.io/dapp/{bare}/h/")

    wallets_own = new_context(**PHONE).new_page()
    wallets_own.goto(f"{site}/h/{link.rpartition('/')[2]}")
    wallets_own.get_by_role("button", name="Go on here").click()
    expect(wallets_own.locator("#sheet input:checked")).to_have_count(4)
