"""Who asks the API: a wallet by its key or its session, or nobody."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.factories import create_training, create_wallet
from tests.gallery.api import Program, key_of, refusal
from trainings.models import Training
from wallets.keys import ApiKey

pytestmark = pytest.mark.django_db


def hidden_lora() -> Training:
    """One that only its owner reads."""
    return create_training(status="completed", is_private=True)


def read(training: Training, **headers: str) -> int:
    response = Client(headers=headers).get(f"/api/loras/{training.pk}")
    return int(response.status_code)


def test_a_key_opens_what_is_its_wallets():
    training = hidden_lora()
    key = key_of(training.wallet)
    assert read(training, Authorization=f"Bearer {key}") == 200
    assert read(training, Authorization=f"bearer {key}") == 200
    assert read(training, Authorization=f"Bearer {key_of(create_wallet())}") == 404


@pytest.mark.parametrize(
    "value",
    ["Bearer x", "Bearer ", "Bearer lt_" + "A" * 43, "Bearer ключ", "Bearer a b", "Bearer \0"],
)
def test_a_wrong_key_is_never_taken_for_nobody(value):
    training = create_training(status="completed")
    response = Client(headers={"Authorization": value}).get(f"/api/loras/{training.pk}")
    assert refusal(response)["status"] == 401
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_key_that_differs_in_one_letter_is_wrong():
    training = hidden_lora()
    key = key_of(training.wallet)
    other = key[:-1] + ("A" if key[-1] != "A" else "B")
    assert read(training, Authorization=f"Bearer {other}") == 401


def test_a_revoked_key_is_wrong_at_once():
    training = hidden_lora()
    key = key_of(training.wallet)
    assert read(training, Authorization=f"Bearer {key}") == 200
    ApiKey.objects.all().delete()
    assert read(training, Authorization=f"Bearer {key}") == 401


def test_the_key_of_a_wallet_that_may_not_come_in_any_more_is_wrong(settings):
    training = hidden_lora()
    key = key_of(training.wallet)
    settings.ALLOWED_WALLETS = [create_wallet().address]
    assert read(training, Authorization=f"Bearer {key}") == 401
    settings.ALLOWED_WALLETS = [training.wallet.address]
    assert read(training, Authorization=f"Bearer {key}") == 200


def test_a_key_is_read_from_its_header_only():
    training = hidden_lora()
    key = key_of(training.wallet)
    assert Client().get(f"/api/loras/{training.pk}?key={key}&access_token={key}").status_code == 404
    client = Client()
    client.cookies["sessionid"] = key
    client.cookies["Authorization"] = f"Bearer {key}"
    assert client.get(f"/api/loras/{training.pk}").status_code == 404


def test_a_session_reads_what_is_its_wallets():
    training = hidden_lora()
    client = Client()
    client.force_login(training.wallet)
    response = client.get(f"/api/loras/{training.pk}")
    assert (response.status_code, response["Cache-Control"]) == (200, "private, no-store")


def test_x_a_session_changes_nothing_without_the_token_of_its_page():
    training = create_training(status="completed")
    client = Client(enforce_csrf_checks=True)
    client.force_login(training.wallet)
    url = f"/api/loras/{training.pk}"
    assert refusal(client.delete(url))["status"] == 403
    assert refusal(client.delete(url, headers={"X-CSRFToken": "a" * 64}))["status"] == 403
    page = client.get("/wallet/keys").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    assert Training.objects.get().deleted_at is None
    assert client.delete(url, headers={"X-CSRFToken": token[1]}).status_code == 204


def test_a_key_needs_no_token_and_reads_no_session():
    training = create_training(status="completed")
    bob = Client(enforce_csrf_checks=True)
    bob.force_login(create_wallet())
    headers = {"Authorization": f"Bearer {key_of(training.wallet)}"}
    response = bob.delete(f"/api/loras/{training.pk}", headers=headers)
    assert response.status_code == 204
    assert "Set-Cookie" not in response


def test_a_session_that_was_ended_is_nobodys():
    training = create_training(status="completed")
    client = Client()
    client.force_login(training.wallet)
    training.wallet.end_sessions()
    assert refusal(client.delete(f"/api/loras/{training.pk}"))["status"] == 401


def test_nobody_is_asked_for_no_session(django_assert_num_queries):
    training = create_training(status="completed")
    with django_assert_num_queries(1):
        response = Client().get(f"/api/loras/{training.pk}")
    assert "Set-Cookie" not in response
    assert "Cookie" in response["Vary"]


def test_the_use_of_a_key_is_noted_without_writing_each_time(django_assert_num_queries):
    wallet = create_wallet()
    program = Program(wallet)
    assert ApiKey.objects.get().last_used_at is None
    program.get("/api/loras")
    assert ApiKey.objects.get().last_used_at is None  # The wall does not ask who reads it.
    training = create_training(status="completed")
    program.get(f"/api/loras/{training.pk}")
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    program.get(f"/api/loras/{training.pk}")
    assert ApiKey.objects.get().last_used_at == first
