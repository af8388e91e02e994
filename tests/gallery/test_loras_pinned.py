"""The visitor's own unfinished trainings above the wall, in a fragment of their own."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gallery.views import PINNED
from tests.factories import create_training, create_wallet
from wallets.models import Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Wallet:
    return create_wallet()


@pytest.fixture
def as_owner(owner: Wallet) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def words(page: str) -> list[str]:
    return re.findall(r'<h2><a href="/trainings/[^"]+">(\w+)</a></h2>', page)


def test_own_unfinished_trainings_are_pinned_the_newest_first(as_owner, owner):
    create_training(trigger_word="STRANGE", status="training")
    for status in ("awaiting_payment", "training", "mirroring", "failed"):
        create_training(wallet=owner, trigger_word=status, status=status)
    for status in ("completed", "cancelled"):
        create_training(wallet=owner, trigger_word="OVER", status=status)
    create_training(wallet=owner, trigger_word="GONE", status="failed", deleted_at=Now())
    page = as_owner.get("/loras/pinned").content.decode()
    assert words(page) == ["failed", "mirroring", "training", "awaiting_payment"]
    assert "Yours, pinned above the public list" in page


def test_it_asks_again_only_while_something_works(as_owner, owner):
    training = create_training(wallet=owner, status="training")
    assert "every 5s" in as_owner.get("/loras/pinned").content.decode()
    type(training).objects.update(status="failed", due_at=None)
    assert "every 5s" not in as_owner.get("/loras/pinned").content.decode()


def test_who_has_nothing_unfinished_gets_an_empty_place(as_owner, client):
    assert words(as_owner.get("/loras/pinned").content.decode()) == []
    assert client.get("/loras/pinned").content == b""


def test_it_is_for_one_person_and_the_wall_never_has_it(as_owner, owner):
    training = create_training(wallet=owner, status="training")
    assert as_owner.get("/loras/pinned").headers["Cache-Control"] == "private, no-store"
    assert str(training.pk) not in as_owner.get("/loras").content.decode()


def test_some_are_enough_and_more_ask_no_more_questions(as_owner, owner):
    def questions() -> int:
        with CaptureQueriesContext(connection) as context:
            as_owner.get("/loras/pinned")
        return len(context)

    create_training(wallet=owner, status="training")
    few = questions()
    for _ in range(PINNED + 2):
        create_training(wallet=owner, status="failed")
    assert questions() == few
    assert len(words(as_owner.get("/loras/pinned").content.decode())) == PINNED


def test_it_is_only_read(as_owner):
    assert as_owner.post("/loras/pinned").status_code == 405
