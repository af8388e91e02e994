"""The page of notices in a real browser: a subscription, a pushed notice, and no script at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from tests.factories import create_wallet
from tests.processes import wait_until
from tests.wallets.destinations import ENDPOINT, Browser, create_browser
from wallets.models import Wallet

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_demo_wallet"),
]

PAGE = "/wallet/notices"
NO_SERVICE = """(([endpoint, keys]) => {
  const subscription = { endpoint, toJSON: () => ({ endpoint, keys }) };
  PushManager.prototype.subscribe = async () => {
    sessionStorage.subscribed = "yes";
    return subscription;
  };
  PushManager.prototype.getSubscription = async () =>
    sessionStorage.subscribed ? subscription : null;
  const ask = Notification.requestPermission;
  Notification.requestPermission = () => { window.asked = true; return ask.call(Notification); };
})"""
"""The push service is on the internet, where no test goes; all else is the browser's own."""


@pytest.fixture
def alice() -> Wallet:
    return create_wallet()


def sign_in(context: BrowserContext, wallet: Wallet, url: str) -> None:
    client = Client()
    client.force_login(wallet)
    name = site.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])


@pytest.fixture
def page(new_context: Any, base_url: str, alice: Wallet) -> Page:
    context = new_context(reduced_motion="reduce")
    sign_in(context, alice, base_url)
    context.grant_permissions(["notifications"], origin=base_url)
    page: Page = context.new_page()
    page.add_init_script(f"{NO_SERVICE}({json.dumps([ENDPOINT, Browser().keys])})")
    page.goto(PAGE)
    return page


def test_a_browser_is_asked_after_a_click_and_then_knows_itself(page, alice):
    button = page.get_by_role("button", name="Allow in this browser")
    expect(button).to_be_visible()
    assert page.evaluate("window.asked") is None
    assert page.evaluate("navigator.serviceWorker.getRegistration('/')") is None
    button.click()
    expect(page.get_by_text("(this browser)")).to_be_visible()
    expect(button).to_be_hidden()
    (browser,) = alice.destinations.usable()
    assert browser.address == ENDPOINT


def test_a_pushed_notice_is_shown_under_the_policy_of_the_site(page, base_url):
    page.get_by_role("button", name="Allow in this browser").click()
    expect(page.get_by_text("(this browser)")).to_be_visible()
    session = page.context.new_cdp_session(page)
    registrations: list[dict[str, Any]] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(event["registrations"]),
    )
    session.send("ServiceWorker.enable")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_timeout(200)
    for text in ("Once.", "Twice."):
        message = {"title": "KILNGLZ: Ready", "body": text, "path": "/trainings/1", "tag": "one"}
        session.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": base_url,
                "registrationId": registrations[0]["registrationId"],
                "data": json.dumps(message),
            },
        )
    shown = """async () => {
      const registration = await navigator.serviceWorker.getRegistration("/");
      const notices = await registration.getNotifications();
      return notices.map(({ title, body, data }) => [title, body, data.path]);
    }"""
    wait_until(lambda: "Twice." in str(page.evaluate(shown)), what="the second notice")
    assert page.evaluate(shown) == [["KILNGLZ: Ready", "Twice.", "/trainings/1"]]


def test_without_leave_the_page_says_what_to_do(new_context, base_url, alice):
    context = new_context(reduced_motion="reduce")
    sign_in(context, alice, base_url)
    page = context.new_page()
    page.add_init_script("Object.defineProperty(Notification, 'permission', {value: 'denied'})")
    page.goto(PAGE)
    expect(page.get_by_text("You have blocked notices from this site.")).to_be_visible()
    expect(page.get_by_role("button", name="Allow in this browser")).to_be_hidden()


def test_without_a_script_webhooks_are_added_and_browsers_removed(new_context, base_url, alice):
    create_browser(alice)
    context = new_context(java_script_enabled=False)
    sign_in(context, alice, base_url)
    page = context.new_page()
    page.goto(PAGE)
    expect(page.get_by_role("button", name="Allow in this browser")).to_be_hidden()
    page.get_by_label("Address of your webhook").fill("https://hooks.example.com/lora")
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.get_by_role("heading", name="The secret of your new webhook")).to_be_visible()
    page.get_by_role("button", name="Remove").first.click()
    expect(page.get_by_text("Browsers, 0 of 5")).to_be_visible()
    assert [found.kind for found in alice.destinations.live()] == ["webhook"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 900, 1440])
def test_it_puts_up_no_barrier(new_context, base_url, alice, axe, strict, settings, theme, width):
    settings.MAIL_HOST = "mail.example"
    create_browser(alice)
    context = new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    sign_in(context, alice, base_url)
    page = context.new_page()
    page.goto(PAGE)
    page.get_by_label("Address of your webhook").fill("http://no.example")
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.get_by_text("It must be a public address")).to_be_visible()
    strict.expect("422 (Unprocessable")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
