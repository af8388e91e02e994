"""The list of wallets: which appear, which cannot do harm, and where the dialog opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.injected_wallet import InjectedWallet
from tests.processes import wait_until
from tests.wallets.fake_node import running_node


@pytest.fixture(autouse=True)
def no_demo_wallet(settings: Any) -> None:
    settings.DEMO_WALLET = False


@pytest.fixture
def wallet() -> InjectedWallet:
    return InjectedWallet()


def install_on_reload(page: Page, wallet: InjectedWallet, **options: Any) -> None:
    wallet.install(page.context, **options)
    page.reload()


def buttons(page: Page) -> Any:
    return page.locator("[data-wallets] button")


def test_without_a_wallet_the_page_says_so_and_where_to_find_one(open_page):
    page = open_page("/connect")
    missing = page.locator("[data-missing]")
    expect(missing).to_contain_text("No wallet was found in this browser.")
    expect(missing.get_by_role("link")).to_have_attribute("rel", "noopener")
    expect(page.locator("[data-phone]")).to_be_hidden()


def test_a_phone_without_a_wallet_gets_links_into_wallets(open_page):
    page = open_page("/connect", width=390, has_touch=True, is_mobile=True)
    links = page.locator("#handover .wallets a")
    expect(links).to_have_count(5)
    expect(links.first).to_have_text("MetaMask")
    expect(page.locator("#handover .qr")).to_be_hidden()
    expect(page.locator("[data-missing]")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_the_page_says_what_it_needs(open_page):
    page = open_page("/connect", java_script_enabled=False)
    words = "Signing in needs JavaScript"
    expect(page.locator("main")).to_contain_text(words, use_inner_text=True)
    expect(page.get_by_role("heading", name="Connect a wallet")).to_be_visible()


def test_a_wallet_that_announces_itself_late_appears(open_page, wallet):
    page = open_page("/connect")
    install_on_reload(page, wallet, announce=False)
    expect(page.locator("[data-missing]")).to_be_visible()
    page.evaluate("testWallet.say()")
    expect(buttons(page)).to_have_text(["Test Wallet"])
    expect(page.locator("[data-missing]")).to_be_hidden()
    buttons(page).click()
    expect(page.locator("#account")).to_contain_text(wallet.short)


def test_a_wallet_that_announces_itself_again_is_listed_once_and_keeps_the_focus(open_page, wallet):
    page = open_page("/connect")
    install_on_reload(page, wallet)
    buttons(page).focus()
    page.evaluate("testWallet.say()")
    page.evaluate(
        """() => {
            const info = {uuid: "2", name: "Another", icon: "", rdns: "other"};
            const detail = {info, provider: {request() {}}};
            dispatchEvent(new CustomEvent("eip6963:announceProvider", {detail}));
        }"""
    )
    expect(buttons(page)).to_have_text(["Test Wallet", "Another"])
    expect(buttons(page).first).to_be_focused()


def test_window_ethereum_is_used_when_nothing_announces_itself(open_page, wallet):
    page = open_page("/connect")
    install_on_reload(page, wallet, announce=False, legacy=True)
    expect(buttons(page)).to_have_text(["Browser wallet"])
    buttons(page).click()
    expect(page.locator("#account")).to_contain_text(wallet.short)


def test_window_ethereum_is_not_used_when_something_announces_itself(open_page, wallet):
    page = open_page("/connect")
    install_on_reload(page, wallet, legacy=True)
    expect(buttons(page)).to_have_text(["Test Wallet"])


def test_x18_a_window_ethereum_that_throws_is_no_wallet(open_page):
    page = open_page("/connect")
    page.context.add_init_script(
        "Object.defineProperty(window, 'ethereum', {get() { throw new Error('hostile'); }});"
    )
    page.reload()
    expect(page.locator("[data-missing]")).to_be_visible()


HOSTILE = """
(() => {
  const provider = {request: async () => ["0x"]};
  const trap = new Proxy({}, {get() { throw new Error("hostile"); }});
  const picture = (inside) => "data:image/svg+xml," + encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg">${inside}</svg>`);
  const announce = (detail) =>
    dispatchEvent(new CustomEvent("eip6963:announceProvider", {detail}));
  const wallet = (name, icon = "", of = provider) => {
    const uuid = crypto.randomUUID();
    announce({info: {uuid, rdns: uuid, name, icon}, provider: of});
  };
  addEventListener("eip6963:requestProvider", () => {
    for (const nonsense of [null, 7, trap, {info: trap, provider}]) announce(nonsense);
    announce({info: {name: "Nameless"}, provider});
    wallet("No provider", "", null);
    wallet("Trap", "", trap);
    wallet({toString() { throw 1; }});
    wallet("<img src=x onerror=alert(1)><b>Bold</b>");
    wallet("N".repeat(5000));
    wallet("Script", "javascript:alert(1)");
    wallet("Remote", "https://evil.example/icon.png");
    wallet("Page", "data:text/html,<script>alert(1)</script>");
    wallet("Huge", picture("A".repeat(65536)));
    wallet("Broken", "data:image/png;base64,AAAA");
    wallet("Svg", picture("<script>window.top.hacked = 1</script>"));
  });
})()
"""


def test_x17_hostile_announcements_are_survived(open_page, wallet):
    page = open_page("/connect")
    page.context.add_init_script(HOSTILE)
    install_on_reload(page, wallet)
    expect(buttons(page).get_by_text("Test Wallet")).to_be_visible()
    names = buttons(page).all_inner_texts()
    assert "<img src=x onerror=alert(1)><b>Bold</b>" in names
    assert {"No provider", "Trap", "Nameless"}.isdisjoint(names)
    assert "A wallet without a name" in names
    assert "N" * 60 in names
    assert page.locator("[data-wallets] b, [data-wallets] script").count() == 0
    icons = page.locator("[data-wallets] img")
    # Those of the test wallet and the one with a script, which an image does not run.
    wait_until(lambda: icons.count() == 2, what="the broken icon is taken away")
    for icon in icons.all():
        source = icon.get_attribute("src")
        assert source is not None
        assert source.startswith("data:image/svg+xml")
    assert page.evaluate("window.hacked") is None
    # Nobody is chosen for the person, and the honest wallet works as ever.
    assert wallet.calls == []
    buttons(page).get_by_text("Test Wallet").click()
    expect(page.locator("#account")).to_contain_text(wallet.short)


def test_x17_a_wallet_that_answers_nonsense_is_told_so(open_page, strict):
    page = open_page("/connect")
    page.context.add_init_script(
        """addEventListener("eip6963:requestProvider", () => {
            for (const [name, answer] of [
                ["Number", () => 7], ["Nothing", () => null], ["Empty", () => []],
                ["Names", () => ["vitalik.eth"]], ["Throws", () => { throw null; }],
            ]) {
                const info = {uuid: name, rdns: name, name, icon: ""};
                const detail = {info, provider: {request: answer}};
                dispatchEvent(new CustomEvent("eip6963:announceProvider", {detail}));
            }
        });"""
    )
    page.reload()
    alert = page.get_by_role("alert")
    for name, words in [
        ("Number", "named no account"),
        ("Nothing", "named no account"),
        ("Empty", "named no account"),
        ("Names", "names such as .eth are not looked up"),
        ("Throws", "did not answer as it should"),
    ]:
        buttons(page).get_by_text(name, exact=True).click()
        expect(alert).to_contain_text(words)
    strict.expect("400")


def test_a_contract_wallet_on_another_chain_is_switched_and_asked_again(
    open_page, wallet, settings, strict
):
    page = open_page("/connect")
    install_on_reload(page, wallet)
    wallet.chain, wallet.chains, wallet.signs = "0x1", {"0x1"}, False
    with running_node() as node:
        node.call = lambda call: {"result": "0x"}
        settings.CHAIN_RPC_URL = node.url
        buttons(page).click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text(f"The signature is not from {wallet.short}.")
        strict.expect("401")
        wallet.signs = True
        alert.get_by_role("button", name="Switch the wallet to Base").click()
        expect(page.locator("#account")).to_contain_text(wallet.short)
    assert wallet.chain == "0x2105"
    asked = ["wallet_switchEthereumChain", "wallet_addEthereumChain", "wallet_switchEthereumChain"]
    assert [method for method in wallet.calls if method.startswith("wallet_")] == asked


def with_fragment(page: Page, trigger: str = "click") -> None:
    """Give the page a part that htmx replaces with what only a signed-in person may see."""
    page.evaluate(
        """(trigger) => {
            const main = document.querySelector("main");
            main.innerHTML = `<p id="part" hx-get="/wallet" hx-trigger="${trigger}">As it was</p>`;
            htmx.process(main);
        }""",
        trigger,
    )


def test_a_fragment_for_wallets_only_opens_the_dialog_and_leaves_the_page_alone(open_page):
    page = open_page("/?channel=plants")
    with_fragment(page)
    page.locator("#part").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("heading")).to_be_focused()
    expect(page.locator("#part")).to_have_text("As it was")
    assert page.url.endswith("/?channel=plants")
    assert dialog.locator("wallet-picker").get_attribute("data-next") == "/?channel=plants"
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_dialog_opens_on_top_of_another_and_closes_alone(open_page):
    page = open_page("/")
    page.evaluate(
        """() => {
            const modal = document.getElementById("modal");
            modal.innerHTML = '<dialog class="panel"><textarea>My prompt</textarea>' +
                '<button hx-get="/wallet" hx-target="#modal">Go</button></dialog>';
            htmx.process(modal);
        }"""
    )
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("heading", name="Connect a wallet")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Connect a wallet")).to_have_count(0)
    expect(page.locator("#modal textarea")).to_have_value("My prompt")


def test_a_poll_of_somebody_signed_out_opens_one_dialog_once(open_page):
    page = open_page("/")
    answers: list[str] = []
    page.on("requestfinished", lambda request: answers.append(request.url))
    with_fragment(page, trigger="every 300ms")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()

    def polled() -> int:
        return sum("/connect?next=" in url for url in answers)

    before = polled()
    wait_until(lambda: page.evaluate("1") and polled() >= before + 3)
    expect(dialog).to_have_count(1)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    before = polled()
    wait_until(lambda: page.evaluate("1") and polled() >= before + 3)
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_there_are_no_barriers(
    open_page: Callable[..., Page], axe: Any, wallet: InjectedWallet, theme: str, width: int
) -> None:
    page = open_page("/connect?next=/wallet", width=width, theme=theme)
    install_on_reload(page, wallet)
    expect(buttons(page)).to_be_visible()
    assert axe(page) == []
    buttons(page).click()
    expect(page.get_by_role("heading", name="Your wallet")).to_be_visible()
    expect(page.locator("#account")).to_contain_text("Sign out")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("main").get_by_role("button", name="Sign out", exact=True).click()
    page.locator("#account a[hx-get]").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert axe(page) == []
