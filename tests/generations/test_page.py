"""/generate: choose a LoRA, with its trigger word put in; /?lora= leads there."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db.models.functions import Now

from generations.models import Generation
from tests.factories import create_training

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


def found(response) -> tuple[list[str], list[str]]:
    return tuple(
        [lora.trigger_word for lora in response.context[name]] for name in ("own", "public")
    )


def test_own_and_public_loras_are_offered(client, as_alice, alice):
    create_training(status="completed", trigger_word="PUBLIC")
    create_training(status="completed", trigger_word="MINE", wallet=alice, is_private=True)
    create_training(status="completed", trigger_word="PRIVATE", is_private=True)
    create_training(status="completed", trigger_word="HIDDEN", hidden_at=Now())
    create_training(status="training", trigger_word="WORKING", wallet=alice)
    assert found(as_alice.get("/generate")) == (["MINE"], ["PUBLIC"])
    assert found(client.get("/generate")) == ([], ["PUBLIC"])


def test_the_search_looks_at_names_and_trigger_words(as_alice, alice):
    create_training(status="completed", trigger_word="KILNGLZ", name="Glaze tests")
    create_training(status="completed", trigger_word="RISO", name="Prints", wallet=alice)
    assert found(as_alice.get("/generate", {"q": "glaze"})) == ([], ["KILNGLZ"])
    assert found(as_alice.get("/generate", {"q": "RIS"})) == (["RISO"], [])
    assert found(as_alice.get("/generate", {"q": "GLA"}, headers=HTMX)) == ([], ["KILNGLZ"])
    body = as_alice.get("/generate", {"q": "nothing"}, headers=HTMX).content.decode()
    assert body.lstrip().startswith('<div id="found"')
    assert "No LoRA has “nothing”" in body


@pytest.mark.parametrize("q", ["\0", "'\"<b>", "&|!:*()", "{{7*7}}", "x" * 5000, "%", "   "])
def test_any_search_is_answered(client, lora, q):
    assert client.get("/generate", {"q": q}).status_code == 200


@pytest.mark.parametrize("prefix", ["lora:", ""])
@pytest.mark.parametrize(
    ("kind", "begun"), [("style", " in the style of KILNGLZ"), ("character", "KILNGLZ, ")]
)
def test_a_chosen_lora_has_its_trigger_word_in_the_prompt(as_alice, prefix, kind, begun):
    lora = create_training(status="completed", kind=kind)
    body = as_alice.get("/generate", {"lora": f"{prefix}{lora.pk}"}).content.decode()
    assert f">{begun}</textarea>" in body
    assert "<b>KILNGLZ</b> is in your prompt already." in body
    assert f"lora:{lora.pk}" in body
    assert f'action="/loras/{lora.pk}/generate"' in body


def test_a_prompt_in_the_address_wins(as_alice, lora):
    query = {"lora": lora.pk, "prompt": "mine", "images_asked": "2"}
    body = as_alice.get("/generate", query).content.decode()
    assert ">mine</textarea>" in body
    assert "Generate 2 images" in body


def test_it_begins_a_batch_like_the_dialog(as_alice, alice, lora):
    as_alice.post(f"/loras/{lora.pk}/generate", {"prompt": "a jar in the style of KILNGLZ"})
    assert alice.generations.get().full_prompt == "a jar in the style of KILNGLZ"
    body = as_alice.get("/generate", {"lora": lora.pk}).content.decode()
    assert f'hx-get="/generations/{Generation.objects.get().pk}"' in body


@pytest.mark.parametrize(
    "gone",
    [{"is_private": True}, {"hidden_at": Now()}, {"deleted_at": Now()}, {"status": "failed"}],
)
def test_a_lora_that_is_not_to_be_seen_is_not_there(as_alice, gone):
    lora = create_training(**{"status": "completed", **gone})
    assert as_alice.get("/generate", {"lora": f"lora:{lora.pk}"}).status_code == 404


@pytest.mark.parametrize(
    "named", ["lora:", "lora:1", "lora:lora:x", "\0", str(UUID(int=7)), "../etc"]
)
def test_a_name_that_is_none_is_not_there(client, db, named):
    assert client.get("/generate", {"lora": named}).status_code == 404


def test_the_front_page_leads_here(client, lora):
    response = client.get("/", {"lora": lora.pk})
    assert (response.status_code, response["Location"]) == (302, f"/generate?lora={lora.pk}")
    assert client.get("/").status_code == 200


def test_reading_only(as_alice):
    assert as_alice.post("/generate").status_code == 405


def test_it_asks_no_more_the_more_there_is(as_alice, alice, django_assert_max_num_queries):
    for number in range(6):
        create_training(status="completed", wallet=alice if number % 2 else None)
    with django_assert_max_num_queries(5):
        as_alice.get("/generate")
