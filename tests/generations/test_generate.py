"""/loras/<id>/generate: the dialog, the page without script, and what begins a batch."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from generations.models import Generation
from generations.states import Status
from tests.factories import create_generation, create_training, create_wallet
from trainings.models import Training

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
DIALOG = {**HTMX, "HX-Target": "div#modal"}


def url(lora: Training) -> str:
    return reverse("generations:generate", args=[lora.pk])


def pane(lora: Training) -> dict[str, str]:
    return {**HTMX, "HX-Target": f"div#gen-{lora.pk}"}


def post(client: Client, lora: Training, *, headers: dict[str, str] | None = None, **typed: Any):
    typed = {"prompt": "a moon jar", "request_id": uuid4()} | typed
    return client.post(url(lora), typed, headers=pane(lora) if headers is None else headers)


def test_a_click_gets_a_dialog_and_an_address_a_page(as_alice, lora):
    dialog = as_alice.get(url(lora), headers=DIALOG).content.decode()
    assert dialog.lstrip().startswith("<dialog")
    assert " open" not in dialog.partition(">")[0]
    whole = as_alice.get(url(lora))
    assert whole.content.startswith(b"<!doctype html>")
    for body in (dialog, whole.content.decode()):
        assert f"<b>in the style of {lora.trigger_word}</b>" in body
        assert "<b>8 of 8</b> generations remaining today" in body
        assert "4 images" in body
    assert "HX-Target" in whole["Vary"]


def test_a_character_has_its_word_put_in_front(as_alice):
    lora = create_training(status="completed", kind="character")
    assert b"<b>KILNGLZ</b> is put in front" in as_alice.get(url(lora)).content
    said = as_alice.get(url(lora), {"prompt": "kilnglz on a horse"}).content
    assert b"<b>KILNGLZ</b> is in your prompt already" in said


def test_a_prompt_begins_a_batch_that_the_answer_watches(as_alice, alice, lora):
    response = post(as_alice, lora)
    batch = alice.generations.get()
    assert (batch.prompt, batch.full_prompt, batch.training_id, batch.status) == (
        *("a moon jar", "a moon jar in the style of KILNGLZ", lora.pk, Status.SUBMITTING),
    )
    body = response.content.decode()
    assert body.lstrip().startswith(f'<div class="pane" id="gen-{lora.pk}"')
    assert f'hx-get="/generations/{batch.pk}" hx-trigger="every 1s"' in body
    assert body.count("frame wait") == 4
    assert "<b>7 of 8</b>" in body
    assert "generated" in response["HX-Trigger"]


def test_everything_behind_advanced_reaches_the_batch(as_alice, alice, lora):
    typed = {"strength": "other", "scale": "2.2", "size": "other", "width": 640, "height": "1520"}
    more = {"inference_steps": 30, "guidance": "4.5", "seed": 7, "images_asked": 2}
    body = post(as_alice, lora, **typed, **more, image_format="png").content.decode()
    batch = alice.generations.get()
    assert (batch.scale, batch.width, batch.height, batch.inference_steps, batch.guidance) == (
        *(2.2, 640, 1520, 30, 4.5),
    )
    assert (batch.seed, batch.images_asked, batch.image_format) == (7, 2, "png")
    assert body.count("frame wait") == 2


def test_a_preset_overrules_what_stands_in_the_field_that_it_hides(as_alice, alice, lora):
    post(as_alice, lora, strength="3.3", scale="99", size="1344x768", width="1", height="nonsense")
    batch = alice.generations.get()
    assert (batch.scale, batch.width, batch.height) == (3.3, 1344, 768)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"prompt": ""}, "Write what the images should show."),
        ({"prompt": " \n "}, "Write what the images should show."),
        ({"prompt": "a" * 501}, "The prompt has 501 characters. It may have 1 to 500."),
        ({"prompt": "a\0b"}, "The prompt holds a character that is no text"),
        ({"strength": "other", "scale": "4.1"}, "Choose a strength from 0 to 4."),
        ({"strength": "other", "scale": "nan"}, "Choose a strength from 0 to 4."),
        ({"strength": "other", "scale": ""}, "Choose a strength from 0 to 4."),
        ({"strength": "1.7"}, "Choose one of these strengths."),
        ({"size": "1x1"}, "Choose one of these sizes."),
        ({"size": "other", "width": "513", "height": "512"}, "from 512 to 1,536 pixels"),
        ({"size": "other", "width": "512"}, "Choose a height from 512 to 1,536 pixels"),
        ({"inference_steps": "51"}, "Choose 1 to 50 steps."),
        ({"inference_steps": "9" * 5000}, "Choose 1 to 50 steps."),
        ({"guidance": "1e400"}, "Choose a guidance from 0 to 10."),
        ({"seed": "-1"}, "Choose a seed from 0 to 2,147,483,647, or none."),
        ({"images_asked": "5"}, "Choose 1 to 4 images."),
        ({"image_format": "gif"}, "Choose JPEG or PNG."),
        ({"request_id": "../x"}, "This page is out of date."),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words_and_kept(as_alice, lora, typed, words):
    response = post(as_alice, lora, **{"prompt": "keep me", **typed})
    body = response.content.decode()
    assert response.status_code == 422
    assert words in body
    assert typed.get("prompt", "keep me").replace("\0", "�") in body.replace("\0", "�")
    assert not Generation.objects.exists()
    behind = set(typed) - {"prompt", "request_id"}
    assert bool(re.search(r'<details class="advanced drawn" open', body)) == bool(behind)


@pytest.mark.parametrize(
    "prompt", ["<script>alert(1)</script>", "{{7*7}}", "{% url 'home' %} 'q\""]
)
def test_markup_is_text(as_alice, alice, lora, prompt):
    body = post(as_alice, lora, prompt=prompt).content.decode()
    assert alice.generations.get().prompt == prompt
    assert f">{escape(prompt)}</textarea>" in body


def test_a_strength_that_the_provider_does_not_have_is_not_offered_and_refused(as_alice):
    lora = create_training(status="completed", provider="replicate")
    body = as_alice.get(url(lora)).content.decode()
    assert 'value="2.5"' in body
    assert 'value="3.3"' not in body
    response = post(as_alice, lora, strength="other", scale="3.5")
    assert response.status_code == 422
    assert "Replicate applies a LoRA with a strength from 0 to 3." in response.content.decode()


def test_a_double_click_is_one_batch(as_alice, alice, lora):
    typed = {"request_id": uuid4(), "strength": "2"}
    first, second = post(as_alice, lora, **typed), post(as_alice, lora, **typed)
    assert (first.status_code, second.status_code) == (200, 200)
    assert alice.generations.count() == 1
    assert f"/generations/{alice.generations.get().pk}" in second.content.decode()


def test_the_same_form_with_another_prompt_is_refused_and_can_be_sent_once_more(
    as_alice, alice, lora
):
    wish = uuid4()
    post(as_alice, lora, request_id=wish)
    response = post(as_alice, lora, request_id=wish, prompt="something else")
    body = response.content.decode()
    assert response.status_code == 422
    assert "something else in it" in body
    assert str(wish) not in body
    assert alice.generations.count() == 1
    other = create_training(status="completed")
    assert post(as_alice, other, request_id=wish).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"prompt": "x\0y" * 300, "scale": "99", "seed": "-4", "width": "<b>", "images_asked": "0"},
        {"strength": "\0", "size": "x", "guidance": "inf", "image_format": "'\""},
    ],
)
def test_a_query_that_makes_no_sense_is_left_out(as_alice, lora, query):
    response = as_alice.get(url(lora), query)
    assert response.status_code == 200
    assert "1024 \N{MULTIPLICATION SIGN} 1024" in response.content.decode()
    assert "\0" not in response.content.decode()


@pytest.mark.parametrize(
    "hidden",
    [
        {"is_private": True},
        {"hidden_at": Now()},
        {"deleted_at": Now()},
        {"status": "training"},
        {"status": "failed"},
    ],
)
def test_a_lora_that_is_not_to_be_seen_is_not_there(as_alice, hidden):
    lora = create_training(**{"status": "completed", **hidden})
    assert as_alice.get(url(lora)).status_code == 404
    assert post(as_alice, lora).status_code == 404
    assert not Generation.objects.exists()


def test_an_owner_generates_with_a_private_lora(as_alice, alice):
    lora = create_training(wallet=alice, status="completed", is_private=True)
    assert post(as_alice, lora).status_code == 200


def test_without_script_it_leads_to_the_page_of_the_batch(as_alice, alice, lora):
    response = post(as_alice, lora, headers={})
    batch = alice.generations.get()
    assert response.status_code == 302
    assert response["Location"] == f"/generations/{batch.pk}"
    assert b'http-equiv="refresh"' in as_alice.get(response["Location"]).content


def test_what_was_closed_while_it_was_drawn_is_found_again(as_alice, alice, lora):
    post(as_alice, lora, prompt="the running one", strength="2.5")
    batch = alice.generations.get()
    body = as_alice.get(url(lora), headers=DIALOG).content.decode()
    assert f'hx-get="/generations/{batch.pk}"' in body
    assert "the running one</textarea>" in body
    assert 'scale <span data-shows="scale">2.5' in body
    # Of another LoRA, or for somebody else, there is nothing to go on with.
    assert (
        b'hx-trigger="every' not in as_alice.get(url(create_training(status="completed"))).content
    )
    stranger = Client()
    stranger.force_login(create_wallet())
    assert "the running one" not in stranger.get(url(lora), headers=DIALOG).content.decode()


def test_what_was_drawn_a_moment_ago_is_still_there(as_alice, alice, lora):
    create_generation(training=lora, wallet=alice, prompt="just now")
    body = as_alice.get(url(lora), headers=DIALOG).content.decode()
    assert body.count('class="frame"') == 4
    assert "Generate again" in body


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(as_alice, lora, method):
    assert getattr(as_alice, method)(url(lora)).status_code == 405


def test_a_form_of_another_site_is_refused(alice, lora):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(url(lora), {"prompt": "x"}).status_code == 403


def test_it_asks_no_more_the_more_there_is(as_alice, alice, lora, django_assert_max_num_queries):
    for _ in range(6):
        create_generation(training=lora, wallet=alice)
    with django_assert_max_num_queries(9):
        as_alice.get(url(lora), headers=DIALOG)


# --- The strength that a report card suggests -----------------------------------------------------


def suggest(lora: Training, strength: float | None) -> None:
    Training.objects.filter(pk=lora.pk).update(recommended_strength=strength)


def checked(body: str) -> list[str]:
    """The strengths that are chosen in a form."""
    radios = re.findall(r'<input type="radio" name="strength"[^>]*>', body)
    return [re.findall(r'value="(.*?)"', radio)[0] for radio in radios if "checked" in radio]


@pytest.mark.parametrize(
    ("suggested", "chosen", "words"),
    [(None, "1.5", "chill 1.5"), (1.0, "1", "suggested 1"), (2.0, "2", "spicy 2")],
)
def test_the_dialog_begins_with_the_strength_that_was_suggested(
    as_alice, alice, lora, suggested, chosen, words
):
    suggest(lora, suggested)
    body = as_alice.get(url(lora)).content.decode()
    assert checked(body) == [chosen]
    assert f"<span>{words}</span>" in body
    assert f'<span data-shows="scale">{chosen}</span>' in body
    assert '<details class="advanced drawn">' in body  # What is usual is nothing to look into.
    post(as_alice, lora)
    assert alice.generations.get().scale == float(chosen)


def test_another_strength_than_the_suggested_one_is_kept(as_alice, alice, lora):
    suggest(lora, 1.0)
    post(as_alice, lora, strength="1.5")
    batch = alice.generations.get()
    assert batch.scale == 1.5
    again = as_alice.get(url(lora)).content.decode()
    assert checked(again) == ["1.5"]
    asked = as_alice.get(url(lora), {"prompt": "a moon jar", "scale": "1.5"}).content.decode()
    assert checked(asked) == ["1.5"]
    assert '<details class="advanced drawn" open>' in asked


def test_all_settings_of_an_earlier_batch_are_its_own_and_not_the_suggested_ones(
    as_alice, alice, lora
):
    create_generation(training=lora, wallet=alice, scale=1.5)
    suggest(lora, 1.0)
    (batch,) = as_alice.get("/generations").context["batches"]
    assert checked(as_alice.get(batch["reuse_all_url"]).content.decode()) == ["1.5"]
    assert checked(as_alice.get(batch["reuse_url"]).content.decode()) == ["1"]
