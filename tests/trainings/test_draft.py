"""Keeping what is typed while it is typed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from datasets import owners
from datasets.models import Dataset
from tests.factories import create_dataset, create_picture, create_training
from trainings.drafts import Draft

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def test_a_visit_shows_the_form_and_begins_nothing(client):
    response = client.get("/draft", headers=HTMX)
    page = response.content.decode()
    assert page.strip().startswith('<div class="train" id="workspace"')
    assert "csrfmiddlewaretoken" in page
    assert "HX-Request" in response.headers["Vary"]
    assert Dataset.objects.count() == 0


def test_without_script_it_is_a_page_of_its_own(client):
    page = client.get("/draft").content.decode()
    assert page.startswith("<!doctype html>")
    assert 'id="settings"' in page


def test_what_is_typed_without_a_wallet_is_there_after_a_reload(client):
    client.post("/draft", {"trigger_word": "KILNGLZ"}, headers=HTMX)
    client.post("/draft", {"trigger_word": "KILNGLZ", "name": "Glaze tests"}, headers=HTMX)
    assert Draft.objects.get().typed == {"trigger_word": "KILNGLZ", "name": "Glaze tests"}
    assert 'value="KILNGLZ"' in client.get("/").content.decode()
    assert "KILNGLZ" not in Client().get("/draft").content.decode()


def test_the_answer_is_what_changes(as_alice, alice):
    create_dataset(wallet=alice, pictures=4)
    typed = {"trigger_word": "KILNGLZ", "training_steps": "2000", "kind": "character"}
    response = as_alice.post("/draft", typed, headers=HTMX)
    page = response.content.decode()
    assert response.status_code == 200
    assert "<h2>KILNGLZ</h2>" in page
    assert "<dt>Steps</dt><dd>2,000</dd>" in page
    assert "500 steps for each image: it may repeat them." in page
    assert "Leave out the face and the hair" in page
    assert "<form" not in page
    assert 'id="advanced"' not in page
    assert page.count("hx-swap-oob") == 6


def test_another_trainer_brings_its_own_settings(as_alice):
    page = as_alice.post("/draft", {"provider": "replicate"}, headers=HTMX).content.decode()
    assert 'id="advanced"' in page
    assert 'name="replicate-rank"' in page
    assert "fal-masks" not in page


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("two words", "Use 2 to 24 letters, digits or underscores, without spaces."),
        ("🔥fire", "Use 2 to 24 letters"),
        ("../x", "Use 2 to 24 letters"),
        ("x" * 200, "Use 2 to 24 letters"),
        ("Vase", "A plain word, which the base model knows."),
        ("kilnglz", "A public LoRA has this trigger word already."),
        ("", "A made-up word works best"),
    ],
)
def test_a_trigger_word_is_judged_while_it_is_typed(as_alice, word, words):
    create_training(status="completed", trigger_word="KILNGLZ")
    response = as_alice.post("/draft", {"trigger_word": word}, headers=HTMX)
    assert response.status_code == 200
    assert words in response.content.decode()


@pytest.mark.parametrize("hidden", [{"is_private": True}, {"status": "failed"}])
def test_what_nobody_sees_takes_no_trigger_word(as_alice, hidden):
    create_training(**({"status": "completed", "trigger_word": "KILNGLZ"} | hidden))
    page = as_alice.post("/draft", {"trigger_word": "KILNGLZ"}, headers=HTMX).content.decode()
    assert "already" not in page


@pytest.mark.parametrize(
    ("pictures", "steps", "kind", "words"),
    [
        (0, "1000", "style", "depends on the number of images"),
        (15, "500", "style", "33 steps for each image: it may come out weak."),
        (10, "1000", "product", "100 steps for each image: a good number."),
        (10, "1000", "style", "a good number. A style can take up to 1,500."),
        (15, "2000", "style", "133 steps for each image: a good number."),
    ],
)
def test_steps_are_weighed_against_pictures_and_type(as_alice, alice, pictures, steps, kind, words):
    create_dataset(wallet=alice, pictures=pictures)
    typed = {"training_steps": steps, "kind": kind}
    assert words in as_alice.post("/draft", typed, headers=HTMX).content.decode()


def test_after_a_refused_start_it_says_what_is_still_missing_until_nothing_is(as_alice, alice):
    dataset = create_dataset(wallet=alice, pictures=3)
    typed = {"trigger_word": "two words", "kind": "style", "training_steps": "1000"}
    page = as_alice.post("/draft", typed, headers=HTMX).content.decode()
    assert "The training has not begun" not in page

    as_alice.post("/draft/start", typed, headers=HTMX)
    wrong = "Something in the settings is not right yet."
    rule = "Use 2 to 24 letters, digits or underscores"
    assert wrong in as_alice.post("/draft", typed, headers=HTMX).content.decode()
    assert wrong in as_alice.get("/draft/ticket", headers=HTMX).content.decode()
    page = as_alice.get("/draft").content.decode()
    assert wrong in page
    assert page.count(rule) == 1
    empty = as_alice.post("/draft", {"trigger_word": ""}, headers=HTMX).content.decode()
    assert "A training needs a trigger word." in empty
    mended = as_alice.post("/draft", {"trigger_word": "KILNGLZ"}, headers=HTMX).content.decode()
    assert "Choose at least 4 pictures; you have chosen 3." in mended
    assert rule not in mended

    create_picture(dataset=dataset, position=3)
    ready = as_alice.get("/draft/ticket", headers=HTMX).content.decode()
    assert "The training has not begun" not in ready


def test_markup_in_a_field_stays_text(as_alice):
    typed = {"trigger_word": "<b>x</b>", "description": "</textarea><script>"}
    page = as_alice.post("/draft", typed, headers=HTMX).content.decode()
    assert "<b>x</b>" not in page
    assert "</textarea><script>" not in as_alice.get("/draft").content.decode()


def test_what_is_typed_after_the_training_began_belongs_to_nothing(as_alice, alice):
    trained = create_training(wallet=alice).dataset
    typed = {"dataset": trained.pk, "name": "late"}
    assert as_alice.post("/draft", typed, headers=HTMX).status_code == 204
    assert as_alice.get(f"/draft/ticket?dataset={trained.pk}", headers=HTMX).status_code == 204
    assert not Draft.objects.exists()


def test_a_page_without_a_draft_tells_nothing_when_it_is_left(as_alice, alice):
    assert "beforeunload" not in as_alice.get("/draft").content.decode()
    create_dataset(wallet=alice)
    assert "beforeunload" in as_alice.get("/draft").content.decode()


def test_without_script_it_leads_back_to_the_page(as_alice):
    response = as_alice.post("/draft", {"trigger_word": "KILNGLZ"})
    assert (response.status_code, response["Location"]) == (302, "/draft")


def test_one_network_cannot_begin_any_number_of_drafts(client, monkeypatch):
    monkeypatch.setattr(owners, "DRAFTS_PER_NETWORK", 1)
    client.post("/draft", {"name": "x"})
    refused = Client().post("/draft", {"name": "x"}, headers=HTMX)
    assert refused.status_code == 429
    assert "Too many new sets from your network." in refused.content.decode()
    assert Dataset.objects.count() == 1


def test_the_ticket_is_told_of_pictures_and_of_signing_in(as_alice, alice):
    create_dataset(wallet=alice, pictures=7)
    page = as_alice.get("/draft/ticket", headers=HTMX).content.decode()
    assert "<dt>Images</dt><dd>7</dd>" in page
    assert "Pay $4 and train" in page
    assert "Connect wallet" in Client().get("/draft/ticket", headers=HTMX).content.decode()


def test_the_ticket_of_pictures_that_are_somebody_elses_is_not_found(as_alice, alice):
    dataset = create_dataset(wallet=alice, pictures=7)
    for pk in (dataset.pk, uuid4(), "nonsense"):
        assert Client().get(f"/draft/ticket?dataset={pk}", headers=HTMX).status_code == 404
    assert as_alice.get(f"/draft/ticket?dataset={dataset.pk}", headers=HTMX).status_code == 200


@pytest.mark.parametrize("url", ["/draft/ticket", "/draft/preview", "/rules", "/price"])
def test_what_is_only_read_takes_no_post(client, url):
    assert client.post(url).status_code == 405


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client, method):
    assert getattr(client, method)("/draft").status_code == 405
