"""What `app.js` does: dialogs, toasts, copying, polls, failures. Reading does not need it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import polled

pytestmark = pytest.mark.usefixtures("no_demo_wallet")


def put(page: Page, html: str) -> None:
    """A fragment as it would stand in a page."""
    page.evaluate(
        "html => { document.querySelector('main').insertAdjacentHTML('afterbegin', html);"
        " htmx.process(document.querySelector('main')) }",
        html,
    )


def test_a_dialog_opens_closes_and_gives_the_focus_back(open_page, more_urls):
    page = open_page("/")
    put(page, '<a id="opener" href="/dialog" hx-get="/dialog" hx-target="#modal">Open</a>')
    page.click("#opener")
    dialog = page.get_by_role("dialog", name="Title")
    expect(dialog.get_by_role("heading")).to_be_focused()
    dialog.get_by_role("link", name="Say it").click()
    toast = dialog.get_by_text("KILNGLZ is ready.")
    expect(toast).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#opener")).to_be_focused()
    expect(page.get_by_text("KILNGLZ is ready.")).to_be_visible()


def test_a_poll_rests_while_nobody_looks(open_page, more_urls):
    page = open_page("/")
    put(page, '<p id="poll" hx-get="/poll" hx-trigger="every 50ms" hx-swap="outerMorph">Soon</p>')
    expect(page.locator("#poll")).to_have_text("Working")
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    page.wait_for_timeout(150)
    before = len(polled)
    page.wait_for_timeout(400)
    assert len(polled) == before


def test_a_failure_that_somebody_waits_for_is_said_and_one_of_a_poll_is_not(
    open_page, more_urls, strict
):
    page = open_page("/")
    put(
        page,
        '<p id="poll" hx-get="/broken" hx-trigger="every 100ms">Working</p>'
        '<a id="asked" href="/broken" hx-get="/broken">Ask</a>'
        '<a id="shown" href="/broken" hx-get="/broken" hx-status:5xx="target:#place">Show</a>'
        '<div id="place"></div>',
    )
    for _ in range(2):
        with page.expect_response("**/broken"):
            pass
    expect(page.locator(".toasts .toast")).to_have_count(0)
    expect(page.locator("#poll")).to_have_text("Working")
    page.evaluate("document.getElementById('poll').remove()")
    page.click("#shown")
    expect(page.locator("#place .note")).to_contain_text("Something broke on our side")
    expect(page.locator(".toasts .toast")).to_have_count(0)
    page.click("#asked")
    expect(page.locator(".toasts .toast")).to_contain_text("something broke on our side")
    expect(page.locator("#asked")).to_have_text("Ask")
    strict.expect("500 (Internal Server Error)")


def test_a_lost_connection_is_said(open_page, strict):
    page = open_page("/")
    connect = page.get_by_role("link", name="Connect wallet")
    expect(connect).to_be_visible()
    page.context.set_offline(True)
    connect.click()
    expect(page.locator(".toasts .toast")).to_contain_text("did not answer")
    page.context.set_offline(False)
    strict.expect("ERR_INTERNET_DISCONNECTED", "htmx:error")


def test_a_page_that_is_not_there_opens_as_a_dialog_where_one_was_expected(open_page, strict):
    page = open_page("/")
    put(page, '<a id="opener" href="/gone" hx-get="/gone" hx-target="#modal">Open</a>')
    page.click("#opener")
    expect(page.get_by_role("dialog", name="Nothing hangs here")).to_be_visible()
    strict.expect("404 (Not Found)")


def test_copying_says_so(open_page):
    page = open_page("/style", permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("#one [data-copy]")
    button.click()
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").endswith("/loras/9f3c/weights")
    expect(button).to_have_text("Copy URL")


def test_a_field_is_selected_where_copying_is_forbidden(open_page):
    page = open_page("/style")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')) }")
    page.locator("#one [data-copy]").click()
    expect(page.locator(".toasts .toast")).to_contain_text("Ctrl+C")
    assert page.evaluate("getSelection().toString()").endswith("/weights")


def test_a_range_and_the_picks_say_their_value(open_page):
    page = open_page("/style")
    page.locator("#fields input[type=range]").fill("2000")
    expect(page.locator("#fields output")).to_have_text("2,000 steps, a good default for 18 images")
    expect(page.locator("#fields input[type=range]")).to_have_class("p-100")
    page.locator("#picking label").nth(4).click()
    expect(page.locator("[data-chosen]")).to_have_text("10 of 12 chosen")


def test_reading_needs_no_script(open_page):
    page = open_page("/", java_script_enabled=False)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[data-theme-switch]")).to_be_hidden()
    page.get_by_role("link", name="Connect", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Connect a wallet")
