"""GET /api/loras, and GET, DELETE and retry of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from payments.models import Entry
from tests.factories import create_generation, create_training, create_wallet
from tests.gallery.api import Program, refusal
from trainings.models import Training
from wallets.models import Wallet

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def hang(number: int, **fields: Any) -> list[Training]:
    """So many LoRAs on the wall, each a minute younger than the one before."""
    wallet = fields.pop("wallet", None) or create_wallet()
    return [
        create_training(
            wallet=wallet,
            status="completed",
            completed_at=FIRST + timedelta(minutes=minute),
            **fields,
        )
        for minute in range(number)
    ]


def ids(response: Any) -> list[str]:
    return [lora["id"] for lora in response.json()["loras"]]


@pytest.fixture
def alice() -> Wallet:
    return create_wallet()


def test_the_wall_newest_first_with_stable_absolute_addresses(client):
    old, new = hang(2)
    response = client.get("/api/loras")
    assert ids(response) == [str(new.pk), str(old.pk)]
    lora = response.json()["loras"][0]
    base = f"http://localhost:8000/loras/{new.pk}"
    addresses = {name: lora[name] for name in ("url", "weights_url", "config_url")}
    assert addresses == {
        "url": base,
        "weights_url": f"{base}/weights",
        "config_url": f"{base}/config",
    }
    assert lora["wallet"] == new.wallet.address
    assert lora["weights_sha256"] == new.weights_sha256
    assert lora["mine"] is None
    assert response.json()["next"] is None


def test_every_lora_comes_exactly_once_while_new_ones_arrive(client):
    wanted = [str(lora.pk) for lora in reversed(hang(45))]
    seen, url = [], "/api/loras"
    while url:
        response = client.get(url)
        seen += ids(response)
        create_training(status="completed")
        url = response.json()["next"]
        assert url is None or url.startswith("http://localhost:8000/api/loras?")
    assert seen == wanted


def test_the_filters_are_the_walls_and_stay_on_the_next_page(client, alice):
    hang(21, kind="style", wallet=alice, channel="kiln", name="Kiln tests")
    hang(1, kind="style")
    hang(1, kind="character", wallet=alice)
    hang(1, kind="style", wallet=alice, channel="kiln", name="Kiln tests", service="Replicate")
    query = {"kind": "style", "wallet": alice.address.lower(), "channel": "kiln", "q": "kiln te"}
    query |= {"service": "fal.ai"}
    first = client.get("/api/loras", query)
    assert len(ids(first)) == 20
    second = client.get(first.json()["next"])
    assert len(ids(second)) == 1
    assert second.json()["loras"][0]["channel"] == "kiln"


def test_the_most_generated_come_first_when_asked_for(client):
    few, many = hang(2)
    create_generation(training=few)
    assert ids(client.get("/api/loras", {"sort": "generated"})) == [str(few.pk), str(many.pk)]


def test_it_asks_as_much_for_twenty_as_for_one(client, django_assert_num_queries):
    hang(1)
    with django_assert_num_queries(3):
        client.get("/api/loras")
    for _number in range(19):
        create_training(status="completed")
    with django_assert_num_queries(3):
        assert len(ids(client.get("/api/loras"))) == 20


def test_it_is_the_same_for_everybody_and_may_be_kept(client, alice):
    hang(1, wallet=alice)
    response = client.get("/api/loras")
    assert response["Cache-Control"].startswith("public, max-age=0, s-maxage=30")
    assert "Set-Cookie" not in response
    assert Program(alice).get("/api/loras").content == response.content
    again = client.get("/api/loras", headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=1000000000", "limit"),
        ("offset=-1", "offset"),
        ("order_by=owner__session__key", "order_by"),
        ("filter={}", "filter"),
        ("wallet__session_salt__startswith=a", "wallet__session_salt__startswith"),
        ("kind=dance", "kind"),
        ("sort=-wallet__address", "sort"),
        ("wallet=0x12", "wallet"),
        ("q=" + "a" * 101, "q"),
        ("q=%00", "q"),
        ("channel=" + "a" * 201, "channel"),
        ("before=x", "before"),
        ("before=WyJuZXdlc3QiLDFd:abc", "before"),
    ],
)
def test_a05_what_the_wall_does_not_have_is_refused(client, query, parameter):
    problem = refusal(client.get(f"/api/loras?{query}"))
    assert problem["status"] == 422
    assert [error["parameter"] for error in problem["errors"]] == [parameter]


def test_a_cursor_that_was_tampered_with_is_refused(client):
    hang(21)
    url = client.get("/api/loras").json()["next"]
    assert client.get(url).status_code == 200
    letter = "A" if url[-1] != "A" else "B"
    assert refusal(client.get(url[:-1] + letter))["status"] == 422
    assert refusal(client.get(f"{url}&sort=generated"))["status"] == 422


HIDDEN: list[dict[str, Any]] = [
    {"is_private": True},
    {"hidden_at": FIRST},
    {"deleted_at": FIRST},
    {"status": "training"},
    {"status": "failed"},
    {"status": "awaiting_payment"},
]


@pytest.mark.parametrize("fields", HIDDEN)
def test_g05_what_is_not_on_the_wall_is_not_in_the_api_for_others(client, fields):
    training = create_training(**({"status": "completed"} | fields))
    for program in (client, Program(create_wallet())):
        assert ids(program.get("/api/loras")) == []
        assert refusal(program.get(f"/api/loras/{training.pk}"))["status"] == 404


@pytest.mark.parametrize("fields", [each for each in HIDDEN if "deleted_at" not in each])
def test_its_owner_reads_it_with_what_only_owners_read(alice, fields):
    training = create_training(wallet=alice, **({"status": "completed"} | fields))
    response = Program(alice).get(f"/api/loras/{training.pk}")
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    lora = response.json()
    assert lora["mine"]["is_private"] == training.is_private
    assert lora["mine"]["is_hidden"] == bool(training.hidden_at)
    assert (lora["weights_url"] is None) == (training.status != "completed")
    assert Program(alice).get("/api/loras").json()["loras"] == []


def test_g05_what_is_deleted_is_gone_for_its_owner_too(alice):
    training = create_training(wallet=alice, status="completed", deleted_at=FIRST)
    program = Program(alice)
    assert program.get(f"/api/loras/{training.pk}").status_code == 404
    assert program.delete(f"/api/loras/{training.pk}").status_code == 404
    assert program.post(f"/api/loras/{training.pk}/retry").status_code == 404


def test_everybody_reads_a_public_one_and_caches_may_keep_it(client):
    training = create_training(status="completed", name="<b>&amp;</b>")
    response = client.get(f"/api/loras/{training.pk}")
    assert (response.json()["name"], response.json()["mine"]) == ("<b>&amp;</b>", None)
    assert response["Cache-Control"].startswith("public, max-age=0")
    assert {"Authorization", "Cookie"} <= set(response["Vary"].split(", "))
    tag = {"If-None-Match": response["ETag"]}
    assert client.get(f"/api/loras/{training.pk}", headers=tag).status_code == 304


def test_z04_nothing_leaves_that_is_not_named(client):
    training = create_training(
        status="completed", options={"secret": 1}, log="secret", version="secret", note="secret"
    )
    lora = client.get(f"/api/loras/{training.pk}").json()
    assert "secret" not in str(lora)
    assert set(lora) == {
        *("id", "status", "name", "description", "kind", "trigger_word", "training_steps"),
        *("service", "model", "picture_count", "image_count", "wallet", "channel", "created_at"),
        *("completed_at", "url", "weights_url", "weights_size", "weights_sha256", "config_url"),
        *("recommended_strength", "mine"),
    }


def test_its_owner_deletes_it_once(alice):
    training = create_training(wallet=alice, status="completed")
    program = Program(alice)
    response = program.delete(f"/api/loras/{training.pk}")
    assert (response.status_code, response.content) == (204, b"")
    assert Training.objects.get().deleted_at
    assert program.delete(f"/api/loras/{training.pk}").status_code == 404


@pytest.mark.parametrize("status", ["awaiting_payment", "archiving", "training", "mirroring"])
def test_what_is_still_on_its_way_is_not_deleted(alice, status):
    training = create_training(wallet=alice, status=status)
    problem = refusal(Program(alice).delete(f"/api/loras/{training.pk}"))
    assert (problem["status"], "Cancel it first" in problem["detail"]) == (409, True)
    assert Training.objects.get().deleted_at is None


def test_its_owner_tries_a_failed_one_again_for_nothing_more():
    wallet = create_wallet(cents=400)
    training = create_training(wallet=wallet)
    training.collect()
    training.fail("The trainer was away.")
    program = Program(wallet)
    assert (
        program.get(f"/api/loras/{training.pk}").json()["mine"]["error"] == "The trainer was away."
    )
    response = program.post(f"/api/loras/{training.pk}/retry")
    assert (response.status_code, response.json()["status"]) == (200, "awaiting_payment")
    training.refresh_from_db()
    assert training.collect()
    assert Entry.objects.balance_of(wallet) == 0


@pytest.mark.parametrize("status", ["awaiting_payment", "training", "completed", "cancelled"])
def test_what_has_not_failed_is_not_tried_again(alice, status):
    training = create_training(wallet=alice, status=status)
    problem = refusal(Program(alice).post(f"/api/loras/{training.pk}/retry"))
    assert (problem["status"], "Only a failed training" in problem["detail"]) == (409, True)
    assert Training.objects.get().status == status


ACTS = [("delete", ""), ("post", "/retry")]


@pytest.mark.parametrize(("method", "path"), ACTS)
@pytest.mark.parametrize("is_admin", [False, True])
def test_z01_nobody_else_does_anything_with_it(settings, method, path, is_admin):
    training = create_training(status="failed")
    bob = create_wallet()
    settings.ADMIN_WALLETS = [bob.address] if is_admin else []
    problem = refusal(getattr(Program(bob), method)(f"/api/loras/{training.pk}{path}"))
    assert problem["status"] == 404
    assert Training.objects.get().status == "failed"
    assert Training.objects.get().deleted_at is None


@pytest.mark.parametrize(("method", "path"), [*ACTS, ("post", "/generations")])
def test_without_a_wallet_nothing_is_done(method, path):
    training = create_training(status="failed")
    client = Client(enforce_csrf_checks=True)
    url = f"/api/loras/{training.pk}{path}"
    headers = {"Idempotency-Key": "one"}
    body = {"prompt": "a"} if path == "/generations" else None
    response = getattr(client, method)(url, body, content_type="application/json", headers=headers)
    assert refusal(response)["status"] == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert Training.objects.get().status == "failed"


def test_z06_what_only_the_house_decides_cannot_be_sent(alice):
    training = create_training(wallet=alice, status="failed")
    url = f"/api/loras/{training.pk}"
    client = Program(alice).client
    for method in (client.patch, client.put):
        response = method(url, {"status": "completed"}, content_type="application/json")
        assert refusal(response)["status"] == 405
        assert set(response["Allow"].split(", ")) == {"GET", "DELETE"}
    assert Training.objects.get().status == "failed"


def test_an_id_that_is_none_is_not_found(client):
    for pk in ("x", "1", "%00", "../..", "00000000-0000-0000-0000-000000000000"):
        assert refusal(client.get(f"/api/loras/{pk}"))["status"] == 404


def test_a_lora_says_which_strength_its_report_card_suggests(client):
    lora = create_training(status="completed")
    assert client.get(f"/api/loras/{lora.pk}").json()["recommended_strength"] is None
    Training.objects.filter(pk=lora.pk).update(recommended_strength=1.0)
    assert client.get(f"/api/loras/{lora.pk}").json()["recommended_strength"] == 1.0
    assert client.get("/api/loras").json()["loras"][0]["recommended_strength"] == 1.0
