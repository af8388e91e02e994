"""Paying in a real browser: a wallet with a real key, a real chain, a worker in the test's hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from payments.models import Quote
from tests.e2e.conftest import close_tab, hold_first, let_go
from tests.payments.chain_node import ChainNode, connected, quiet_sandbox
from tests.payments.factories import balance, grow_old, offer, work
from tests.payments.paying_wallet import PayingWallet
from tests.processes import wait_until
from tests.sandbox_process import SandboxProcess

ALLOWED_METHODS = {
    "eth_requestAccounts",
    "eth_accounts",
    "eth_chainId",
    "wallet_switchEthereumChain",
    "wallet_addEthereumChain",
    "eth_sendTransaction",
}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with quiet_sandbox(tmp_path_factory.mktemp("sandbox")) as process:
        yield process


@pytest.fixture
def node(process: SandboxProcess, settings: Any) -> Iterator[ChainNode]:
    with connected(process, settings) as node:
        yield node


@pytest.fixture(autouse=True)
def no_demo_wallet(settings: Any) -> None:
    settings.DEMO_WALLET = False


@pytest.fixture
def wallet(node: ChainNode) -> PayingWallet:
    return PayingWallet(node)


@pytest.fixture
def quote(live_server: Any, node: ChainNode, wallet: PayingWallet) -> Quote:
    return offer(node, wallet.accounts[0])


@pytest.fixture
def context(new_context: Callable[..., BrowserContext], live_server: Any, wallet, quote) -> Any:
    """A browser with the wallet, where its owner is signed in."""
    context = new_context(reduced_motion="reduce")
    wallet.install(context)
    client = Client()
    client.force_login(quote.wallet)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return context


@pytest.fixture
def page(context: BrowserContext, quote: Quote) -> Page:
    page = context.new_page()
    page.goto(f"/quotes/{quote.pk}")
    return page


def look(page: Page) -> None:
    """Do not wait for the next poll."""
    page.locator("pay-quote").dispatch_event("look-again")


def pay_button(page: Page) -> Any:
    return page.get_by_role("button", name="Pay $4")


def problem(page: Page) -> Any:
    return page.locator("[data-problem]")


def test_a_payment_is_sent_confirmed_and_counted(page, node, wallet, quote, axe):
    page.evaluate("document.body.addEventListener('deposited', () => { window.deposited = true })")
    assert axe(page) == []
    pay_button(page).click()
    panel = page.locator("pay-quote")
    expect(panel).to_contain_text("Waiting for Base to take your transaction")
    (asked,) = wallet.asked
    assert asked == {
        "from": wallet.address,
        "to": quote.recipient,
        "value": hex(quote.wei),
        "chainId": "0x2105",
    }
    sent = quote.hints.get().hash
    expect(page.get_by_role("link", name="View on Basescan")).to_have_attribute(
        "href", f"https://basescan.org/tx/{sent}"
    )
    expect(pay_button(page)).to_have_count(0)
    node.mine(2)
    work(quote)
    work(quote)
    expect(panel).to_contain_text("Confirming 2 of 5")
    assert axe(page) == []
    node.mine(3)
    work(quote, status="settled")
    expect(panel).to_contain_text("Paid $4")
    wait_until(lambda: page.evaluate("window.deposited"))
    assert axe(page) == []
    assert balance(quote) == 400
    assert set(wallet.calls) <= ALLOWED_METHODS
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('pay'))") == []


@pytest.mark.parametrize(
    ("method", "code", "words"),
    [
        ("eth_sendTransaction", 4001, "You closed the wallet request. Nothing was charged."),
        ("eth_sendTransaction", -32002, "Your wallet already has a request open."),
        ("eth_sendTransaction", 4200, "cannot send payments"),
        ("eth_sendTransaction", 4100, "has not given this page access"),
        ("eth_sendTransaction", -32603, "did not answer as it should"),
    ],
)
def test_what_the_wallet_refuses_is_said_and_can_be_tried_again(
    page, wallet, quote, method, code, words
):
    wallet.refuse = {method: code}
    pay_button(page).click()
    expect(problem(page)).to_contain_text(words)
    look(page)
    expect(problem(page)).to_contain_text(words)
    wallet.refuse = {}
    pay_button(page).click()
    expect(page.locator("pay-quote")).to_contain_text("Waiting for Base")
    expect(problem(page)).to_be_hidden()
    assert quote.hints.count() == 1


@pytest.mark.parametrize("chains", [{"0x1", "0x2105"}, {"0x1"}], ids=["known", "unknown"])
def test_a_wallet_on_another_chain_is_switched_first(page, wallet, quote, chains):
    wallet.chain, wallet.chains = "0x1", set(chains)
    pay_button(page).click()
    expect(page.locator("pay-quote")).to_contain_text("Waiting for Base")
    assert wallet.chain == "0x2105"
    assert ("wallet_addEthereumChain" in wallet.calls) == ("0x2105" not in chains)


def test_a_wallet_that_does_not_switch_is_not_asked_to_pay(page, wallet):
    wallet.chain = "0x1"
    wallet.refuse = {"wallet_switchEthereumChain": 4001}
    pay_button(page).click()
    expect(problem(page)).to_contain_text("Nothing was charged")
    assert wallet.asked == []


def test_a_wallet_that_shows_another_account_is_not_asked_to_pay(page, wallet):
    mine = wallet.short
    wallet.accounts.reverse()
    pay_button(page).click()
    words = f"You are signed in as {mine}, your wallet shows {wallet.short}."
    expect(problem(page)).to_contain_text(words)
    assert wallet.asked == []


def test_too_little_ether_is_said(page, node, wallet, quote):
    node.fund(wallet.address, quote.wei)
    pay_button(page).click()
    expect(problem(page)).to_contain_text("Not enough ETH on Base")
    assert not quote.hints.exists()


def test_without_a_wallet_it_says_how_to_pay(new_context, live_server, context, quote):
    without = new_context()
    without.add_cookies(context.cookies())
    page = without.new_page()
    page.goto(f"/quotes/{quote.pk}")
    pay_button(page).click()
    expect(problem(page)).to_contain_text("No wallet was found in this browser.")


HOLD = """() => {
    const ask = window.injectedWallet;
    window.injectedWallet = async (request) => {
        if (request.method === "eth_sendTransaction") {
            window.sends = (window.sends ?? 0) + 1;
            await new Promise((go) => { window.go = go; });
        }
        return ask(request);
    };
}"""
"""The wallet's window stays open until the test calls `go`."""


def test_a_double_click_sends_one_payment(page, wallet, quote):
    page.evaluate(HOLD)
    page.evaluate("for (const _ of [1, 2]) document.querySelector('[data-pay]').click()")
    expect(page.locator("[data-status]")).to_contain_text("Confirm in wallet")
    page.evaluate("document.querySelector('[data-pay]').click()")
    page.evaluate("window.go()")
    expect(page.locator("pay-quote")).to_contain_text("Waiting for Base")
    assert page.evaluate("window.sends") == 1
    assert len(wallet.asked) == 1


def test_nothing_is_polled_while_the_wallet_is_asked(page, quote):
    page.evaluate(HOLD)
    pay_button(page).click()
    expect(page.locator("[data-status]")).to_contain_text("Confirm in wallet")
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    look(page)
    page.evaluate("fetch('/healthz')")
    assert [url for url in requested if url.endswith("/healthz")]  # Later than a poll would be.
    assert [url for url in requested if "/quotes/" in url] == []
    expect(pay_button(page)).to_have_attribute("aria-busy", "true")


def test_a_click_before_the_script_arrives_waits_for_it(context, quote):
    page = context.new_page()
    held = hold_first(page, "**/pay*.js")
    page.goto(f"/quotes/{quote.pk}", wait_until="commit")
    page.locator("pay-quote:not(:defined) [data-pay]").wait_for()
    with pytest.raises(PlaywrightTimeout):
        pay_button(page).click(timeout=500)
    let_go(page, held)
    pay_button(page).click()
    expect(page.locator("pay-quote")).to_contain_text("Waiting for Base")


def pay_and_close(page: Page) -> None:
    """Confirm in the wallet, and close the tab before the server has heard of it."""
    page.route("**/sent", lambda route: None)
    with page.expect_request("**/sent"):
        pay_button(page).click()
    close_tab(page)


def test_w5_a_tab_that_closes_before_the_hash_arrives(context, page, node, wallet, quote):
    pay_and_close(page)
    assert len(wallet.asked) == 1
    assert not quote.hints.exists()
    node.mine(6)
    work(quote, status="settled")
    assert balance(quote) == 400
    again = context.new_page()
    again.goto(f"/quotes/{quote.pk}")
    expect(again.locator("pay-quote")).to_contain_text("Paid $4")


def test_a_hash_that_could_not_be_told_is_told_by_the_next_page_and_not_sent_again(
    context, page, wallet, quote
):
    pay_and_close(page)
    again = context.new_page()
    again.goto(f"/quotes/{quote.pk}")
    expect(again.locator("pay-quote")).to_contain_text("Waiting for Base")
    assert quote.hints.count() == 1
    assert len(wallet.asked) == 1


def test_a_server_that_comes_back_is_told(page, quote, strict):
    answers = iter([503, 500])

    def answer(route: Any) -> None:
        status = next(answers, None)
        route.fulfill(status=status) if status else route.continue_()

    page.route("**/sent", answer)
    pay_button(page).click()
    expect(page.locator("pay-quote")).to_contain_text("Waiting for Base", timeout=10_000)
    assert quote.hints.count() == 1
    strict.expect("503", "500")


def test_a_wallet_that_answers_after_we_have_stopped_waiting_is_heard(page, wallet, quote):
    page.clock.install()
    page.evaluate(HOLD)
    pay_button(page).click()
    wait_until(lambda: page.evaluate("Boolean(window.go)"))
    page.clock.run_for(21_000)
    expect(page.locator("[data-status]")).to_contain_text("its window may be behind this one")
    page.clock.run_for(160_000)
    expect(problem(page)).to_contain_text("Your wallet has not answered")
    page.evaluate("window.go()")
    expect(page.locator("pay-quote")).to_contain_text("Waiting for Base")
    expect(problem(page)).to_be_hidden()
    assert quote.hints.count() == 1


def test_who_pays_too_little_tops_up(page, node, wallet, quote):
    node.pay(wallet.accounts[0], quote.wei // 2)
    node.mine(6)
    work(quote, status="settled")
    look(page)
    panel = page.locator("pay-quote")
    expect(panel).to_contain_text("$1.99 of $4 arrived")
    page.get_by_role("button", name="Pay the rest").click()
    page.get_by_role("button", name="Pay $2.01").click()
    expect(panel).to_contain_text("Waiting for Base")
    rest = Quote.objects.get(usd_cents=201)
    node.mine(6)
    work(rest, status="settled")
    expect(panel).to_contain_text("Paid $2.01")
    assert balance(quote) == 400


def test_a_price_that_runs_out_is_renewed_without_a_reload(page, quote):
    page.evaluate("window.stayed = true")
    grow_old(quote, timedelta(minutes=14, seconds=57))
    look(page)
    renew = page.get_by_role("button", name="Get a new price")
    # Sooner than a poll: the countdown asks when it is over.
    expect(renew).to_be_visible(timeout=8_000)
    renew.click()
    expect(pay_button(page)).to_be_visible()
    expect(page.locator("[data-countdown]")).to_contain_text("14:5")
    assert Quote.objects.count() == 2
    assert page.locator("pay-quote").get_attribute("id") != f"quote-{quote.pk}"
    assert page.evaluate("window.stayed")


def test_why_a_new_price_is_not_to_be_had_is_said(page, node, quote, strict):
    grow_old(quote, timedelta(minutes=16))
    look(page)
    node.process.script({"match": {"path": "/chain"}, "do": "status", "times": None})
    page.get_by_role("button", name="Get a new price").click()
    expect(page.get_by_role("alert")).to_contain_text("Base does not answer at the moment.")
    node.process.clear_script()
    page.get_by_role("button", name="Get a new price").click()
    expect(pay_button(page)).to_be_visible()
    strict.expect("503")


def test_a_transaction_that_was_sent_by_hand_can_be_told(page, node, wallet, quote, strict):
    page.get_by_text("Sent by hand, or replaced?").click()
    field = page.get_by_label("Transaction hash")
    field.fill("0x1234")
    page.get_by_role("button", name="Look for it").click()
    expect(page.get_by_role("alert")).to_contain_text("0x and 64 digits")
    strict.expect("422")
    field.fill(node.pay(wallet.accounts[1], quote.wei))
    page.get_by_role("button", name="Look for it").click()
    expect(page.locator("pay-quote")).to_contain_text("Waiting for Base")
    node.mine(6)
    work(quote)
    look(page)
    expect(page.locator("pay-quote")).to_contain_text("comes from another wallet than yours")
    expect(pay_button(page)).to_be_visible()


def test_what_is_being_typed_survives_the_polls(page, quote):
    page.get_by_text("Sent by hand, or replaced?").click()
    page.get_by_label("Transaction hash").fill("0x12")
    with page.expect_response("**/quotes/*"):
        look(page)
    expect(page.get_by_label("Transaction hash")).to_have_value("0x12")
    expect(page.get_by_label("Transaction hash")).to_be_visible()


def test_reading_needs_no_script(open_page, live_server, context, quote):
    page = open_page("/", java_script_enabled=False)
    page.context.add_cookies(context.cookies())
    page.goto(f"/quotes/{quote.pk}")
    expect(page.locator("pay-quote")).to_contain_text(quote.recipient)
    expect(page.locator("pay-quote")).to_contain_text("0.001176470588235295 ETH")
    expect(page.locator("pay-quote")).to_contain_text("needs JavaScript", use_inner_text=True)
    expect(page.get_by_role("button", name="Pay")).to_have_count(0)
