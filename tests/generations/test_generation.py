"""/generations/<id>: one batch, for whoever asked for it and for whoever has the link."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client

from generations.models import Generation
from generations.states import Status
from tests.factories import create_generation, create_image, create_training, create_wallet
from trainings.models import Training

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


def url(batch: Generation) -> str:
    return f"/generations/{batch.pk}"


@pytest.fixture
def as_bob(db: None) -> Client:
    client = Client()
    client.force_login(create_wallet())
    return client


def test_a_batch_at_work_asks_again_and_leaves_the_form_alone(as_alice, alice, lora):
    batch = create_generation(training=lora, wallet=alice, status="generating", note="In the queue")
    response = as_alice.get(url(batch), headers=HTMX)
    body = response.content.decode()
    assert f'hx-get="{url(batch)}" hx-trigger="every 1s"' in body
    assert "<textarea" not in body
    assert "hx-swap-oob" not in body
    assert "HX-Trigger" not in response


def test_it_asks_less_often_after_a_while(as_alice, alice, lora):
    batch = create_generation(training=lora, wallet=alice, status="generating")
    Generation.objects.update(created_at=Now() - timedelta(seconds=21))
    assert b"every 3s" in as_alice.get(url(batch), headers=HTMX).content


def test_a_batch_that_is_over_asks_no_more_and_offers_another(as_alice, alice, lora):
    batch = create_generation(training=lora, wallet=alice)
    response = as_alice.get(url(batch), headers=HTMX)
    body = response.content.decode()
    assert "hx-trigger" not in body
    assert body.count('class="frame"') == 4
    assert "4 images are ready." in body
    assert "Generate again" in body
    assert 'name="request_id"' in body
    assert "generated" in response["HX-Trigger"]


def test_filtered_images_are_said_and_not_shown(as_alice, alice, lora):
    words = "The safety checker held 1 image back."
    batch = create_generation(training=lora, wallet=alice, images=3, note=words)
    filtered = create_image(
        generation=batch, number=4, is_filtered=True, file="", thumbnails="", sha256=""
    )
    body = as_alice.get(url(batch), headers=HTMX).content.decode()
    assert body.count('class="frame"') == 3
    assert f'<p class="missing">{words}</p>' in body
    assert str(filtered.pk) not in body
    assert as_alice.get(f"/images/{filtered.pk}/320").status_code == 404


@pytest.mark.parametrize(
    ("counted", "words"),
    [(False, "this try was not counted"), (True, "This try was counted: it may have been drawn.")],
)
def test_a_failure_is_said_with_what_it_cost(as_alice, alice, lora, counted, words):
    batch = create_generation(
        training=lora,
        wallet=alice,
        status=Status.FAILED,
        error="fal.ai refused.",
        is_counted=counted,
    )
    body = as_alice.get(url(batch), headers=HTMX).content.decode()
    assert "The images did not arrive" in body
    assert "fal.ai refused." in body
    assert words in body
    assert "Try again" in body
    whole = as_alice.get(url(batch)).content.decode()
    assert "a moon jar</textarea>" in whole


def test_the_link_shows_the_images_to_others_and_no_form(as_bob, client, alice, lora):
    batch = create_generation(training=lora, wallet=alice)
    for visitor in (as_bob, client):
        body = visitor.get(url(batch)).content.decode()
        assert body.count('class="frame"') == 4
        assert "<textarea" not in body
        assert alice.short_address in body


def test_a_hidden_image_is_there_for_whoever_asked_for_it_only(as_alice, as_bob, alice, lora):
    batch = create_generation(training=lora, wallet=alice)
    batch.images.get(number=2).hide(by=alice)
    assert as_alice.get(url(batch)).content.count(b'class="frame"') == 4
    assert as_bob.get(url(batch)).content.count(b'class="frame"') == 3


@pytest.mark.parametrize("status", ["generating", "failed"])
def test_what_is_not_complete_is_nobody_elses_business(as_bob, client, alice, lora, status):
    batch = create_generation(training=lora, wallet=alice, status=status)
    assert as_bob.get(url(batch)).status_code == 404
    assert client.get(url(batch), headers=HTMX).status_code == 404


@pytest.mark.parametrize("gone", ["is_private", "hidden_at", "deleted_at"])
def test_it_goes_with_its_lora(as_alice, client, alice, lora, gone):
    batch = create_generation(training=lora, wallet=alice)
    Training.objects.filter(pk=lora.pk).update(**{gone: True if gone == "is_private" else Now()})
    assert as_alice.get(url(batch)).status_code == 404
    for visitor in (as_alice, client):
        assert visitor.get(f"{url(batch)}/zip").status_code == 404


def test_an_owner_sees_the_batches_of_a_private_lora(as_alice, alice, as_bob):
    lora = create_training(wallet=alice, status="completed", is_private=True)
    batch = create_generation(training=lora)
    assert as_alice.get(url(batch)).status_code == 200
    assert as_bob.get(url(batch)).status_code == 404


def test_reading_only(as_alice, alice, lora):
    batch = create_generation(training=lora, wallet=alice)
    assert as_alice.post(url(batch)).status_code == 405
