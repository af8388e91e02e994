"""POST /api/loras: pictures and settings in, a training out, paid from the balance."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from datasets.models import Dataset, Picture, TemporaryFolder
from loratrainer.outcomes import TryAgainLater
from payments.models import Entry
from providers import get_providers
from tests.datasets.photographs import SVG, TEXT, jpeg, png_bomb
from tests.factories import create_wallet
from tests.gallery.api import Program, refusal
from trainings.models import Training
from wallets.models import Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """A disk of the test's own."""
    folder = tmp_path / "media"
    disk = {
        "BACKEND": "datasets.storage.DiskStorage",
        "OPTIONS": {"location": str(folder), "base_url": None},
    }
    settings.STORAGES = settings.STORAGES | {"default": disk}
    return folder


@pytest.fixture
def alice() -> Wallet:
    return create_wallet(cents=1000)


def nothing_happened(wallet: Wallet, cents: int) -> bool:
    return (
        not Training.objects.exists()
        and not Dataset.objects.exists()
        and Entry.objects.balance_of(wallet) == cents
    )


def test_a_training_is_begun_with_its_pictures_and_captions_and_paid(alice):
    response = Program(alice).train(
        captions=["a vase", "", "a bowl, blue", "line\r\nline"],
        name="Glaze tests",
        description="From the kiln",
        training_steps="700",
        visibility="private",
        provider="replicate",
    )
    assert response.status_code == 201
    lora = response.json()
    training = Training.objects.get()
    assert response["Location"] == f"/api/loras/{training.pk}"
    assert lora["id"] == str(training.pk)
    assert (lora["status"], lora["picture_count"]) == ("archiving", 4)
    assert (lora["name"], lora["kind"], lora["trigger_word"]) == ("Glaze tests", "style", "KILNGLZ")
    assert (lora["training_steps"], lora["mine"]["is_private"]) == (700, True)
    assert (lora["weights_url"], lora["url"]) == (None, None)
    assert training.provider == "replicate"
    assert training.is_charged
    assert Entry.objects.balance_of(alice) == 600
    pictures = Picture.objects.order_by("position")
    assert [picture.caption for picture in pictures] == ["a vase", "", "a bowl, blue", "line\nline"]
    assert training.dataset.is_frozen
    assert not TemporaryFolder.objects.exists()


def test_what_is_not_said_has_the_defaults_of_the_train_page(alice):
    assert Program(alice).train().status_code == 201
    training = Training.objects.get()
    assert (training.name, training.training_steps) == ("KILNGLZ", 1000)
    assert (training.provider, training.is_private, training.options) == ("fal", False, {})


def test_the_trainers_own_settings_are_kept_where_they_are_not_its_defaults(alice):
    response = Program(alice).train(
        provider="replicate",
        learning_rate="0.001",
        rank="16",
        resolution="512,768",
        caption_dropout="0",
        autocaption="false",
        autocaption_prefix="a photo of TOK",
    )
    assert response.status_code == 201, response.content
    assert Training.objects.get().options == {
        "learning_rate": 0.001,
        "resolution": "512,768",
        "caption_dropout": 0.0,
        "autocaption": False,
        "autocaption_prefix": "a photo of TOK",
    }


def test_a_switch_is_on_or_off(alice):
    [error] = refusal(Program(alice).train(masks="perhaps"))["errors"]
    assert error["pointer"] == "#/masks"
    assert Program(alice).train(masks="off").status_code == 201
    assert Training.objects.get().options == {"masks": False}


@pytest.mark.parametrize(
    ("order", "pointer", "words"),
    [
        ({"rank": "8"}, "#/rank", "The trainer “fal.ai, fast FLUX training” has no such setting."),
        ({"masks": "true", "provider": "replicate"}, "#/masks", "has no such setting"),
        ({"masks": "true", "provider": "replicate-fast"}, "#/masks", "has no such setting"),
        ({"rank": "0", "provider": "replicate"}, "#/rank", "greater than or equal to 1"),
        ({"rank": "129", "provider": "replicate"}, "#/rank", "less than or equal to 128"),
        ({"rank": "many", "provider": "replicate"}, "#/rank", "integer"),
        ({"learning_rate": "nan", "provider": "replicate"}, "#/learning_rate", "number"),
        ({"learning_rate": "1", "provider": "replicate"}, "#/learning_rate", "0.01"),
        ({"resolution": "2048", "provider": "replicate"}, "#/resolution", "2048"),
        (
            {"autocaption_prefix": "x" * 201, "provider": "replicate"},
            "#/autocaption_prefix",
            "at most 200",
        ),
        ({"lerning_rate": "0.001"}, "#/lerning_rate", "There is no such setting."),
        ({"replicate-rank": "8"}, "#/replicate-rank", "There is no such setting."),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_in_words(alice, order, pointer, words):
    problem = refusal(Program(alice).train(**order))
    assert problem["status"] == 422
    [error] = problem["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]
    assert nothing_happened(alice, 1000)


def test_every_setting_of_every_trainer_can_be_sent_and_is_documented(client):
    body = client.get("/api/openapi.json").json()["paths"]["/api/loras"]["post"]["requestBody"]
    fields = body["content"]["multipart/form-data"]["schema"]["properties"]
    page = client.get("/api/docs").content.decode()
    for alias, provider in get_providers().items():
        for setting in provider.settings:
            assert f"Only for {alias}." in fields[setting.name]["description"]
            assert fields[setting.name].get("maximum") == setting.maximum
            assert f"<code>{setting.name}</code>" in page
    assert "0.00001 to 0.01." in page


def test_without_the_price_nothing_is_begun_and_the_answer_says_what_is_missing():
    wallet = create_wallet(cents=150)
    problem = refusal(Program(wallet).train())
    assert problem["status"] == 402
    money = {name: problem[name] for name in ("price_cents", "balance_cents", "missing_cents")}
    assert money == {"price_cents": 400, "balance_cents": 150, "missing_cents": 250}
    assert nothing_happened(wallet, 150)


def test_the_pictures_of_who_cannot_pay_are_not_even_decoded(monkeypatch):
    monkeypatch.setattr("datasets.decoding.develop", lambda _file: pytest.fail("decoded"))
    assert Program(create_wallet()).train().status_code == 402


def test_exempt_wallets_train_free(settings):
    wallet = create_wallet()
    settings.QA_WALLETS = [wallet.address]
    response = Program(wallet).train()
    assert (response.status_code, response.json()["mine"]["price_cents"]) == (201, 0)
    assert not Entry.objects.exists()


def test_a06_the_same_key_begins_nothing_new(alice):
    program = Program(alice)
    first = program.train(key="order-1")
    again = program.train(key="order-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert Entry.objects.balance_of(alice) == 600
    assert program.train(key="order-2").json()["id"] != first.json()["id"]


def test_a06_the_same_key_of_another_wallet_is_another_order(alice):
    bob = create_wallet(cents=400)
    first = Program(alice).train(key="order-1").json()
    assert Program(bob).train(key="order-1").json()["id"] != first["id"]
    assert Entry.objects.balance_of(bob) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"trigger_word": "OTHER"},
        {"training_steps": "900"},
        {"masks": "false"},
        {"captions": ["a", "b", "c", "d"]},
        {"pictures": [jpeg(seed) for seed in range(5)]},
    ],
)
def test_a06_the_same_key_for_something_else_is_refused(alice, change):
    program = Program(alice)
    program.train(key="order-1")
    problem = refusal(program.train(key="order-1", **change))
    assert (problem["status"], problem["errors"][0]["header"]) == (422, "Idempotency-Key")
    assert Entry.objects.balance_of(alice) == 600


def test_a06_what_a_key_began_and_was_deleted_is_not_begun_again(alice):
    program = Program(alice)
    program.train(key="order-1")
    training = Training.objects.get()
    training.cancel()
    training.remove()
    assert refusal(program.train(key="order-1"))["status"] == 409
    assert Training.objects.count() == 1


@pytest.mark.parametrize("key", ["x" * 256, "x" * 300, "two words", "schlüssel", ""])
def test_a06_a_key_that_is_none_is_refused(alice, key):
    program = Program(alice)
    response = program.client.post("/api/loras", {}, headers={"Idempotency-Key": key})
    problem = refusal(response)
    assert problem["status"] == 400
    assert {"header": "Idempotency-Key"}.items() <= problem["errors"][0].items()


def test_a06_an_order_without_a_key_is_refused(alice):
    problem = refusal(Program(alice).client.post("/api/loras", {}))
    assert problem["status"] == 400
    assert nothing_happened(alice, 1000)


@pytest.mark.django_db(transaction=True)
def test_a06_an_order_that_is_sent_twice_at_once_is_begun_and_paid_once(alice):
    program, ready, answers = Program(alice), Barrier(4), []

    def send() -> None:
        ready.wait()
        try:
            answers.append(program.train(key="order-1"))
        finally:
            connection.close()

    threads = [Thread(target=send) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Entry.objects.balance_of(alice) == 600


@pytest.mark.django_db(transaction=True)
def test_two_orders_at_once_cannot_spend_the_same_money():
    wallet = create_wallet(cents=400)
    program, ready, answers = Program(wallet), Barrier(3), []

    def send() -> None:
        ready.wait()
        try:
            answers.append(program.train())
        finally:
            connection.close()

    threads = [Thread(target=send) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [201, 402, 402]
    assert Entry.objects.balance_of(wallet) == 0
    assert Training.objects.count() == Dataset.objects.count() == 1


@pytest.mark.parametrize(
    ("order", "pointer", "words"),
    [
        ({"pictures": [jpeg(seed) for seed in range(3)]}, "#/pictures", "4 to 15 pictures; 3"),
        ({"trigger_word": "two words"}, "#/trigger_word", "2 to 24 letters"),
        ({"trigger_word": ""}, "#/trigger_word", "needs a trigger word"),
        ({"trigger_word": "../x"}, "#/trigger_word", "2 to 24 letters"),
        ({"training_steps": "150"}, "#/training_steps", "100 to 2,000 steps"),
        ({"training_steps": "many"}, "#/training_steps", "integer"),
        ({"kind": "dance"}, "#/kind", "'style', 'character' or 'product'"),
        ({"provider": "nobody"}, "#/provider", "no such trainer"),
        ({"name": "x" * 81}, "#/name", "at most 80"),
        ({"captions": ["one"]}, "#/captions", "one caption for each picture"),
        ({"captions": ["", "", "", "x" * 1001]}, "#/captions/3", "at most 1000"),
        ({"captions": ["", "a\0b", "", ""]}, "#/captions/1", "ull characters"),
        ({"pictures": [jpeg(0), jpeg(1), TEXT, jpeg(2)]}, "#/pictures/2", "not a JPEG"),
        ({"pictures": [SVG, jpeg(0), jpeg(1), jpeg(2)]}, "#/pictures/0", "not a JPEG"),
        ({"pictures": [jpeg(0), jpeg(1), jpeg(2), jpeg(3)[:900]]}, "#/pictures/3", "damaged"),
        ({"pictures": [jpeg(0), jpeg(1), jpeg(2), png_bomb(13_300)]}, "#/pictures/3", "too large"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(alice, order, pointer, words):
    problem = refusal(Program(alice).train(**order))
    assert problem["status"] == 422
    [error] = problem["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]
    assert nothing_happened(alice, 1000)


def test_a_picture_that_is_too_heavy_is_refused(alice, settings):
    settings.PICTURE_MAX_BYTES = 10_000
    problem = refusal(Program(alice).train())
    assert [error["pointer"] for error in problem["errors"]] == [
        f"#/pictures/{number}" for number in range(4)
    ]
    assert "larger than" in problem["errors"][0]["detail"]


def test_everything_that_is_wrong_is_said_at_once(alice):
    problem = refusal(
        Program(alice).train(pictures=[jpeg(0)], trigger_word="!", captions=["a", "b"])
    )
    places = {error["pointer"] for error in problem["errors"]}
    assert places == {"#/pictures", "#/trigger_word", "#/captions"}


def test_more_pictures_than_a_form_may_hold_are_refused(alice):
    response = Program(alice).train(pictures=[b"x"] * 17)
    assert refusal(response)["status"] in (400, 413, 422)
    assert nothing_happened(alice, 1000)


def test_a_storage_that_is_away_costs_nothing(alice, monkeypatch):
    def away(*args: Any) -> None:
        raise TryAgainLater("The storage is away.")

    monkeypatch.setattr("gallery.api_orders.keep", away)
    response = Program(alice).train()
    assert (refusal(response)["status"], response["Retry-After"]) == (503, "10")
    assert nothing_happened(alice, 1000)


def test_what_breaks_in_the_middle_leaves_nothing_but_files_for_the_sweep(alice, monkeypatch):
    monkeypatch.setattr("trainings.models.Training.collect", lambda _training: 1 / 0)
    program = Program(alice)
    program.client.raise_request_exception = False
    assert refusal(program.train())["status"] == 500
    assert nothing_happened(alice, 1000)
    assert TemporaryFolder.objects.count() == 4
