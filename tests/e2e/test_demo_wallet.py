"""A newcomer without a wallet goes the whole way with the demo wallet of a real sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sandbox.chain_accounts import DEMO_ACCOUNTS
from tests.sandbox_process import SandboxProcess

ADA, BEN = (f"{account.address[:6]}…{account.address[-4:]}" for account in DEMO_ACCOUNTS[:2])


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as process:
        yield process


@pytest.fixture(autouse=True)
def sandbox(settings: Any, process: SandboxProcess) -> SandboxProcess:
    settings.SANDBOX_URL = process.url
    settings.CHAIN_RPC_URL = f"{process.url}/chain"
    return process


def sign_in(page: Page, name: str) -> None:
    page.locator("#account").get_by_role("link", name="Connect").click()
    page.get_by_role("dialog").get_by_role("button", name="Demo wallet").click()
    expect(page.locator("#account")).to_contain_text(name)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_connect_sign_in_reload_switch_the_account_sign_out(open_page):
    page = open_page("/")
    sign_in(page, ADA)
    page.reload()
    expect(page.locator("#account")).to_contain_text(ADA)
    notice = page.locator("[data-notice]")
    expect(notice).to_be_hidden()

    page.locator("#account").get_by_role("link", name="Your wallet").click()
    expect(page.locator("main")).to_contain_text(DEMO_ACCOUNTS[0].address)
    page.get_by_label("Account of the demo wallet").select_option(label=f"Ben {BEN}")
    expect(notice).to_contain_text(f"Signed in as {ADA}, your wallet shows {BEN}.")
    page.reload()
    expect(notice).to_contain_text(f"Signed in as {ADA}, your wallet shows {BEN}.")
    notice.get_by_role("link", name=f"Sign in as {BEN}").click()
    page.get_by_role("dialog").get_by_role("button", name="Demo wallet").click()
    expect(page.locator("main")).to_contain_text(DEMO_ACCOUNTS[1].address)
    expect(notice).to_be_hidden()

    page.locator("main").get_by_role("button", name="Sign out", exact=True).click()
    expect(page.locator("#account")).to_contain_text("Connect")


def test_the_account_can_be_chosen_before_signing_in(open_page):
    page = open_page("/connect")
    page.get_by_label("Account of the demo wallet").select_option(label=f"Ben {BEN}")
    page.get_by_role("button", name="Demo wallet").click()
    expect(page.locator("#account")).to_contain_text(BEN)


def test_a_choice_in_one_tab_is_noticed_in_the_other(open_page):
    page = open_page("/")
    sign_in(page, ADA)
    other = page.context.new_page()
    other.goto(page.url + "wallet")
    other.get_by_label("Account of the demo wallet").select_option(label=f"Ben {BEN}")
    expect(page.locator("[data-notice]")).to_contain_text(f"your wallet shows {BEN}")


def test_while_the_sandbox_is_away_the_page_says_so(open_page, settings, strict):
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    settings.CHAIN_RPC_URL = "http://127.0.0.1:9/chain"
    page = open_page("/connect")
    expect(page.locator("main")).to_contain_text("the sandbox does not answer")
    page.get_by_role("button", name="Demo wallet").click()
    expect(page.get_by_role("alert")).to_contain_text("Your wallet has lost its connection.")
    strict.expect("503")


def test_without_the_sandboxs_chain_there_is_no_demo_wallet(open_page, settings):
    settings.CHAIN_RPC_URL = "https://mainnet.base.org"
    page = open_page("/connect")
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.reload()
    expect(page.locator("[data-missing]")).to_be_visible()
    assert not [url for url in requested if "demo.js" in url or "sandbox" in url]
