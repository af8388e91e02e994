"""GET and POST /api/loras/<id>/generations, and GET of one batch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from generations.models import Generation
from tests.factories import create_generation, create_image, create_training, create_wallet
from tests.gallery.api import Program, refusal
from trainings.models import Training
from wallets.models import Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Wallet:
    return create_wallet()


@pytest.fixture
def lora() -> Training:
    return create_training(status="completed")


def test_a_batch_is_begun_with_the_defaults_of_the_site(alice, lora):
    response = Program(alice).generate(lora)
    batch = Generation.objects.get()
    assert response.status_code == 202
    assert response["Location"] == f"/api/generations/{batch.pk}"
    drawn = response.json()
    assert (drawn["id"], drawn["lora"], drawn["wallet"]) == (
        *(str(batch.pk), str(lora.pk)),
        alice.address,
    )
    assert (drawn["prompt"], drawn["full_prompt"]) == ("a teapot", "KILNGLZ, a teapot")
    asked = {name: drawn[name] for name in ("scale", "width", "height", "inference_steps")}
    assert asked == {"scale": 1.5, "width": 1024, "height": 1024, "inference_steps": 28}
    assert (drawn["guidance"], drawn["image_format"]) == (3.5, "jpeg")
    assert (drawn["status"], drawn["images"], batch.images_asked) == ("submitting", [], 4)
    assert (batch.wallet, batch.is_counted) == (alice, True)


def test_whatever_is_asked_for_is_ordered(alice, lora):
    wish = {
        "scale": 2.5,
        "width": 832,
        "height": 1216,
        "inference_steps": 20,
        "guidance": 4,
        "seed": 7,
        "images_asked": 2,
        "image_format": "png",
    }
    assert Program(alice).generate(lora, **wish).status_code == 202
    batch = Generation.objects.get()
    assert {name: getattr(batch, name) for name in wish} == wish


def test_several_loras_are_applied_and_told(alice, lora):
    others = [create_training(status="completed", trigger_word=word) for word in ("RISO", "FACE")]
    added = [{"lora": str(others[0].pk), "scale": 0.5}, {"lora": str(others[1].pk)}]
    program = Program(alice)
    response = program.generate(lora, key="mix", added_loras=added)
    assert response.status_code == 202
    told = [added[0], added[1] | {"scale": 1.0}]
    assert response.json()["added_loras"] == told
    assert response.json()["full_prompt"] == "KILNGLZ, RISO, FACE, a teapot"
    batch = Generation.objects.get()
    assert [addition.training for addition in batch.additions] == others
    assert program.get(f"/api/generations/{batch.pk}").json()["added_loras"] == told
    assert program.generate(lora, key="mix", added_loras=added).status_code == 200
    for other in ([], added[:1], [added[0] | {"scale": 0.6}, added[1]]):
        problem = refusal(program.generate(lora, key="mix", added_loras=other))
        assert (problem["status"], problem["errors"][0]["header"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"scale": 4.5}, "#/added_loras", "Choose a strength from 0 to 4."),
        ({"lora": "6f9619ff-8b86-d011-b42d-00c04fc964ff"}, "#/added_loras/0/lora", "no LoRA"),
        ({"lora": "x"}, "#/added_loras/0/lora", "valid UUID"),
        ({"scale": "1"}, "#/added_loras/0/scale", "valid number"),
        ({"weight": 1}, "#/added_loras/0/weight", "not permitted"),
    ],
)
def test_an_addition_that_cannot_be_is_refused_and_pointed_at(alice, lora, change, pointer, words):
    riso = create_training(status="completed", trigger_word="RISO")
    added = [{"lora": str(riso.pk), "scale": 1.0} | change]
    problem = refusal(Program(alice).generate(lora, added_loras=added))
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, pointer)
    assert words in problem["errors"][0]["detail"]
    assert not Generation.objects.exists()


@pytest.mark.parametrize(
    "gone",
    [{"is_private": True}, {"hidden_at": Now()}, {"deleted_at": Now()}, {"status": "failed"}],
)
def test_a_lora_that_is_not_to_be_seen_is_not_added(alice, lora, gone):
    secret = create_training(**{"status": "completed", **gone})
    added = [{"lora": str(secret.pk)}]
    problem = refusal(Program(alice).generate(lora, added_loras=added))
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "#/added_loras/0/lora")
    assert not Generation.objects.exists()


def test_g08_the_same_key_begins_nothing_new(alice, lora):
    program = Program(alice)
    first = program.generate(lora, key="batch-1")
    again = program.generate(lora, key="batch-1")
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    assert Generation.objects.count() == 1


@pytest.mark.parametrize("change", [{"prompt": "a bowl"}, {"seed": 5}, {"width": 512}])
def test_g09_the_same_key_for_something_else_is_refused(alice, lora, change):
    program = Program(alice)
    program.generate(lora, key="batch-1")
    problem = refusal(program.generate(lora, key="batch-1", **change))
    assert (problem["status"], problem["errors"][0]["header"]) == (422, "Idempotency-Key")
    assert Generation.objects.count() == 1


def test_g09_the_same_key_for_another_lora_is_refused(alice, lora):
    program = Program(alice)
    program.generate(lora, key="batch-1")
    other = create_training(status="completed")
    assert refusal(program.generate(other, key="batch-1"))["status"] == 422


def test_the_same_key_of_another_wallet_is_another_batch(alice, lora):
    Program(alice).generate(lora, key="batch-1")
    assert Program(create_wallet()).generate(lora, key="batch-1").status_code == 202
    assert Generation.objects.count() == 2


def test_the_ninth_batch_of_a_day_is_refused_and_says_when_one_comes_free(alice, lora):
    program = Program(alice)
    for _number in range(8):
        assert program.generate(lora).status_code == 202
    Generation.objects.update(created_at=F("created_at") - timedelta(hours=23))
    response = program.generate(lora)
    problem = refusal(response)
    assert problem["status"] == 429
    assert "8 batches" in problem["detail"]
    assert problem["free_at"]
    assert 3500 < int(response["Retry-After"]) <= 3600
    assert Generation.objects.count() == 8
    Generation.objects.update(created_at=Now() - timedelta(hours=24, seconds=1))
    assert program.generate(lora).status_code == 202


@pytest.mark.parametrize(
    ("wish", "pointer", "words"),
    [
        ({"prompt": ""}, "#/prompt", "Write what"),
        ({"prompt": "  \n "}, "#/prompt", "Write what"),
        ({"prompt": "x" * 501}, "#/prompt", "501 characters"),
        ({"prompt": "a\0b"}, "#/prompt", "NUL"),
        ({"prompt": None}, "#/prompt", "valid string"),
        ({"prompt": ["a"]}, "#/prompt", "valid string"),
        ({"scale": 4.1}, "#/scale", "from 0 to 4"),
        ({"scale": -1}, "#/scale", "from 0 to 4"),
        ({"scale": "2"}, "#/scale", "valid number"),
        ({"width": 100}, "#/width", "512 to 1,536"),
        ({"width": 1000}, "#/width", "steps of 16"),
        ({"height": 5000}, "#/height", "512 to 1,536"),
        ({"inference_steps": 51}, "#/inference_steps", "1 to 50"),
        ({"guidance": 10.5}, "#/guidance", "0 to 10"),
        ({"seed": -1}, "#/seed", "0 to 2,147,483,647"),
        ({"seed": 2**31}, "#/seed", "0 to 2,147,483,647"),
        ({"images_asked": 5}, "#/images_asked", "1 to 4"),
        ({"image_format": "gif"}, "#/image_format", "JPEG or PNG"),
        ({"wallet": 1}, "#/wallet", "not permitted"),
        ({"is_counted": False}, "#/is_counted", "not permitted"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(alice, lora, wish, pointer, words):
    problem = refusal(Program(alice).generate(lora, **wish))
    assert problem["status"] == 422
    [error] = problem["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]
    assert not Generation.objects.exists()


@pytest.mark.parametrize("prompt", ["<script>alert(1)</script>", "{{7*7}}", "{% include 'x' %}"])
def test_what_is_written_comes_back_as_it_was(alice, lora, prompt):
    assert Program(alice).generate(lora, prompt=prompt).json()["prompt"] == prompt


@pytest.mark.parametrize(
    "body",
    [b"{", b"[", b'{"prompt": NaN}', b'{"scale": Infinity}', b"[" * 100_000, b"\xff\xfe{"],
)
def test_what_is_no_json_is_refused(alice, lora, body):
    response = Program(alice).client.post(
        f"/api/loras/{lora.pk}/generations",
        body,
        content_type="application/json",
        headers={"Idempotency-Key": "one"},
    )
    assert refusal(response)["status"] in (400, 422)
    assert not Generation.objects.exists()


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1", b"true"])
def test_what_is_no_object_is_refused(alice, lora, body):
    response = Program(alice).client.post(
        f"/api/loras/{lora.pk}/generations",
        body,
        content_type="application/json",
        headers={"Idempotency-Key": "one"},
    )
    assert refusal(response)["status"] == 422


@pytest.mark.parametrize(
    "fields",
    [{"is_private": True}, {"hidden_at": Now()}, {"deleted_at": Now()}, {"status": "training"}],
)
def test_others_generate_nothing_with_what_they_may_not_see(alice, fields):
    training = create_training(**({"status": "completed"} | fields))
    assert refusal(Program(alice).generate(training))["status"] == 404
    assert not Generation.objects.exists()


def test_an_owner_generates_with_a_private_one(alice):
    training = create_training(wallet=alice, status="completed", is_private=True)
    assert Program(alice).generate(training).status_code == 202


def test_its_own_unfinished_training_is_no_lora_yet(alice):
    training = create_training(wallet=alice, status="training")
    assert Program(alice).generate(training).status_code == 404


def listed(program: Any, training: Training) -> list[Any]:
    response = program.get(f"/api/loras/{training.pk}/generations")
    assert response.status_code == 200
    batches: list[Any] = response.json()["generations"]
    return batches


def test_everybody_reads_the_batches_of_a_public_lora_newest_first(client, lora):
    old, new = create_generation(training=lora), create_generation(training=lora)
    batches = listed(client, lora)
    assert [batch["id"] for batch in batches] == [str(new.pk), str(old.pk)]
    images = batches[0]["images"]
    assert [image["number"] for image in images] == [1, 2, 3, 4]
    assert images[0]["url"].startswith(f"http://localhost:8000/images/{images[0]['id']}/")
    assert (images[0]["width"], images[0]["is_filtered"]) == (1024, False)


def test_unfinished_and_failed_batches_are_read_by_whoever_asked_for_them(client, alice, lora):
    create_generation(training=lora, wallet=alice, status="generating", job_id="1")
    create_generation(training=lora, wallet=alice, status="failed", error="No.")
    assert listed(client, lora) == listed(Program(create_wallet()), lora) == []
    mine = listed(Program(alice), lora)
    assert [(batch["status"], batch["error"]) for batch in mine] == [
        ("failed", "No."),
        ("generating", ""),
    ]


def test_hidden_images_are_absent_and_filtered_ones_are_said_and_not_shown(client, lora):
    batch = create_generation(training=lora, images=3)
    filtered = {"file": "", "thumbnails": "", "width": None, "height": None, "size": None}
    create_image(generation=batch, number=4, is_filtered=True, sha256="", **filtered)
    batch.images.get(number=2).hide(by=lora.wallet)
    [shown] = listed(client, lora)
    assert [image["number"] for image in shown["images"]] == [1, 3, 4]
    assert (shown["images"][2]["url"], shown["images"][2]["is_filtered"]) == (None, True)
    for image in batch.images.filter(is_filtered=False, hidden_at=None):
        image.hide(by=lora.wallet)
    assert listed(client, lora) == []
    assert client.get(f"/api/generations/{batch.pk}").status_code == 404
    assert len(listed(Program(lora.wallet), lora)[0]["images"]) == 4


def test_every_batch_comes_exactly_once_over_the_pages(client, lora, django_assert_max_num_queries):
    wanted = [str(create_generation(training=lora, images=1).pk) for _number in range(23)][::-1]
    with django_assert_max_num_queries(4):
        first = client.get(f"/api/loras/{lora.pk}/generations").json()
    create_generation(training=lora)
    second = client.get(first["next"]).json()
    seen = [batch["id"] for page in (first, second) for batch in page["generations"]]
    assert seen == wanted
    assert second["next"] is None


@pytest.mark.parametrize(
    "query", ["before=x", "before=00000000-0000-0000-0000-000000000000", "limit=5"]
)
def test_a_page_that_there_is_not_is_refused(client, lora, query):
    problem = refusal(client.get(f"/api/loras/{lora.pk}/generations?{query}"))
    assert problem["status"] == 422
    assert problem["errors"][0]["parameter"] == query.partition("=")[0]


def test_the_batch_of_another_lora_is_no_place_to_go_on_from(client, lora):
    other = create_generation()
    assert client.get(f"/api/loras/{lora.pk}/generations?before={other.pk}").status_code == 422


def test_one_batch_is_read_by_whom_it_is_listed_to(client, alice, lora):
    batch = create_generation(training=lora)
    assert client.get(f"/api/generations/{batch.pk}").json() == listed(client, lora)[0]
    mine = create_generation(training=lora, wallet=alice, status="generating", job_id="1")
    assert Program(alice).get(f"/api/generations/{mine.pk}").json()["status"] == "generating"
    assert refusal(client.get(f"/api/generations/{mine.pk}"))["status"] == 404


@pytest.mark.parametrize(
    "fields", [{"is_private": True}, {"hidden_at": Now()}, {"deleted_at": Now()}]
)
def test_g05_the_images_of_what_others_may_not_see_are_absent(client, fields):
    training = create_training(status="completed", **fields)
    batch = create_generation(training=training)
    for program in (client, Program(create_wallet())):
        assert program.get(f"/api/generations/{batch.pk}").status_code == 404
        assert program.get(f"/api/loras/{training.pk}/generations").status_code == 404


def test_z04_nothing_of_the_order_leaves(client, lora):
    batch = create_generation(
        training=lora, job_id="secret-job", weights_url="https://secret.example", note="secret"
    )
    assert "secret" not in client.get(f"/api/generations/{batch.pk}").content.decode()
