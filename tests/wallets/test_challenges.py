"""Challenges: written by us, for one browser, once, for five minutes, and not too many."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from siwe import SiweMessage

from tests.wallets.signing import ask, new_account, sign, verify
from wallets import models
from wallets.models import (
    CHALLENGES_PER_NETWORK,
    Challenge,
    TooManyChallenges,
    Wallet,
    sweep_challenges,
)

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def issue(network: str = "203.0.113.7/32") -> Challenge:
    return Challenge.issue(ADDRESS, browser_secret="secret", network=network)


def at_once[T](count: int, run: Callable[[], T]) -> list[T]:
    """Run the function in so many threads at the same moment, each with its own connection."""
    barrier = Barrier(count)

    def runner(_: int) -> T:
        try:
            connection.ensure_connection()
            barrier.wait()
            return run()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(runner, range(count)))


def make_older(challenge: Challenge, by: timedelta) -> None:
    Challenge.objects.filter(pk=challenge.pk).update(created_at=challenge.created_at - by)


@pytest.mark.django_db
def test_the_text_is_eip_4361_to_the_letter_and_names_this_site(settings):
    challenge = issue()
    message = SiweMessage.from_message(challenge.text)
    assert message.prepare_message() == challenge.text
    assert message.domain == settings.SITE_HOST
    assert str(message.uri) == settings.SITE_URL
    assert message.address == ADDRESS
    assert message.chain_id == challenge.chain_id == settings.CHAIN_ID
    lifetime = message.expiration_time._datetime - message.issued_at._datetime
    assert lifetime == settings.CHALLENGE_LIFETIME == timedelta(minutes=5)


@pytest.mark.django_db
def test_no_two_texts_are_alike():
    assert issue().text != issue().text


@pytest.mark.django_db
def test_a_challenge_lives_five_minutes():
    almost, over = issue(), issue()
    make_older(almost, timedelta(minutes=4, seconds=50))
    make_older(over, timedelta(minutes=5, seconds=1))
    assert Challenge.consume(almost.pk, browser_secret="secret") == almost
    with pytest.raises(Challenge.DoesNotExist):
        Challenge.consume(over.pk, browser_secret="secret")


@pytest.mark.django_db
def test_a_challenge_is_consumed_once():
    challenge = issue()
    Challenge.consume(challenge.pk, browser_secret="secret")
    with pytest.raises(Challenge.DoesNotExist):
        Challenge.consume(challenge.pk, browser_secret="secret")


@pytest.mark.django_db
def test_w05_another_browser_cannot_consume_it_nor_use_it_up():
    challenge = issue()
    with pytest.raises(Challenge.DoesNotExist):
        Challenge.consume(challenge.pk, browser_secret="another secret")
    assert Challenge.consume(challenge.pk, browser_secret="secret") == challenge


@pytest.mark.django_db
@pytest.mark.parametrize("minutes", [-10, 10])
def test_w17_a_wrong_clock_of_this_machine_changes_nothing(client, monkeypatch, minutes):
    class WrongClock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(minutes=minutes)

    monkeypatch.setattr("django.utils.timezone.datetime", WrongClock)
    monkeypatch.setattr(models, "datetime", WrongClock)
    account = new_account()
    challenge = ask(client, account.address)
    issued_at = SiweMessage.from_message(challenge["text"]).issued_at._datetime
    assert abs(issued_at - datetime.now(UTC)) < timedelta(seconds=30)
    assert verify(client, challenge, sign(account, challenge["text"])).status_code == 200


@pytest.mark.django_db
def test_w24_a_network_has_its_share_and_another_is_not_touched_by_it():
    for _ in range(CHALLENGES_PER_NETWORK):
        last = issue()
    with pytest.raises(TooManyChallenges):
        issue()
    assert issue("198.51.100.1/32")
    make_older(last, timedelta(minutes=6))
    assert issue()


@pytest.mark.django_db
def test_w24_the_sweep_removes_those_whose_time_is_over_and_no_others():
    old, young = issue(), issue()
    make_older(old, timedelta(minutes=6))
    sweep_challenges()
    assert list(Challenge.objects.all()) == [young]


@pytest.mark.django_db(transaction=True)
def test_w24_the_share_is_exact_when_all_ask_at_once(monkeypatch):
    def issued() -> bool:
        try:
            return bool(issue())
        except TooManyChallenges:
            return False

    monkeypatch.setattr(models, "CHALLENGES_PER_NETWORK", 5)
    assert sum(at_once(30, issued)) == 5


def verifies_at_once() -> list[int]:
    """The statuses of fifty browsers that are the same one, with the same good signature."""
    account = new_account()
    client = Client()
    challenge = ask(client, account.address)
    signature = sign(account, challenge["text"])

    def run() -> int:
        twin = Client()
        twin.cookies = client.cookies.copy()
        return int(verify(twin, challenge, signature).status_code)

    return sorted(at_once(50, run))


@pytest.mark.django_db(transaction=True)
def test_w02_of_fifty_verifications_at_once_exactly_one_signs_in():
    assert verifies_at_once() == [200] + [401] * 49
    assert Session.objects.count() == 1
    assert Wallet.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_w02_without_the_condition_in_the_update_more_than_one_would(monkeypatch):
    def look_then_take(pk: UUID, *, browser_secret: str) -> Challenge:
        challenge = Challenge.objects.get(pk=pk, consumed_at=None)
        Challenge.objects.filter(pk=pk).update(consumed_at=datetime.now(UTC))
        return challenge

    monkeypatch.setattr(Challenge, "consume", look_then_take)
    assert verifies_at_once().count(200) > 1
