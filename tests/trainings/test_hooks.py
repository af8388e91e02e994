"""The doorbells: they ring for a worker, and nothing that they say is believed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from loratrainer.outcomes import TryAgainLater
from providers import get_provider
from providers.base import TooLarge, Unverified
from tests.trainings.test_steps import begin
from trainings.attempts import Attempt
from trainings.hooks import webhook_url
from trainings.models import Training
from wallets.models import Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def attempt() -> Attempt:
    """An order that was sent and is in doubt; the training waits for an hour."""
    training = begin(Wallet.objects.create(address="0x" + "ef" * 20))
    Training.objects.update(status="submitting", due_at=Now() + timedelta(hours=1))
    attempt = Attempt.begin(training.pk, "fal")
    attempt.mark_sent()
    return attempt


def answering(monkeypatch: pytest.MonkeyPatch, answer: str | Exception) -> None:
    def verify(self: object, headers: object, body: bytes) -> str:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(type(get_provider("fal")), "verify_webhook", verify)


def ring(client: Client, token: str, service: str = "fal", **options: Any) -> int:
    url = f"/api/webhook/{service}/{token}"
    return client.post(url, b"{}", content_type="application/json", **options).status_code


def test_a_true_webhook_makes_the_training_due_and_tells_the_job(
    client: Client, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "job-7")
    assert ring(client, attempt.token) == 200
    attempt.refresh_from_db()
    assert (attempt.told_job_id, attempt.job_id) == ("job-7", "")
    assert Training.objects.due().get() == attempt.training


def test_h05_a_webhook_that_comes_again_changes_nothing(
    client: Client, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "job-7")
    ring(client, attempt.token)
    answering(monkeypatch, "job-8")
    assert ring(client, attempt.token) == 200
    attempt.refresh_from_db()
    assert attempt.told_job_id == "job-7"


def test_h08_a_late_webhook_does_not_wake_what_is_over(
    client: Client, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    Training.objects.update(status="failed", due_at=None)
    answering(monkeypatch, "job-7")
    assert ring(client, attempt.token) == 200
    training = Training.objects.get()
    assert (training.status, training.due_at) == ("failed", None)


@pytest.mark.parametrize(
    ("trouble", "status"),
    [(Unverified("no signature"), 401), (TooLarge("10 MB"), 413), (TryAgainLater("no keys"), 503)],
)
def test_h02_a_webhook_that_cannot_be_verified_rings_for_nobody(
    trouble: Exception,
    status: int,
    client: Client,
    attempt: Attempt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, trouble)
    assert ring(client, attempt.token) == status
    attempt.refresh_from_db()
    assert attempt.told_job_id == ""
    assert not Training.objects.due().exists()


def test_h17_a_guessed_token_is_not_found(client: Client, attempt: Attempt) -> None:
    assert ring(client, "guess" + attempt.token[5:]) == 404


def test_the_token_of_one_service_is_none_of_the_other(client: Client, attempt: Attempt) -> None:
    assert ring(client, attempt.token, service="replicate-training") == 404


def test_h14_only_posts_ring_and_nothing_redirects(client: Client, attempt: Attempt) -> None:
    url = f"/api/webhook/fal/{attempt.token}"
    assert client.get(url).status_code == 405
    assert client.head(url).status_code == 405
    assert client.post(f"{url}/").status_code == 404


def test_a_webhook_needs_no_csrf_token_and_no_session(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "job-7")
    assert ring(Client(enforce_csrf_checks=True), attempt.token) == 200


def test_a_real_provider_is_given_no_address_that_it_cannot_reach(settings: Any) -> None:
    assert webhook_url("fal", "token").endswith("/api/webhook/fal/token")
    settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"fal": [".fal.media"]}
    assert webhook_url("fal", "token") == ""
    settings.HTTPS, settings.SITE_URL = True, "https://lora.example"
    assert webhook_url("replicate-fast", "t") == (
        "https://lora.example/api/webhook/replicate-training/t"
    )
