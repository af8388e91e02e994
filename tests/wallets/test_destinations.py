"""Browsers, mailboxes and webhooks of a wallet: how many, whose, and until when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from tests.factories import create_wallet
from tests.loratrainer.test_job_races import race
from tests.wallets.destinations import (
    ENDPOINT,
    Browser,
    create_browser,
    create_mailbox,
    create_webhook,
)
from wallets.destinations import (
    CONFIRMED_WITHIN,
    DESTINATIONS_PER_KIND,
    Destination,
    TooMany,
    sweep,
    to_confirm,
    to_unsubscribe,
)
from wallets.notices import ASKS_OF_WALLET, ASKS_PER_DAY, Notice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def has_mail(settings: Any) -> None:
    settings.MAIL_HOST = "mail.example"


def test_a_browser_and_a_webhook_are_usable_at_once_and_a_mailbox_when_it_is_confirmed():
    wallet = create_wallet()
    browser, webhook = create_browser(wallet), create_webhook(wallet)
    mailbox = create_mailbox(wallet, confirmed=False)
    assert set(wallet.destinations.usable()) == {browser, webhook}
    mailbox.confirm()
    assert set(wallet.destinations.usable()) == {browser, webhook, mailbox}
    Destination.objects.update(disabled_at=Now())
    assert not wallet.destinations.usable().exists()


@pytest.mark.parametrize("create", [create_browser, create_mailbox, create_webhook])
def test_a_wallet_has_at_most_five_of_each(create):
    wallet = create_wallet()
    for number in range(DESTINATIONS_PER_KIND):
        create(wallet, f"{number}@example.com")
    with pytest.raises(TooMany, match="at most 5"):
        create(wallet, "more@example.com")
    create(wallet, "0@example.com")
    create(create_wallet(), "theirs@example.com")
    wallet.destinations.first().remove()
    create(wallet, "more@example.com")
    assert wallet.destinations.live().count() == DESTINATIONS_PER_KIND


@pytest.mark.django_db(transaction=True)
def test_it_has_at_most_five_when_it_asks_for_many_at_once():
    wallet = create_wallet()

    def ask(number: int) -> bool:
        try:
            create_webhook(wallet, f"https://hooks.example.com/{number}")
        except TooMany:
            return False
        return True

    got = race([lambda number=number: ask(number) for number in range(8)])
    assert sum(got) == wallet.destinations.count() == DESTINATIONS_PER_KIND


@pytest.mark.parametrize("create", [create_browser, create_mailbox, create_webhook])
def test_the_same_address_again_is_the_same_destination(create):
    wallet = create_wallet()
    assert create(wallet) == create(wallet)
    assert create(wallet) != create(create_wallet())


def test_a_browser_tells_whoever_allowed_it_last():
    first = create_browser()
    second = create_browser()
    first.refresh_from_db()
    assert first.removed_at is not None
    assert second.removed_at is None
    with pytest.raises(IntegrityError), transaction.atomic():
        Destination.objects.update(removed_at=None)


def test_a_browser_that_subscribes_again_is_written_to_with_its_new_keys():
    wallet, browser = create_wallet(), Browser()
    create_browser(wallet)
    create_browser(wallet, ENDPOINT, browser)
    (kept,) = wallet.destinations.all()
    assert {"p256dh": kept.browser_key, "auth": kept.browser_secret} == browser.keys


def test_the_database_keeps_no_browser_without_keys_and_no_webhook_without_a_secret():
    for kind in ("push", "webhook"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Destination.objects.create(wallet=create_wallet(), kind=kind, address="x")


def test_a_secret_has_256_random_bits():
    secrets = {create_webhook().secret for _number in range(5)}
    assert len(secrets) == 5
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in secrets)


def test_removing_it_twice_changes_nothing():
    webhook = create_webhook()
    webhook.remove()
    webhook.refresh_from_db()
    first = webhook.removed_at
    webhook.remove()
    webhook.refresh_from_db()
    assert webhook.removed_at == first


def test_a_link_confirms_for_a_day(monkeypatch):
    mailbox = create_mailbox(confirmed=False)
    token = mailbox.confirm_token
    assert to_confirm(token) == (True, mailbox)
    clock = signing.time.time
    monkeypatch.setattr(signing.time, "time", lambda: clock() + CONFIRMED_WITHIN.total_seconds())
    assert to_confirm(token) == (True, None)


def test_a_link_confirms_nothing_that_was_removed():
    mailbox = create_mailbox(confirmed=False)
    mailbox.remove()
    assert to_confirm(mailbox.confirm_token) == (True, None)
    assert mailbox.confirm() is False


def test_links_are_of_no_use_for_each_other_and_cannot_be_made_up():
    mailbox = create_mailbox(confirmed=False)
    assert to_confirm(mailbox.unsubscribe_token) == (False, None)
    assert to_unsubscribe(mailbox.confirm_token) == (False, None)
    for token in ("", "x", str(mailbox.pk), mailbox.confirm_token[:-1] + "!"):
        assert to_confirm(token) == (False, None)
        assert to_unsubscribe(token) == (False, None)


def test_an_address_is_asked_a_few_times_a_day_whoever_names_it():
    for _number in range(ASKS_PER_DAY):
        mailbox = create_mailbox(confirmed=False)
        Notice.ask(mailbox)
        mailbox.remove()
    with pytest.raises(TooMany, match="several times today"):
        Notice.ask(create_mailbox(address="alice@EXAMPLE.com", confirmed=False))
    Notice.objects.update(created_at=Now() - timedelta(days=1))
    Notice.ask(create_mailbox(confirmed=False))


def test_a_wallet_asks_a_few_addresses_a_day():
    wallet = create_wallet()
    for number in range(ASKS_OF_WALLET):
        mailbox = create_mailbox(wallet, f"{number}@example.com", confirmed=False)
        Notice.ask(mailbox)
        mailbox.remove()
    with pytest.raises(TooMany, match="many addresses"):
        Notice.ask(create_mailbox(wallet, confirmed=False))


def test_what_was_removed_and_what_nobody_confirmed_is_forgotten_after_a_day():
    kept = [create_browser(), create_mailbox(), create_webhook()]
    removed = create_webhook()
    removed.remove()
    create_mailbox(address="bob@example.com", confirmed=False)
    sweep()
    assert Destination.objects.count() == 5
    Destination.objects.update(created_at=Now() - CONFIRMED_WITHIN)
    Destination.objects.filter(removed_at__isnull=False).update(removed_at=Now() - CONFIRMED_WITHIN)
    sweep()
    assert set(Destination.objects.all()) == set(kept)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (ENDPOINT, "Chrome, Edge, Opera"),
        ("https://updates.push.services.mozilla.com/wpush/v2/x", "Firefox"),
        ("https://web.push.apple.com/x", "Safari"),
        ("https://wns2-par02p.notify.windows.com/w/?token=x", "Edge"),
        ("https://other.example/x", "other.example"),
    ],
)
def test_a_browser_is_named_after_its_push_service(address, name):
    assert create_browser(None, address).browser == name
