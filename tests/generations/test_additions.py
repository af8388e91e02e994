"""Several LoRAs at once: which, how strong, who draws them, and who sees what came out."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.test import Client

from generations.models import AddedLora, Addition, GeneratedImage, Generation
from generations.parameters import parameters
from generations.prompts import full_prompt, prompt_parts
from tests.factories import create_generation, create_training, create_wallet
from trainings.models import Training
from wallets.models import Wallet

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


def other(word: str, **fields: Any) -> Training:
    return create_training(**{"status": "completed", "trigger_word": word, **fields})


def mixed(lora: Training, *added: Training, **fields: Any) -> Generation:
    """A completed batch of several LoRAs."""
    batch = create_generation(training=lora, images=0, **fields)
    for place, one in enumerate(added, 1):
        AddedLora.objects.create(generation=batch, training=one, place=place, scale=0.8)
    for number in range(1, 3):
        image = {"file": f"images/{uuid4().hex}/image.jpg", "width": 1024, "height": 1024}
        GeneratedImage.objects.create(generation=batch, number=number, seed=1, **image)
    return batch


def begin(wallet: Wallet, lora: Training, *additions: Addition, **choices: Any) -> Generation:
    return Generation.begin(wallet, lora, additions=additions, **({"prompt": "a jar"} | choices))


# --- Rules ----------------------------------------------------------------------------------------


def test_each_is_kept_in_its_place_and_its_word_is_in_the_prompt(alice, lora):
    riso, face = other("RISO", kind="style"), other("FACE", kind="character")
    batch = begin(alice, lora, Addition(riso, 0.8), Addition(face, 2.0))
    assert batch.additions == [Addition(riso, 0.8), Addition(face, 2.0)]
    assert batch.loras == [lora, riso, face]
    assert batch.full_prompt == "FACE, a jar in the style of KILNGLZ and RISO"
    assert batch.prompt_parts == ("FACE, ", "a jar", " in the style of KILNGLZ and RISO")


@pytest.mark.parametrize(
    ("prompt", "full"),
    [
        ("a jar", "ANN, BOX, a jar in the style of CYAN and DUNE"),
        ("jar in the style of cyan", "ANN, BOX, jar in the style of cyan in the style of DUNE"),
        ("BOX and ANN in CYAN, DUNE", "BOX and ANN in CYAN, DUNE"),
        ("box on a beach.", "ANN, box on a beach in the style of CYAN and DUNE"),
        ("N", "ANN, BOX, N in the style of CYAN and DUNE"),
    ],
)
def test_no_trigger_word_is_there_twice(prompt, full):
    words = {"ANN": "character", "CYAN": "style", "BOX": "product", "DUNE": "style"}
    assert full_prompt(prompt, *words.items(), ("dune", "style"), ("ann", "product")) == full
    before, own, after = prompt_parts(prompt, full)
    assert (before + own + after, own) == (full, prompt.rstrip("."))


def test_the_longest_prompt_and_words_fit(alice):
    lora, *others = (other(f"{letter * 24}", kind="style") for letter in "abcde")
    batch = begin(alice, lora, *map(Addition, others), prompt="x" * 500)
    assert len(batch.full_prompt) > 600


@pytest.mark.parametrize("scale", [-0.1, 4.1, float("nan")])
def test_a_strength_out_of_range_is_refused(alice, lora, scale):
    with pytest.raises(ValidationError) as refusal:
        begin(alice, lora, Addition(other("RISO"), scale))
    assert refusal.value.message_dict == {"additions": ["Choose a strength from 0 to 4."]}


def test_a_lora_is_there_once(alice, lora):
    riso = other("RISO")
    for twice in ([riso, riso], [lora]):
        with pytest.raises(ValidationError, match="Each LoRA can be there once"):
            begin(alice, lora, *map(Addition, twice))
    assert not Generation.objects.exists()


def test_there_are_five_at_most(alice, lora):
    others = [other(f"W{number}") for number in range(5)]
    assert begin(alice, lora, *map(Addition, others[:4])).provider == "fal"
    with pytest.raises(ValidationError, match=r"fal\.ai applies up to 5 LoRAs at once"):
        begin(alice, lora, *map(Addition, others))


def test_who_trained_the_first_draws_unless_they_take_fewer(alice):
    lora = other("FIRST", provider="replicate")
    others = [other("W1"), other("W2", provider="replicate")]
    assert begin(alice, lora, Addition(others[0])).provider == "replicate"
    assert begin(alice, lora, *map(Addition, others)).provider == "fal"


def test_a_provider_that_takes_fewer_says_so_when_it_is_named_or_the_only_one(
    alice, lora, settings
):
    others = [Addition(other("W1")), Addition(other("W2"))]
    words = "Replicate applies up to 2 LoRAs at once"
    with pytest.raises(ValidationError, match=words):
        begin(alice, lora, *others, provider="replicate")
    settings.PROVIDERS = {"replicate": settings.PROVIDERS["replicate"]}
    with pytest.raises(ValidationError, match=words):
        begin(alice, lora, *others)
    with pytest.raises(ValidationError, match="Replicate applies a LoRA with a strength from 0"):
        begin(alice, lora, Addition(others[0].training, 3.5))


def test_the_database_keeps_places_and_strengths(lora):
    batch, riso = create_generation(training=lora), other("RISO")
    for wrong in (
        {"place": 0, "scale": 1},
        {"place": 5, "scale": 1},
        {"place": 1, "scale": 4.5},
        {"place": 1, "scale": float("nan")},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            AddedLora.objects.create(generation=batch, training=riso, **wrong)
    AddedLora.objects.create(generation=batch, training=riso, place=1, scale=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        AddedLora.objects.create(generation=batch, training=riso, place=2, scale=1)


def test_the_file_names_all_of_them(lora):
    riso = other("RISO", tensors_sha256="b" * 64)
    batch = mixed(lora, riso)
    text = parameters(batch, number=1, seed=7, width=512, height=512)
    first, second = f"KILNGLZ-flux-lora-{lora.pk.hex[:8]}", f"RISO-flux-lora-{riso.pk.hex[:8]}"
    assert f"<lora:{first}:1.5> <lora:{second}:0.8>\n" in text
    assert f'Lora hashes: "{second}: {"b" * 12}"' in text
    Training.objects.filter(pk=lora.pk).update(tensors_sha256="a" * 64)
    text = parameters(Generation.objects.get(pk=batch.pk), number=1, seed=7, width=512, height=512)
    assert f'Lora hashes: "{first}: {"a" * 12}, {second}: {"b" * 12}"' in text


# --- Who sees what came out -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "seers"),
    [
        ({}, {"nobody", "stranger", "maker", "other owner", "owner", "admin"}),
        ({"is_private": True}, {"other owner"}),
        ({"hidden_at": Now()}, {"other owner", "admin"}),
        ({"deleted_at": Now()}, set()),
        ({"status": "failed"}, set()),
    ],
)
def test_a_mix_is_seen_by_whoever_sees_every_lora_in_it(change, seers, settings):
    people = {name: create_wallet() for name in ("stranger", "maker", "other owner", "owner")}
    people["admin"] = create_wallet()
    settings.ADMIN_WALLETS = [people["admin"].address]
    lora = create_training(status="completed", wallet=people["owner"])
    secret = other("SECRETWORD", wallet=people["other owner"], name="Secret name")
    batch = mixed(lora, other("RISO"), secret, wallet=people["maker"])
    Training.objects.filter(pk=secret.pk).update(**change)
    image = batch.images.all()[0]
    addresses = [
        f"/images/{image.pk}",
        f"/generations/{batch.pk}",
        f"/api/generations/{batch.pk}",
    ]
    for name, wallet in {"nobody": None, **people}.items():
        client, viewer = Client(), wallet or AnonymousUser()
        if wallet:
            client.force_login(wallet)
        sees = name in seers
        assert GeneratedImage.objects.visible_to(viewer).exists() == sees, name
        assert Generation.objects.visible_to(viewer).exists() == sees, name
        statuses = [client.get(url).status_code for url in addresses]
        assert statuses == [200 if sees else 404] * 3, name
        assert client.get(f"/images/{image.pk}/1024").status_code == 404, "there is no such file"
        page = client.get(f"/loras/{lora.pk}").content.decode()
        assert (str(image.pk) in page) == ("nobody" in seers), "it is the same for everybody"
        if not sees:
            assert "SECRETWORD" not in page, name
            for url in ("/generations", f"/loras/{lora.pk}/images", f"/loras/{lora.pk}/generate"):
                body = client.get(url).content.decode()
                assert "SECRETWORD" not in body, (name, url)
                assert str(secret.pk) not in body, (name, url)


@pytest.mark.parametrize(
    ("take", "give"),
    [("make_private", "make_public"), ("hide", "show"), ("remove", None)],
)
def test_the_count_of_the_first_follows_what_others_see(
    take, give, lora, django_capture_on_commit_callbacks
):
    riso = other("RISO")
    batch = mixed(lora, riso)
    arguments = {"by": riso.wallet} if take == "hide" else {}
    create_generation(training=lora, images=4)
    with django_capture_on_commit_callbacks(execute=True):
        getattr(riso, take)(**arguments)
    lora.refresh_from_db()
    assert lora.image_count == 4
    batch.images.all()[0].hide(by=batch.wallet)
    if give:
        with django_capture_on_commit_callbacks(execute=True):
            getattr(riso, give)(**arguments)
        lora.refresh_from_db()
        assert lora.image_count == 5


def test_images_that_others_will_not_see_are_not_counted_when_they_arrive(alice, monkeypatch):
    lora = other("FIRST", wallet=alice)
    secret = other("SECRET", wallet=alice, is_private=True)
    batch = begin(alice, lora, Addition(secret))
    Generation.objects.filter(pk=batch.pk).update(status="mirroring", job_id="x")
    batch.refresh_from_db()
    monkeypatch.setattr("generations.models.found_its_owner", lambda folder: None)
    batch.complete([GeneratedImage(generation=batch, number=1, seed=1, file="images/a/image.jpg")])
    lora.refresh_from_db()
    assert lora.image_count == 0
    assert GeneratedImage.objects.visible_to(alice).count() == 1


# --- The dialog -----------------------------------------------------------------------------------


def url(lora: Training, query: str = "") -> str:
    return f"/loras/{lora.pk}/{query}"


def found(response: Any) -> list[str]:
    return [one.trigger_word for one in (*response.context["own"], *response.context["public"])]


def test_own_and_public_ones_are_found_and_those_that_are_there_are_not(as_alice, alice, lora):
    other("MINE", wallet=alice, is_private=True)
    there = other("THERE")
    other("PRIVATE", is_private=True)
    other("HIDDEN", hidden_at=Now())
    other("WORKING", wallet=alice, status="training")
    other("PUBLIC")
    address = url(lora, "additions")
    assert found(as_alice.get(address, {"added": there.pk})) == ["MINE", "PUBLIC"]
    assert found(as_alice.get(address, {"q": "pub"}, headers=HTMX)) == ["PUBLIC"]
    body = as_alice.get(address, {"q": "nothing"}, headers=HTMX).content.decode()
    assert body.lstrip().startswith(f'<div id="gen-{lora.pk}-found"')
    assert "No LoRA has “nothing”" in body


def test_one_is_added_with_the_usual_strength_and_the_prompt_is_told(client, lora):
    riso, face = other("RISO", kind="style"), other("FACE", kind="character")
    query = {"added": riso.pk, "added_scale": "0.7", "add": face.pk, "prompt": "KILNGLZ jar"}
    body = client.get(url(lora, "additions"), query, headers=HTMX).content.decode()
    assert body.lstrip().startswith(f'<fieldset class="mix" id="gen-{lora.pk}-mix"')
    assert body.index(f'name="added" value="{riso.pk}"') < body.index(f'value="{face.pk}"')
    assert 'value="0.7"' in body
    assert 'value="1" autofocus' in body
    assert f'id="gen-{lora.pk}-hint" hx-swap-oob="outerMorph"' in body
    assert "<b>KILNGLZ</b> is in your prompt already." in body
    assert "<b>FACE</b> is put in front for you." in body
    assert "<b>in the style of RISO</b> is added for you." in body


def test_one_is_taken_out_and_what_was_typed_for_the_others_stays(client, lora):
    riso, face = other("RISO", kind="style"), other("FACE")
    query = {"added": [riso.pk, face.pk], "added_scale": ["nonsense", "2"], "drop": face.pk}
    body = client.get(url(lora, "additions"), query, headers=HTMX).content.decode()
    assert str(face.pk) not in body
    assert 'value="nonsense"' in body
    assert "<b>in the style of KILNGLZ and RISO</b>" in body


def test_without_script_a_page_leads_back_with_one_more(client, lora):
    riso, face = other("RISO"), other("FACE")
    page = client.get(url(lora, "additions"), {"added": riso.pk, "added_scale": "0.5"})
    body = page.content.decode()
    link = f"/loras/{lora.pk}/generate?added={riso.pk}&amp;added_scale=0.5&amp;added={face.pk}"
    assert f'href="{link}"' in body
    dialog = client.get(link.replace("&amp;", "&")).content.decode()
    assert f'name="added" value="{riso.pk}"' in dialog
    assert f'name="added" value="{face.pk}"' in dialog
    assert '<details class="advanced drawn" open' in dialog


def test_when_it_is_full_nothing_more_is_offered_and_who_draws_is_said(client):
    lora = other("FIRST", provider="replicate")
    ids = [other(f"W{number}").pk for number in range(4)]
    body = client.get(url(lora, "generate"), {"added": ids}).content.decode()
    assert "There can be 5 LoRAs at once." in body
    assert "With this many LoRAs, fal.ai draws the images." in body
    assert "Add a LoRA" not in body
    assert b"Which LoRA?" not in client.get(url(lora, "additions"), {"added": ids}).content


@pytest.mark.parametrize("gone", [{"is_private": True}, {"hidden_at": Now()}, {"status": "failed"}])
def test_one_that_is_not_to_be_seen_is_never_named(as_alice, alice, lora, gone):
    secret = other("SECRETWORD", **gone)
    for address in (
        url(lora, f"additions?added={secret.pk}"),
        url(lora, f"additions?add={secret.pk}"),
        url(lora, f"generate?added={secret.pk}"),
    ):
        response = as_alice.get(address, headers=HTMX)
        assert response.status_code == 200
        assert b"SECRETWORD" not in response.content
    typed = {"prompt": "a jar", "added": secret.pk, "added_scale": "1"}
    response = as_alice.post(url(lora, "generate"), typed)
    assert response.status_code == 422
    assert b"is not there any more" in response.content
    assert b"SECRETWORD" not in response.content
    assert not alice.generations.exists()


@pytest.mark.parametrize("scale", ["", "x", "4.1", "-1", "nan", "1e9"])
def test_a_strength_that_is_none_is_refused_and_kept(as_alice, alice, lora, scale):
    riso = other("RISO")
    typed = {"prompt": "keep me", "added": riso.pk, "added_scale": scale}
    response = as_alice.post(url(lora, "generate"), typed)
    body = response.content.decode()
    assert response.status_code == 422
    assert "Choose a strength from 0 to 4." in body
    assert "keep me</textarea>" in body
    assert f'name="added" value="{riso.pk}"' in body
    assert f'value="{scale}"' in body
    assert not alice.generations.exists()


def test_a_form_with_two_more_begins_a_batch_of_three(as_alice, alice, lora):
    riso, face = other("RISO", kind="style"), other("FACE")
    wish = uuid4()
    typed = {"prompt": "a jar", "added": [riso.pk, face.pk], "added_scale": ["0.5", "2"]}
    for _click in range(2):
        response = as_alice.post(url(lora, "generate"), typed | {"request_id": wish})
        assert response.status_code == 302
    batch = alice.generations.get()
    assert batch.additions == [Addition(riso, 0.5), Addition(face, 2.0)]
    changed = typed | {"request_id": wish, "added_scale": ["0.6", "2"]}
    response = as_alice.post(url(lora, "generate"), changed)
    assert response.status_code == 422
    assert b"something else in it" in response.content


def test_too_many_are_refused_in_words(as_alice, lora):
    ids = [other(f"W{number}").pk for number in range(5)]
    typed = {"prompt": "a jar", "added": ids, "added_scale": ["1"] * 5}
    response = as_alice.post(url(lora, "generate"), typed)
    assert response.status_code == 422
    assert b"fal.ai applies up to 5 LoRAs at once." in response.content


def test_the_history_brings_them_back_and_names_them(as_alice, alice, lora):
    riso = other("RISO")
    mixed(lora, riso, wallet=alice, prompt="a jar")
    response = as_alice.get("/generations")
    (batch,) = response.context["batches"]
    assert batch["reuse_url"] == f"/loras/{lora.pk}/generate?prompt=a+jar"
    assert f"added={riso.pk}&added_scale=0.8" in batch["reuse_all_url"]
    assert f'<a class="link" href="/loras/{riso.pk}">RISO</a>' in response.content.decode()
    body = as_alice.get(batch["reuse_all_url"]).content.decode()
    assert f'name="added" value="{riso.pk}"' in body
    assert 'value="0.8"' in body


def test_generating_again_goes_on_with_all_of_them(as_alice, alice, lora):
    riso = other("RISO")
    mixed(lora, riso, wallet=alice)
    assert f'value="{riso.pk}"' in as_alice.get(url(lora, "generate")).content.decode()


@pytest.mark.parametrize("name", ["additions", "generate"])
def test_any_query_is_answered(client, lora, name):
    for query in ("added=x&added=\0&added_scale=y", "added_scale=1&added_scale=2", "add=x&drop=x"):
        assert client.get(url(lora, f"{name}?{query}"), headers=HTMX).status_code == 200


def test_the_first_cannot_be_added(client, lora):
    body = client.get(url(lora, "additions"), {"add": lora.pk}, headers=HTMX).content.decode()
    assert f'name="added" value="{lora.pk}"' not in body


def test_reading_only(client, lora):
    assert client.post(url(lora, "additions")).status_code == 405


def test_for_a_lora_that_is_not_to_be_seen_there_is_nothing_to_add(as_alice):
    lora = other("SECRET", is_private=True)
    assert as_alice.get(url(lora, "additions")).status_code == 404


def test_it_asks_no_more_the_more_there_is(as_alice, lora, django_assert_max_num_queries):
    ids = [other(f"W{number}").pk for number in range(4)]
    with django_assert_max_num_queries(10):
        as_alice.get(url(lora, "generate"), {"added": ids})
    with django_assert_max_num_queries(7):
        as_alice.get(url(lora, "additions"), {"added": ids[:3]}, headers=HTMX)
