from __future__ import annotations

import pytest
from django.test import Client

from tests.wallets.signing import ask
from wallets import models
from wallets.models import Challenge

pytestmark = pytest.mark.django_db

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def test_the_answer_is_the_text_to_sign_and_its_id(client):
    challenge = ask(client, ADDRESS.lower())
    assert set(challenge) == {"id", "text"}
    assert challenge["text"] == Challenge.objects.get(pk=challenge["id"]).text
    assert ADDRESS in challenge["text"]


def test_the_secret_of_the_browser_is_out_of_the_reach_of_scripts_and_other_sites(client):
    ask(client, ADDRESS)
    cookie = client.cookies["browser"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Strict", 300)
    stored = Challenge.objects.get().browser
    assert cookie.value.encode() not in bytes(stored)


def test_a_browser_may_have_several_open(client):
    first, second = ask(client, ADDRESS), ask(client, ADDRESS)
    assert first["id"] != second["id"]
    assert len(set(Challenge.objects.values_list("browser", flat=True))) == 1


@pytest.mark.parametrize(
    "address",
    [
        "",
        "vitalik.eth",
        "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x" + "0" * 40,
        "0x" + "1" * 39,
        "\x00" * 42,
        "0x\u202e" + "1" * 39,
        "0x" + "1" * 40 + "\r\nSet-Cookie: a=b",
        "0x" + "1" * 8000,
    ],
    ids=lambda address: ascii(address)[:20],
)
def test_w14_w15_what_is_no_address_is_refused_in_words(client, address):
    response = client.post("/connect/challenge", {"address": address})
    assert response.status_code == 400
    assert response.json()["error"].endswith(".")
    assert not Challenge.objects.exists()


@pytest.mark.parametrize("size", [16_000, 900_000])
def test_w15_a_body_that_is_too_long_is_not_looked_at(client, size):
    response = client.post("/connect/challenge", {"address": "0" * size})
    assert response.status_code == 413
    assert response.json()["error"]


def test_w15_a_thousand_fields_are_refused(client):
    fields = {"address": ADDRESS} | {f"f{number}": "" for number in range(1000)}
    assert client.post("/connect/challenge", fields).status_code in {400, 413}


def test_w23_another_site_cannot_ask_in_the_name_of_this_browser():
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/connect/challenge", {"address": ADDRESS}).status_code == 403


def test_w24_after_its_share_a_network_must_wait_whatever_it_claims_to_be(client, monkeypatch):
    monkeypatch.setattr(models, "CHALLENGES_PER_NETWORK", 3)
    statuses = [
        client.post(
            "/connect/challenge",
            {"address": ADDRESS},
            REMOTE_ADDR=f"2001:db8:1:2::{suffix:x}",
            headers={"X-Forwarded-For": f"203.0.113.{suffix}"},
        ).status_code
        for suffix in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]
    assert Challenge.objects.count() == 3
    response = client.post(
        "/connect/challenge", {"address": ADDRESS}, REMOTE_ADDR="2001:db8:1:2::ffff"
    )
    assert response["Retry-After"] == "60"
    assert "Wait" in response.json()["error"]
    neighbour = {"REMOTE_ADDR": "2001:db8:1:3::1"}
    assert client.post("/connect/challenge", {"address": ADDRESS}, **neighbour).status_code == 200


def test_a_wallet_that_is_not_on_the_list_hears_so_before_it_signs(client, settings):
    settings.ALLOWED_WALLETS = ["0x" + "11" * 20]
    response = client.post("/connect/challenge", {"address": ADDRESS})
    assert response.status_code == 403
    assert "some wallets only" in response.json()["error"]


@pytest.mark.parametrize("setting", ["ALLOWED_WALLETS", "ADMIN_WALLETS", "QA_WALLETS"])
def test_a_list_lets_in_whom_it_names_and_those_who_run_the_site(client, settings, setting):
    settings.ALLOWED_WALLETS = ["0x" + "11" * 20]
    setattr(settings, setting, [ADDRESS.lower()])
    assert ask(client, ADDRESS)


def test_x04_it_is_no_address_to_look_at(client):
    assert client.get("/connect/challenge").status_code == 405
