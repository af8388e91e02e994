"""The page of notices, and what can be done on it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db.models.functions import Now

from tests.factories import create_wallet
from tests.wallets.destinations import (
    ENDPOINT,
    Browser,
    create_browser,
    create_mailbox,
    create_notice,
    create_webhook,
    step,
)
from wallets.destinations import DESTINATIONS_PER_KIND, Destination
from wallets.notices import CONFIRM, Notice, Status

pytestmark = pytest.mark.django_db

PAGE = "/wallet/notices"
SUBSCRIPTION = {"endpoint": ENDPOINT, **Browser().keys}
POSTS = {
    "browsers": SUBSCRIPTION,
    "mailboxes": {"address": "alice@example.com"},
    "webhooks": {"url": "https://hooks.example.com/lora"},
}


@pytest.fixture(autouse=True)
def has_mail(settings: Any) -> None:
    settings.MAIL_HOST = "mail.example"


@pytest.fixture
def alice(client):
    wallet = create_wallet()
    client.force_login(wallet)
    return wallet


def page_of(client) -> str:
    return client.get(PAGE).content.decode()


# --- The page -------------------------------------------------------------------------------------


def test_it_lists_what_is_mine_and_nothing_else(client, alice):
    create_browser(alice)
    create_mailbox(alice)
    create_webhook(alice)
    create_mailbox(address="bob@example.com")
    page = page_of(client)
    for words in ("Chrome, Edge, Opera", "alice@example.com", "https://hooks.example.com/lora"):
        assert words in page
    assert page.count("Nothing sent yet") == 3
    assert "bob@example.com" not in page
    assert Destination.objects.get(kind="webhook").secret not in page


def test_it_offers_what_there_is(client, alice, settings):
    settings.MAIL_HOST = settings.VAPID_PRIVATE_KEY = ""
    page = page_of(client)
    assert "Browsers" not in page
    assert "mail" not in page.partition("<main")[2].partition("</main")[0].lower()
    assert "js/notices.js" not in page
    assert "Webhooks, 0 of 5" in page


def test_the_wallets_page_leads_there(client, alice):
    assert f'href="{PAGE}"' in client.get("/wallet").content.decode()


def test_nobody_may_keep_it(client, alice):
    webhook = create_webhook(alice)
    answers = [client.get(PAGE), client.post(f"{PAGE}/webhooks", {"url": "https://a.example/"})]
    answers.append(client.get(f"{PAGE}/{webhook.pk}", headers={"HX-Request": "true"}))
    for response in answers:
        assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", [PAGE, *(f"{PAGE}/{name}" for name in POSTS)])
def test_it_needs_a_wallet(client, path):
    for response in (client.get(path), client.post(path, {})):
        assert response.status_code == 302
        assert response["Location"].startswith("/connect")
    assert not Destination.objects.exists()


@pytest.mark.parametrize("name", [*POSTS, "{}/test", "{}/enable", "{}/remove"])
def test_reading_changes_nothing(client, alice, name):
    path = f"{PAGE}/{name.format(create_webhook(alice).pk)}"
    assert client.get(path).status_code == 405
    assert client.post(PAGE).status_code == 405
    assert Destination.objects.live().count() == 1


@pytest.mark.parametrize("name", ["{}", "{}/test", "{}/enable", "{}/remove"])
def test_what_is_somebody_elses_is_not_there(client, alice, name):
    theirs = create_webhook()
    path = f"{PAGE}/{name.format(theirs.pk)}"
    response = client.get(path) if name == "{}" else client.post(path)
    assert response.status_code == 404
    theirs.refresh_from_db()
    assert (theirs.removed_at, theirs.tested_at) == (None, None)


def test_addresses_are_text(client, alice):
    create_webhook(alice, "https://x.example/<script>alert(1)</script>")
    assert "<script>alert" not in page_of(client)


# --- Browsers -------------------------------------------------------------------------------------


def test_a_browser_is_added(client, alice):
    response = client.post(f"{PAGE}/browsers", SUBSCRIPTION)
    assert (response.status_code, response["Location"]) == (302, PAGE)
    (browser,) = alice.destinations.usable()
    assert (browser.kind, browser.address) == ("push", ENDPOINT)
    assert ENDPOINT in page_of(client)  # By which the script knows the browser that it runs in.


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": ""},
        {"endpoint": "https://evil.example/push"},
        {"endpoint": "https://fcm.googleapis.com.evil.example/x"},
        {"endpoint": "http://fcm.googleapis.com/x"},
        {"endpoint": "https://127.0.0.1/x"},
        {"endpoint": f"{ENDPOINT}/{'x' * 1000}"},
        {"p256dh": "x"},
        {"auth": ""},
        {"auth": "\0"},
    ],
)
def test_a_browser_that_cannot_be_written_to_is_refused_in_words(client, alice, wrong):
    response = client.post(f"{PAGE}/browsers", SUBSCRIPTION | wrong)
    assert response.status_code == 422
    assert "The browser could not be added." in response.content.decode()
    assert not Destination.objects.exists()


def test_without_web_push_no_browser_is_added(client, alice, settings):
    settings.VAPID_PRIVATE_KEY = ""
    assert client.post(f"{PAGE}/browsers", SUBSCRIPTION).status_code == 422
    assert not Destination.objects.exists()


# --- Mail -----------------------------------------------------------------------------------------


def test_an_address_is_asked_and_does_not_count_yet(client, alice):
    response = client.post(f"{PAGE}/mailboxes", POSTS["mailboxes"])
    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert not alice.destinations.usable().filter(kind="mail").exists()
    (notice,) = Notice.objects.all()
    assert notice.event == CONFIRM
    assert "Follow the link in the mail we sent there" in page_of(client)


def test_a_confirmed_address_is_not_asked_again(client, alice):
    create_mailbox(alice)
    client.post(f"{PAGE}/mailboxes", POSTS["mailboxes"])
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "Write the address"),
        ("alice", "This is not a mail address."),
        ("a@b.example\nBcc: c@d.example", "This is not a mail address."),
        ("é@example.com", "This is not a mail address."),
        (f"{'a' * 300}@example.com", "254"),
    ],
)
def test_what_is_no_mail_address_is_refused_and_kept_in_the_field(client, alice, address, words):
    response = client.post(f"{PAGE}/mailboxes", {"address": address})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert f'value="{address[:5]}' in response.content.decode() or not address
    assert not Destination.objects.exists()


def test_an_address_that_was_asked_too_often_is_refused(client, alice):
    for _number in range(3):
        client.post(f"{PAGE}/mailboxes", POSTS["mailboxes"])
    response = client.post(f"{PAGE}/mailboxes", POSTS["mailboxes"])
    assert response.status_code == 409
    assert "several times today" in response.content.decode()
    assert Notice.objects.count() == 3


def test_without_a_mail_server_there_is_no_such_address(client, alice, settings):
    settings.MAIL_HOST = ""
    assert client.post(f"{PAGE}/mailboxes", POSTS["mailboxes"]).status_code == 404


def test_no_test_is_sent_by_mail(client, alice):
    mailbox = create_mailbox(alice)
    assert client.post(f"{PAGE}/{mailbox.pk}/test").status_code == 404
    assert not Notice.objects.exists()


# --- Webhooks -------------------------------------------------------------------------------------


def test_the_secret_of_a_webhook_is_shown_once(client, alice):
    response = client.post(f"{PAGE}/webhooks", POSTS["webhooks"])
    assert response.status_code == 201
    (webhook,) = alice.destinations.usable()
    assert f'value="{webhook.secret}"' in response.content.decode()
    assert webhook.secret not in page_of(client)
    again = client.post(f"{PAGE}/webhooks", POSTS["webhooks"])
    assert again.status_code == 409
    assert webhook.secret not in again.content.decode()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "http://hooks.example.com/x",
        "https://hooks.example.com:8443/x",
        "https://user@hooks.example.com/x",
        "https://localhost/x",
        "http://127.0.0.1:42000/sandbox/script",
        "javascript:alert(1)",
        f"https://hooks.example.com/{'x' * 1000}",
    ],
)
def test_what_is_no_public_https_address_is_refused_and_kept_in_the_field(client, alice, url):
    response = client.post(f"{PAGE}/webhooks", {"url": url})
    assert response.status_code == 422
    assert f'value="{url}"' in response.content.decode() or not url
    assert not Destination.objects.exists()


@pytest.mark.parametrize(
    ("name", "create"),
    [("browsers", create_browser), ("mailboxes", create_mailbox), ("webhooks", create_webhook)],
)
def test_one_too_many_is_refused_in_words(client, alice, name, create):
    for number in range(DESTINATIONS_PER_KIND):
        create(alice, f"https://fcm.googleapis.com/{number}")
    response = client.post(f"{PAGE}/{name}", POSTS[name])
    assert response.status_code == 409
    assert "at most 5" in response.content.decode()


def test_a_test_is_sent_and_the_page_waits_for_it(client, alice):
    webhook = create_webhook(alice)
    response = client.post(f"{PAGE}/{webhook.pk}/test")
    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert Notice.objects.get().event == "test"
    assert "A test is on its way" in page_of(client)
    client.post(f"{PAGE}/{webhook.pk}/test")
    assert Notice.objects.count() == 1
    fragment = client.get(f"{PAGE}/{webhook.pk}", headers={"HX-Request": "true"})
    assert "hx-trigger" in fragment.content.decode()
    webhook.hear("It answered HTTP 500.")
    fragment = client.get(f"{PAGE}/{webhook.pk}", headers={"HX-Request": "true"})
    assert "It answered HTTP 500." in fragment.content.decode()
    assert "hx-trigger" not in fragment.content.decode()
    assert "<html" not in fragment.content.decode()
    assert client.get(f"{PAGE}/{webhook.pk}")["Location"] == PAGE


def test_what_was_switched_off_says_so_and_is_switched_on_again(client, alice):
    webhook = create_webhook(alice)
    Destination.objects.update(disabled_at=Now(), heard_at=Now(), failures=3, trouble="HTTP 500.")
    page = page_of(client)
    assert "Switched off: HTTP 500." in page
    assert client.post(f"{PAGE}/{webhook.pk}/enable")["Location"] == PAGE
    assert "Switched off" not in page_of(client)
    webhook.refresh_from_db()
    assert (webhook.disabled_at, webhook.failures) == (None, 0)


@pytest.mark.parametrize("create", [create_browser, create_mailbox, create_webhook])
def test_it_is_removed(client, alice, create):
    found = create(alice)
    response = client.post(f"{PAGE}/{found.pk}/remove")
    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert not alice.destinations.live().exists()
    assert f"to-{found.pk}" not in page_of(client)
    assert client.post(f"{PAGE}/{found.pk}/remove").status_code == 404


def test_after_a_notice_it_says_when(client, alice):
    webhook = create_webhook(alice)
    webhook.succeed()
    assert re.search(r"Arrived \d+ \w+ \d{4}, \d\d:\d\d", page_of(client))


# --- The service worker ---------------------------------------------------------------------------


def test_the_service_worker_is_at_the_root_and_always_asked_for_again(client):
    response = client.get("/sw.js")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/javascript")
    assert response["Cache-Control"] == "no-cache"
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert b"showNotification" in response.content
    assert client.post("/sw.js").status_code == 405


# --- Links in mails -------------------------------------------------------------------------------


@pytest.fixture
def asked(mailoutbox):
    """A mailbox that was asked, and the path of the link in that mail."""
    mailbox = create_mailbox(confirmed=False)
    notice = Notice.ask(mailbox)
    step(notice)
    assert notice.status == Status.SENT
    (mail,) = mailoutbox
    assert notice.url in mail.body
    return mailbox, notice.path


def test_reading_the_link_confirms_nothing_and_the_button_does(client, asked):
    mailbox, path = asked
    assert "Yes, send them to me" in client.get(path).content.decode()
    assert not Destination.objects.usable().exists()
    assert "Confirmed" in client.post(path).content.decode()
    assert Destination.objects.usable().get() == mailbox
    assert "Confirmed" in client.get(path).content.decode()


def test_a_link_that_is_no_good_any_more_says_so(client, asked):
    mailbox, path = asked
    for wrong in (f"{path}x", f"{PAGE}/confirm/nonsense"):
        assert client.get(wrong).status_code == 404
        assert client.post(wrong).status_code == 404
    mailbox.remove()
    response = client.post(path)
    assert response.status_code == 410
    assert "This link has run out" in response.content.decode()
    assert not Destination.objects.usable().exists()


def test_reading_the_link_ends_nothing_and_the_button_does(client):
    mailbox = create_mailbox()
    path = f"{PAGE}/unsubscribe/{mailbox.unsubscribe_token}"
    assert "Send no more mails" in client.get(path).content.decode()
    assert Destination.objects.usable().exists()
    for _number in range(2):
        response = client.post(path, {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 200
        assert "This address gets none." in response.content.decode()
    assert not Destination.objects.usable().exists()
    assert client.post(f"{path}x").status_code == 404


def test_the_links_are_kept_to_whoever_has_the_mail(client):
    mailbox = create_mailbox()
    for path in ("confirm/" + mailbox.confirm_token, "unsubscribe/" + mailbox.unsubscribe_token):
        response = client.get(f"{PAGE}/{path}")
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["Cache-Control"] == "private, no-store"


def test_a_notice_of_a_disabled_destination_is_dropped(alice):
    webhook = create_webhook(alice)
    notice = create_notice(webhook)
    Destination.objects.update(disabled_at=Now())
    step(notice)
    assert notice.status == Status.DROPPED
