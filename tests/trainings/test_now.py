"""The bar that follows a person over the pages."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from tests.factories import create_training

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/rules"}


def test_it_is_empty_for_everybody_who_has_nothing_at_work(client, as_alice, alice):
    create_training(status="training")
    for status in ("awaiting_payment", "completed", "failed", "cancelled"):
        create_training(wallet=alice, status=status)
    for visitor in (client, as_alice):
        response = visitor.get("/trainings/now", headers=HTMX)
        assert response.status_code == 200
        assert response.content.decode().strip() == ""


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("archiving", "Packing the pictures"),
        ("training", "Training, 62%"),
        ("mirroring", "Bringing"),
    ],
)
def test_it_shows_what_works(as_alice, alice, status, words):
    training = create_training(wallet=alice, status=status, percent=62)
    page = as_alice.get("/trainings/now", headers=HTMX).content.decode()
    assert words in page
    assert f'href="/trainings/{training.pk}"' in page
    assert f'hx-get="/trainings/now?was={training.pk}" hx-trigger="every 5s"' in page


def test_it_is_not_needed_on_the_training_page_itself(as_alice, alice):
    training = create_training(wallet=alice, status="training")
    here = {**HTMX, "HX-Current-URL": f"http://testserver/trainings/{training.pk}"}
    assert as_alice.get("/trainings/now", headers=here).content.decode().strip() == ""
    older = create_training(wallet=alice, status="archiving", trigger_word="OTHER")
    assert str(older.pk) in as_alice.get("/trainings/now", headers=here).content.decode()


def test_the_end_of_what_it_showed_is_said_once(as_alice, alice):
    training = create_training(wallet=alice, status="completed")
    response = as_alice.get(f"/trainings/now?was={training.pk}", headers=HTMX)
    assert json.loads(response["HX-Trigger"]) == {
        "toast": {"text": "KILNGLZ: Ready.", "href": f"/trainings/{training.pk}", "label": "View"}
    }
    assert response.content.decode().strip() == ""
    assert "HX-Trigger" not in as_alice.get("/trainings/now", headers=HTMX)


def test_nothing_is_said_of_what_still_works_or_is_somebody_elses(as_alice, alice):
    mine = create_training(wallet=alice, status="training")
    theirs = create_training(status="completed")
    for was in (mine, theirs):
        assert "HX-Trigger" not in as_alice.get(f"/trainings/now?was={was.pk}", headers=HTMX)


def test_nonsense_says_nothing_and_post_is_refused(as_alice):
    response = as_alice.get("/trainings/now?was=nonsense", headers=HTMX)
    assert response.status_code == 200
    assert "HX-Trigger" not in response
    assert as_alice.post("/trainings/now").status_code == 405


def test_every_page_asks_for_it_but_those_of_errors():
    asked = 'hx-get="/trainings/now" hx-trigger="load delay:1ms, signed-in from:document"'
    assert asked in Client().get("/").content.decode()
    assert asked not in Client().get("/nowhere").content.decode()
