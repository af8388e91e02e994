"""The visitor's own unfinished trainings above the wall, in a fragment of their own."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from gallery.views import PINNED
from tests.factories import create_training

pytestmark = pytest.mark.django_db


def words(page: str) -> list[str]:
    return re.findall(r'<h2><a href="/trainings/[^"]+">(\w+)</a></h2>', page)


def test_own_unfinished_trainings_are_pinned_the_newest_first(as_alice, alice):
    create_training(trigger_word="STRANGE", status="training")
    for status in ("awaiting_payment", "training", "mirroring", "failed"):
        create_training(wallet=alice, trigger_word=status, status=status)
    for status in ("completed", "cancelled"):
        create_training(wallet=alice, trigger_word="OVER", status=status)
    create_training(wallet=alice, trigger_word="GONE", status="failed", deleted_at=Now())
    page = as_alice.get("/loras/pinned").content.decode()
    assert words(page) == ["failed", "mirroring", "training", "awaiting_payment"]
    assert "Yours, pinned above the public list" in page


def test_it_asks_again_only_while_something_works(as_alice, alice):
    training = create_training(wallet=alice, status="training")
    assert "every 5s" in as_alice.get("/loras/pinned").content.decode()
    type(training).objects.update(status="failed", due_at=None)
    assert "every 5s" not in as_alice.get("/loras/pinned").content.decode()


def test_who_has_nothing_unfinished_gets_an_empty_place(as_alice, client):
    assert words(as_alice.get("/loras/pinned").content.decode()) == []
    assert client.get("/loras/pinned").content == b""


def test_it_is_for_one_person_and_the_wall_never_has_it(as_alice, alice):
    training = create_training(wallet=alice, status="training")
    assert as_alice.get("/loras/pinned").headers["Cache-Control"] == "private, no-store"
    assert str(training.pk) not in as_alice.get("/loras").content.decode()


def test_some_are_enough_and_more_ask_no_more_questions(as_alice, alice):
    def questions() -> int:
        with CaptureQueriesContext(connection) as context:
            as_alice.get("/loras/pinned")
        return len(context)

    create_training(wallet=alice, status="training")
    few = questions()
    for _ in range(PINNED + 2):
        create_training(wallet=alice, status="failed")
    assert questions() == few
    assert len(words(as_alice.get("/loras/pinned").content.decode())) == PINNED


def test_it_is_only_read(as_alice):
    assert as_alice.post("/loras/pinned").status_code == 405
