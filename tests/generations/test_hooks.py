"""The doorbells of batches: they ring for a worker, and nothing that they say is believed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from generations.models import Generation
from loratrainer.outcomes import TryAgainLater
from providers import get_provider
from providers.base import Unverified
from tests.factories import create_generation
from trainings.hooks import webhook_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch() -> Generation:
    """An order that was sent and is in doubt; nobody is to look for an hour."""
    return create_generation(status="submitting", job_id="", due_at=Now() + timedelta(hours=1))


def answering(monkeypatch: pytest.MonkeyPatch, answer: str | Exception) -> None:
    def verify(self: object, headers: object, body: bytes) -> str:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(type(get_provider("fal")), "verify_webhook", verify)


def ring(client: Client, token: str, service: str = "fal") -> int:
    url = reverse(f"generations:{service}_webhook", args=[token])
    return client.post(url, b"{}", content_type="application/json").status_code


def test_a_true_webhook_makes_the_batch_due_and_tells_the_job(
    batch: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "job-7")
    assert ring(Client(enforce_csrf_checks=True), batch.token) == 200
    assert Generation.objects.due().get() == batch
    answering(monkeypatch, "job-8")
    assert ring(Client(), batch.token) == 200
    batch.refresh_from_db()
    assert (batch.told_job_id, batch.job_id) == ("job-7", "")


def test_a_late_webhook_does_not_wake_what_is_over(
    client: Client, batch: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    Generation.objects.update(status="failed", due_at=None)
    answering(monkeypatch, "job-7")
    assert ring(client, batch.token) == 200
    batch.refresh_from_db()
    assert (batch.status, batch.due_at) == ("failed", None)


@pytest.mark.parametrize(
    ("trouble", "status"), [(Unverified("no signature"), 401), (TryAgainLater("no keys"), 503)]
)
def test_a_webhook_that_cannot_be_verified_rings_for_nobody(
    trouble: Exception,
    status: int,
    client: Client,
    batch: Generation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, trouble)
    assert ring(client, batch.token) == status
    batch.refresh_from_db()
    assert batch.told_job_id == ""
    assert not Generation.objects.due().exists()


def test_a_guessed_token_and_one_of_the_other_service_are_not_found(
    client: Client, batch: Generation
) -> None:
    assert ring(client, "guess" + batch.token[5:]) == 404
    assert ring(client, batch.token, service="replicate") == 404


def test_only_posts_ring(client: Client, batch: Generation) -> None:
    url = reverse("generations:fal_webhook", args=[batch.token])
    assert client.get(url).status_code == 405


def test_the_address_of_a_batch_is_not_that_of_a_training(client: Client) -> None:
    url = webhook_url("replicate-fast", "token", app="generations")
    assert url.endswith(reverse("generations:replicate_webhook", args=["token"]))
    assert url != webhook_url("replicate-fast", "token")


def test_the_weights_of_a_batch_are_only_read(client: Client, batch: Generation) -> None:
    url = reverse("generations:weights", args=[batch.token, "lora.safetensors"])
    assert client.post(url).status_code == 405
