"""Signing in with a wallet that somebody has installed, in a real browser with a real key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.injected_wallet import InjectedWallet
from tests.processes import wait_until

ALLOWED_METHODS = {
    "eth_requestAccounts",
    "eth_accounts",
    "eth_chainId",
    "personal_sign",
    "wallet_switchEthereumChain",
    "wallet_addEthereumChain",
}


@pytest.fixture(autouse=True)
def no_demo_wallet(settings: Any) -> None:
    settings.DEMO_WALLET = False


@pytest.fixture
def wallet() -> InjectedWallet:
    return InjectedWallet()


@pytest.fixture
def open_with(new_context: Callable[..., Any], live_server: Any) -> Callable[..., Page]:
    """`open_with(wallet, "/")`: a page in a new browser where the wallet is installed."""

    def open_with(
        wallet: InjectedWallet, path: str = "/", *, announce: bool = True, legacy: bool = False
    ) -> Page:
        context = new_context()
        wallet.install(context, announce=announce, legacy=legacy)
        page = context.new_page()
        page.goto(live_server.url + path)
        return page

    return open_with


def open_dialog(page: Page) -> Any:
    page.locator("#account").get_by_role("link", name="Connect").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def sign_in(page: Page, wallet: InjectedWallet) -> None:
    open_dialog(page).get_by_role("button", name=wallet.info["name"]).click()
    expect(page.locator("#account")).to_contain_text(wallet.short)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_connect_sign_in_reload_switch_the_account_sign_out(open_with, wallet):
    page = open_with(wallet, "/loras?q=plants")
    heard = "document.addEventListener('signed-in', (event) => { window.heard = event.detail; })"
    page.evaluate(heard)
    sign_in(page, wallet)
    assert page.url.endswith("/loras?q=plants")
    assert page.evaluate("window.heard") == {"address": wallet.address}
    first = wallet.short

    page.reload()
    expect(page.locator("#account")).to_contain_text(first)
    notice = page.locator("[data-notice]")
    expect(notice).to_be_hidden()

    wait_until(lambda: page.evaluate("testWallet.listeners()") == 3)
    wallet.switch_account(page)
    second = wallet.short
    expect(notice).to_contain_text(f"Signed in as {first}, your wallet shows {second}.")
    notice.get_by_role("link", name=f"Sign in as {second}").click()
    page.get_by_role("dialog").get_by_role("button", name="Test Wallet").click()
    expect(page.locator("#account")).to_contain_text(second)
    expect(notice).to_be_hidden()

    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#account")).to_contain_text("Connect")
    page.go_back()
    expect(page.locator("#account")).to_contain_text("Connect")
    assert set(wallet.calls) <= ALLOWED_METHODS


LATE = """
const ask = window.injectedWallet;
window.injectedWallet = async (request) => {
  const answer = await ask(request);
  if (request.method === "eth_accounts") await new Promise((go) => { window.go = go; });
  return answer;
};
"""
"""The wallet says which account it shows when the test calls `go`."""


def test_what_a_wallet_tells_meanwhile_is_newer_than_its_late_answer(open_with, wallet):
    page = open_with(wallet)
    sign_in(page, wallet)
    page.add_init_script(LATE)
    page.reload()
    wait_until(lambda: page.evaluate("testWallet.listeners() === 3 && 'go' in window"))
    wallet.switch_account(page)
    page.evaluate("go()")
    page.wait_for_timeout(200)
    expect(page.locator("[data-notice]")).to_contain_text(f"your wallet shows {wallet.short}.")


def test_a_page_that_needs_a_wallet_opens_after_signing_in(open_with, wallet):
    page = open_with(wallet, "/wallet")
    page.get_by_role("button", name="Test Wallet").click()
    expect(page.get_by_role("heading", name="Your wallet")).to_be_visible()
    expect(page.locator("main")).to_contain_text(wallet.address)
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.locator("#account")).to_contain_text("Connect")


def test_signing_in_changes_no_chain(open_with, wallet):
    wallet.chain = "0x1"
    sign_in(open_with(wallet), wallet)
    assert set(wallet.calls) == {"eth_requestAccounts", "personal_sign", "eth_accounts"}


def test_forms_that_were_open_still_work_after_signing_in(open_with, wallet):
    page = open_with(wallet, "/connect")
    page.evaluate("document.querySelector('main').replaceChildren()")
    page.evaluate(
        """async () => {
            const page = await (await fetch("/connect")).text();
            const field = page.match(/<input type="hidden" name="csrfmiddlewaretoken".*?>/)[0];
            document.querySelector("main").innerHTML =
                `<form method="post" action="/disconnect">${field}<button>Old form</button></form>`;
        }"""
    )
    page.evaluate("history.replaceState(null, '', '/')")
    sign_in(page, wallet)
    page.get_by_role("button", name="Old form").click()
    expect(page.locator("#account")).to_contain_text("Connect")


def test_a_form_outlives_the_cookie_that_it_came_with(open_with, wallet):
    """Parts of a page arrive side by side, each with a cookie of its own; the last one counts."""
    page = open_with(wallet)
    sign_in(page, wallet)
    page.context.clear_cookies(name="csrftoken")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#account")).to_contain_text("Connect")


@pytest.mark.parametrize(
    ("method", "code", "words"),
    [
        ("eth_requestAccounts", 4001, "You closed the wallet request. Nothing was charged."),
        ("personal_sign", 4001, "You closed the wallet request. Nothing was charged."),
        ("eth_requestAccounts", -32002, "Your wallet already has a request open."),
        ("personal_sign", 4100, "has not given this page access"),
        ("personal_sign", 4200, "cannot sign in to websites"),
        ("eth_requestAccounts", 4900, "lost its connection"),
        ("personal_sign", -32603, "did not answer as it should"),
    ],
)
def test_what_the_wallet_refuses_is_said_in_words(open_with, wallet, method, code, words):
    page = open_with(wallet)
    wallet.refuse = {method: code}
    dialog = open_dialog(page)
    button = dialog.get_by_role("button", name="Test Wallet")
    button.click()
    expect(dialog.get_by_role("alert")).to_contain_text(words)
    expect(dialog.get_by_role("status")).to_be_hidden()

    wallet.refuse = {}
    button.click()
    expect(page.locator("#account")).to_contain_text(wallet.short)


def test_what_the_server_refuses_is_said_in_its_words(open_with, wallet, settings, strict):
    settings.ALLOWED_WALLETS = ["0x" + "11" * 20]
    dialog = open_dialog(open_with(wallet))
    dialog.get_by_role("button", name="Test Wallet").click()
    expect(dialog.get_by_role("alert")).to_contain_text("open to some wallets only")
    strict.expect("403")
    assert "personal_sign" not in wallet.calls


def test_a_wallet_that_is_slow_is_waited_for_with_words_and_not_for_ever(open_with, wallet):
    page = open_with(wallet)
    page.clock.install()
    wallet.hang = {"personal_sign"}
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Test Wallet").click()
    status = dialog.get_by_role("status")
    expect(status).to_have_text("Sign the text in Test Wallet.")
    expect(dialog.get_by_role("button", name="Test Wallet")).to_be_disabled()
    expect(dialog.get_by_role("button", name="Test Wallet")).to_be_focused()
    page.clock.run_for(21_000)
    expect(status).to_contain_text("its window may be behind this one")
    page.clock.run_for(300_000)
    expect(dialog.get_by_role("alert")).to_contain_text("did not answer in time")
    expect(dialog.get_by_role("button", name="Test Wallet")).to_be_enabled()


@pytest.mark.parametrize("closes", ["before", "at the same moment"])
def test_whoever_closes_the_dialog_is_not_signed_in_afterwards(open_with, wallet, closes):
    page = open_with(wallet)
    page.evaluate(
        """() => {
            const ask = window.injectedWallet;
            window.injectedWallet = async (request) => {
                const answer = await ask(request);
                const signs = request.method === "personal_sign";
                if (signs) await new Promise((go) => { window.go = go; });
                return answer;
            };
        }"""
    )
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Test Wallet").click()
    wait_until(lambda: page.evaluate("Boolean(window.go)"))
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    if closes == "before":
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        page.evaluate("go()")
    else:
        page.evaluate("document.querySelector('dialog').close(); go()")
    page.evaluate("new Promise((go) => setTimeout(go, 100))")
    page.evaluate("fetch('/?later')")
    assert [url.rpartition("/")[2] for url in requested] == ["?later"]
    page.reload()
    expect(page.locator("#account")).to_contain_text("Connect")


def test_changes_in_the_wallet_are_said(open_with, wallet):
    page = open_with(wallet)
    sign_in(page, wallet)
    notice = page.locator("[data-notice]")
    wait_until(lambda: page.evaluate("testWallet.listeners()") == 3)
    wallet.emit(page, "chainChanged", "0x1")
    expect(notice).to_contain_text("Your wallet is on Ethereum now. Payments are made on Base.")
    wallet.emit(page, "accountsChanged", [])
    expect(notice).to_contain_text(f"You are still signed in as {wallet.short}.")
    expect(notice).to_contain_text("on Ethereum now")
    wallet.emit(page, "accountsChanged", [wallet.address.lower()])
    wallet.emit(page, "chainChanged", "0x2105")
    expect(notice).to_be_hidden()
    wallet.emit(page, "disconnect", {"code": 4900})
    expect(notice).to_contain_text("is locked or has disconnected")


def test_a_wallet_that_shows_another_account_on_arrival_is_noticed(open_with, wallet):
    page = open_with(wallet)
    sign_in(page, wallet)
    first = wallet.short
    wallet.accounts.reverse()
    page.reload()
    notice = page.locator("[data-notice]")
    expect(notice).to_contain_text(f"Signed in as {first}, your wallet shows {wallet.short}.")


def test_a_locked_wallet_is_nothing_to_talk_about_on_arrival(open_with, wallet):
    page = open_with(wallet)
    sign_in(page, wallet)
    wallet.locked = True
    page.reload()
    wait_until(lambda: page.evaluate("testWallet.listeners()") == 3)
    expect(page.locator("[data-notice]")).to_be_hidden()


def test_the_wallet_that_signed_in_last_comes_first(open_with, wallet):
    page = open_with(wallet, announce=False)
    dialog = open_dialog(page)
    missing = dialog.locator("[data-missing]")
    expect(missing).to_be_visible()
    page.evaluate("testWallet.say()")
    dialog.get_by_role("button", name="Test Wallet").click()
    expect(page.locator("#account")).to_contain_text(wallet.short)
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#account")).to_contain_text("Connect")
    open_dialog(page)
    expect(missing).to_be_visible()
    page.evaluate(
        """() => {
            const info = {uuid: "1", name: "Another", icon: "", rdns: "another"};
            const detail = {info, provider: {request() {}}};
            dispatchEvent(new CustomEvent("eip6963:announceProvider", {detail}));
        }"""
    )
    names = dialog.locator("[data-wallets] button")
    expect(names).to_have_text(["Another"])
    page.evaluate("testWallet.say()")
    expect(names).to_have_text(["Test Wallet used last", "Another"])
