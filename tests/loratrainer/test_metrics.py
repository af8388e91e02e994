"""/metrics: what Prometheus reads, and that nobody else does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from loratrainer import metrics
from loratrainer.jobs import Job
from loratrainer.models import Pulse
from tests.factories import create_errand, create_generation, create_training, create_wallet
from tests.payments.factories import create_quote

pytestmark = pytest.mark.django_db

TOKEN = "a-token-of-tests"


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def read(client: Client) -> dict[str, dict[tuple[str, ...], float]]:
    """Each metric by the values of its labels."""
    response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    assert response["Cache-Control"] == "no-store"
    return {
        family.name: {tuple(one.labels.values()): one.value for one in family.samples}
        for family in text_string_to_metric_families(response.content.decode())
    }


def test_o4_jobs_are_counted_by_kind_and_status_and_how_late_they_are(client):
    create_errand(status="walking")
    create_errand(status="walking", due=False)
    late = create_errand(status="walking")
    type(late).objects.filter(pk=late.pk).update(due_at=Now() - timedelta(minutes=5))
    held = create_errand(status="resting")
    type(held).objects.filter(pk=held.pk).update(
        due_at=Now() - timedelta(hours=1), lease_ends_at=Now() + timedelta(minutes=1)
    )
    found = read(client)
    kind = "errands.errand"
    assert found["loratrainer_jobs"][(kind, "walking")] == 2
    assert found["loratrainer_jobs"][(kind, "resting")] == 1
    assert found["loratrainer_jobs_due"][(kind,)] == 2
    assert found["loratrainer_jobs_overdue"][(kind,)] == 1
    assert 299 < found["loratrainer_jobs_oldest_due_seconds"][(kind,)] < 330
    assert found["loratrainer_jobs_due"][("payments.quote",)] == 0
    assert found["loratrainer_jobs_oldest_due_seconds"][("payments.quote",)] == 0


def test_o4_the_pulse_has_an_age(client):
    Pulse.feel("sweep")
    Pulse.objects.update(felt_at=Now() - timedelta(seconds=90))
    assert 89 < read(client)["loratrainer_pulse_age_seconds"][("sweep",)] < 120


def test_o4_trainings_images_and_money_are_counted(client):
    wallet = create_wallet(cents=1000)
    training = create_training(wallet=wallet)
    training.collect()
    create_training(status="completed")
    create_training(status="failed", provider="replicate")
    create_generation(status="failed")
    create_quote()
    found = read(client)
    ended = found["loratrainer_trainings_ended"]
    assert ended == {("fal", "completed"): 2, ("replicate", "failed"): 1}
    assert found["loratrainer_jobs"][("trainings.training", "archiving")] == 1
    assert found["loratrainer_generations"] == {("fal", "failed"): 1}
    assert found["loratrainer_ledger_cents"] == {
        ("adjustment",): 1000,
        ("charge",): -400,
        ("deposit",): 0,
        ("payout",): 0,
        ("refund",): 0,
    }
    assert found["loratrainer_quotes_open"] == {(): 1}
    assert set(found["loratrainer_metrics_up"].values()) == {1}


def test_o4_it_says_nothing_of_anybody(client):
    wallet = create_wallet(cents=1000)
    training = create_training(wallet=wallet, name="Secret", trigger_word="SECRETWORD")
    response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    page = response.content.decode().lower()
    for secret in ("secret", wallet.address.lower(), str(training.pk), TOKEN):
        assert secret not in page


def test_it_asks_as_much_however_much_there_is(client, django_assert_max_num_queries):
    for _number in range(3):
        create_errand()
        create_generation()
    kinds = [model for model in apps.get_models() if issubclass(model, Job)]
    # Two for each kind of jobs; four others, and a savepoint and a limit for each of the parts.
    with django_assert_max_num_queries(2 * len(kinds) + 21):
        read(client)


def test_a_part_that_the_database_does_not_answer_in_time_is_left_out(client, monkeypatch):
    def slow() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")
        return []

    monkeypatch.setattr(metrics, "ANSWER_IN", timedelta(milliseconds=50))
    monkeypatch.setattr(metrics, "measure_pulse", slow)
    found = read(client)
    assert found["loratrainer_metrics_up"][("pulse",)] == 0
    assert found["loratrainer_metrics_up"][("jobs",)] == 1
    assert "loratrainer_jobs_due" in found


def test_a_database_that_is_away_is_said_and_is_no_error(client, monkeypatch):
    def away(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("connection refused")

    monkeypatch.setattr("django.db.transaction.Atomic.__enter__", away)
    assert set(read(client)["loratrainer_metrics_up"].values()) == {0}


@pytest.mark.parametrize("sent", ["", TOKEN, "Bearer wrong", f"bearer{TOKEN}", "Bearer ключ"])
def test_without_the_token_nothing_is_told(client, sent, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/metrics", headers={"Authorization": sent} if sent else {})
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert b"loratrainer_" not in response.content


def test_an_admins_session_is_no_token(client, settings):
    wallet = create_wallet()
    settings.ADMIN_WALLETS = [wallet.address]
    client.force_login(wallet)
    assert client.get("/metrics").status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}])
def test_where_no_token_is_set_nothing_is_there(client, settings, headers):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers=headers).status_code == 404


def test_other_methods_are_refused(client):
    assert client.post("/metrics").status_code == 405


def test_it_answers_during_maintenance(client, settings):
    settings.MAINTENANCE = True
    assert "loratrainer_jobs" in read(client)
