"""The list of one's own trainings."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from tests.factories import create_training
from trainings.states import Status

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def names(page: str) -> list[str]:
    return re.findall(r'<h2><a href="/trainings/[^"]+">(\w+)</a></h2>', page)


def test_mine_are_here_the_newest_first_and_no_others(as_alice, alice):
    create_training(trigger_word="STRANGE")
    create_training(wallet=alice, trigger_word="GONE", status="completed", deleted_at=Now())
    for word in ("ONE", "TWO", "THREE"):
        create_training(wallet=alice, trigger_word=word)
    page = as_alice.get("/trainings").content.decode()
    assert names(page) == ["THREE", "TWO", "ONE"]
    assert "Show 20 more" not in page


@pytest.mark.parametrize(
    ("status", "fields", "words"),
    [
        ("awaiting_payment", {}, ["Waiting for payment", ">Pay<"]),
        ("training", {"percent": 62}, ["Training, 62%", 'value="62"', "p-62", ">View<"]),
        (
            "failed",
            {"error": "It broke.", "charges": 1},
            ["It broke.", "Try again", "$4 went back"],
        ),
        ("cancelled", {}, ["Cancelled", "Train again"]),
        ("completed", {"is_private": True}, ["85.6", "only you see this", "Copy URL", "1,000"]),
        ("completed", {}, ["Copy URL"]),
    ],
)
def test_each_state_has_its_row(as_alice, alice, status, fields, words):
    training = create_training(wallet=alice, status=status, **fields)
    page = as_alice.get("/trainings").content.decode()
    for word in words:
        assert word in page
    assert f'href="/trainings/{training.pk}"' in page
    assert "Generate" not in page


def test_twenty_at_a_time_and_none_twice(as_alice, alice):
    moments = [create_training(wallet=alice, trigger_word=f"N{n}") for n in range(43)]
    # Several of the very same moment are told apart by their ids.
    type(moments[0]).objects.filter(pk__in=[t.pk for t in moments[10:35]]).update(created_at=Now())
    seen, url = [], "/trainings"
    while url:
        page = as_alice.get(url).content.decode()
        seen += names(page)
        more = re.search(r'href="(\?before=[^"]+)"', page)
        url = f"/trainings{more[1]}" if more else ""
    assert len(seen) == 43
    assert set(seen) == {f"N{n}" for n in range(43)}


def test_the_next_rows_are_a_fragment(as_alice, alice):
    rows = [create_training(wallet=alice) for _ in range(3)]
    url = f"/trainings?before={rows[2].pk}"
    page = as_alice.get(url, headers=HTMX).content.decode()
    assert len(names(page)) == 2
    assert "<html" not in page
    assert "From the newest" in as_alice.get(url).content.decode()


@pytest.mark.parametrize(
    "before", ["nonsense", "00000000-0000-4000-8000-000000000000", "'; drop table"]
)
def test_a_place_in_the_list_that_is_none_is_not_found(as_alice, before):
    assert as_alice.get("/trainings", {"before": before}).status_code == 404


def test_somebody_elses_training_is_no_place_in_my_list(as_alice):
    assert as_alice.get("/trainings", {"before": create_training().pk}).status_code == 404


def test_an_empty_list_says_how_to_begin(as_alice):
    page = as_alice.get("/trainings").content.decode()
    assert "Nothing trained yet." in page
    assert 'href="/"' in page


def test_a_longer_list_asks_no_more_questions(as_alice, alice):
    def questions() -> int:
        with CaptureQueriesContext(
            connection,
        ) as context:
            as_alice.get("/trainings")
        return len(context)

    for status in Status.values:
        create_training(wallet=alice, status=status)
    few = questions()
    for status in [*Status.values, "completed", "failed"]:
        create_training(wallet=alice, status=status)
    assert questions() == few


def test_the_list_is_only_read(as_alice):
    assert as_alice.post("/trainings").status_code == 405
