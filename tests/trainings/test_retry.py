"""Another try after a failure, and another version after the end."""

from __future__ import annotations

import pytest

from payments.models import Entry
from tests.factories import create_training, create_wallet

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def test_another_try_costs_nothing_more(client):
    wallet = create_wallet(cents=400)
    client.force_login(wallet)
    training = create_training(wallet=wallet)
    training.collect()
    training.fail("The trainer was away.")
    response = client.post(f"/trainings/{training.pk}/retry")
    assert (response.status_code, response["Location"]) == (302, f"/trainings/{training.pk}")
    training.refresh_from_db()
    assert training.status == "awaiting_payment"
    assert training.collect()
    assert Entry.objects.balance_of(wallet) == 0


@pytest.mark.parametrize("status", ["awaiting_payment", "training", "completed", "cancelled"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_has_not_failed_is_not_tried_again(as_alice, alice, status, headers):
    training = create_training(wallet=alice, status=status)
    response = as_alice.post(f"/trainings/{training.pk}/retry", headers=headers)
    assert response.status_code == 409
    assert "It has gone on meanwhile" in response.content.decode()
    training.refresh_from_db()
    assert training.status == status


@pytest.mark.parametrize("url", ["retry", "again"])
def test_none_of_it_happens_by_reading(as_alice, alice, url):
    training = create_training(wallet=alice, status="failed")
    assert as_alice.get(f"/trainings/{training.pk}/{url}").status_code == 405


def test_training_again_leads_to_the_train_page_with_everything_in_place(as_alice, alice):
    training = create_training(wallet=alice, status="completed", pictures=6, training_steps=700)
    response = as_alice.post(f"/trainings/{training.pk}/again", follow=True)
    page = response.content.decode()
    assert response.redirect_chain == [("/", 302)]
    assert 'value="KILNGLZ"' in page
    assert "<dt>Images</dt><dd>6</dd>" in page
    assert "<dt>Steps</dt><dd>700</dd>" in page
    training.refresh_from_db()
    assert training.status == "completed"


def test_htmx_is_told_where_to_go(as_alice, alice):
    training = create_training(wallet=alice, status="failed")
    url = f"/trainings/{training.pk}"
    assert as_alice.post(f"{url}/again", headers=HTMX)["HX-Redirect"] == "/"
    assert as_alice.post(f"{url}/retry", headers=HTMX)["HX-Redirect"] == url
