"""Cancelling, and what it means for the money."""

from __future__ import annotations

import pytest

from payments.models import Entry
from tests.factories import create_training, create_wallet
from trainings.attempts import Attempt
from trainings.models import Training

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def paid(client) -> Training:
    """A training that has been charged, and waits for a worker."""
    wallet = create_wallet(cents=400)
    client.force_login(wallet)
    training = create_training(wallet=wallet)
    assert training.collect()
    return training


def balance(training: Training) -> int:
    return Entry.objects.balance_of(training.wallet)


def test_nothing_charged_nothing_lost(as_alice, alice):
    training = create_training(wallet=alice)
    page = as_alice.get(f"/trainings/{training.pk}/cancel").content.decode()
    assert "Nothing has been charged." in page
    as_alice.post(f"/trainings/{training.pk}/cancel")
    training.refresh_from_db()
    assert training.status == "cancelled"


def test_before_it_began_the_price_comes_back(client, paid):
    page = client.get(f"/trainings/{paid.pk}/cancel", headers=HTMX).content.decode()
    assert page.strip().startswith("<dialog")
    assert "$4 go back to your balance at once." in page
    assert balance(paid) == 0
    response = client.post(f"/trainings/{paid.pk}/cancel")
    assert (response.status_code, response["Location"]) == (302, f"/trainings/{paid.pk}")
    assert balance(paid) == 400
    assert "Cancelled before it began." in client.get(f"/trainings/{paid.pk}").content.decode()


def test_what_has_begun_says_that_it_costs_and_is_asked_for_first(client, paid):
    paid.move("training")
    Attempt.objects.create(
        training=paid, number=1, provider="fal", status="accepted", job_id="job-1"
    )
    page = client.get(f"/trainings/{paid.pk}/cancel").content.decode()
    assert "$4 do not come back" in page
    client.post(f"/trainings/{paid.pk}/cancel")
    paid.refresh_from_db()
    assert paid.status == "training"
    assert paid.cancel_asked_at is not None
    page = client.get(f"/trainings/{paid.pk}").content.decode()
    assert "We have asked the trainer to stop." in page
    assert f"/trainings/{paid.pk}/cancel" not in page


@pytest.mark.parametrize("status", ["mirroring", "completed", "failed", "cancelled"])
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_too_late_is_said_and_changes_nothing(as_alice, alice, status, method, headers):
    training = create_training(wallet=alice, status=status)
    response = getattr(as_alice, method)(f"/trainings/{training.pk}/cancel", headers=headers)
    assert response.status_code == 409
    assert "It has gone on meanwhile" in response.content.decode()
    training.refresh_from_db()
    assert training.status == status


def test_twice_is_once(client, paid):
    assert client.post(f"/trainings/{paid.pk}/cancel").status_code == 302
    assert client.post(f"/trainings/{paid.pk}/cancel").status_code == 409
    assert balance(paid) == 400
