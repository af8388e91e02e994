"""The pages of programs and of operation in a real browser: API keys, the API's page, the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Page, expect

from tests.factories import create_generation, create_training, create_wallet
from tests.loratrainer.test_second_factor import shown_by
from wallets.models import Wallet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_demo_wallet")]


@pytest.fixture
def alice() -> Wallet:
    return create_wallet(cents=400)


@pytest.fixture
def open_as_alice(
    open_page: Callable[..., Page], alice: Wallet, base_url: str
) -> Callable[..., Page]:
    """`open_page` for Alice, with her session."""

    def open_as_alice(path: str, **options: Any) -> Page:
        client = Client()
        client.force_login(alice)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base_url}
        page = open_page("/api/docs", **options)
        page.context.add_cookies([cookie])
        page.goto(path)
        return page

    return open_as_alice


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1440, "light")])
def test_a_key_is_made_copied_and_revoked(open_as_alice, alice, axe, width, theme):
    page = open_as_alice("/wallet", width=width, theme=theme)
    page.get_by_role("link", name="API keys for programs of yours").click()
    page.get_by_label("What is it for?").fill("My script")
    page.get_by_role("button", name="Make a key").click()
    secret = page.get_by_role("textbox", name="Your new key, My script").input_value()
    assert secret.startswith("lt_")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    answer = page.request.get("/api/loras", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 200
    page.get_by_role("button", name="Revoke My script").click()
    expect(page.get_by_text("No key yet.")).to_be_visible()
    assert not alice.api_keys.exists()


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (900, "dark"), (1440, "light")])
def test_the_api_is_explained(open_page, axe, width, theme):
    page = open_page("/api/docs", width=width, theme=theme)
    page.get_by_role("link", name="Generate images", exact=True).click()
    expect(page.get_by_role("heading", name="Generate images", exact=True)).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe(page) == []


def test_the_admin_works_under_the_strict_policy(open_as_alice, alice, settings):
    settings.ADMIN_WALLETS = [alice.address]
    lora = create_training(status="completed", trigger_word="LOUDWORD")
    create_generation(training=lora)
    page = open_as_alice("/admin")
    page.get_by_role("main").get_by_role("link", name="Trainings").last.click()
    expect(page.get_by_role("cell", name="LOUDWORD: Glaze tests")).to_be_visible()
    page.get_by_role("checkbox", name=str(lora.pk)).check()
    expect(page.get_by_text("1 of 1 selected")).to_be_visible()
    page.get_by_role("combobox", name="Action").select_option("Hide from the wall")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("Hidden: 1 row.")).to_be_visible()
    lora.refresh_from_db()
    assert lora.hidden_by == alice
    page.get_by_role("link", name=str(lora.pk)).click()
    expect(page.get_by_text("LOUDWORD")).to_be_visible()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("cell", name="Hidden")).to_be_visible()
    for table in ("payments/entry", "generations/generatedimage", "wallets/wallet"):
        page.goto(f"/admin/{table}/")
        expect(page.get_by_role("heading").first).to_be_visible()


def test_an_admin_enrols_a_phone_and_reads_what_was_earned(open_as_alice, alice, settings, axe):
    settings.ADMIN_WALLETS, settings.ADMIN_SECOND_FACTOR = [alice.address], True
    create_training(wallet=create_wallet(cents=400)).collect()
    page = open_as_alice("/admin/margin", width=390, theme="dark")
    expect(page.get_by_role("img", name="The QR code of the key below")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("textbox", name="Code").fill(shown_by(TOTPDevice.objects.get()))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Keep these recovery codes")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Costs and margin")).to_be_visible()
    expect(page.get_by_role("row", name="All of these")).to_contain_text("$4")
    page.wait_for_load_state()  # The style sheet of this page may still be on its way.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe(page) == []
