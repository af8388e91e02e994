from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from datasets import owners
from datasets.models import Dataset
from tests.factories import create_dataset, create_training
from trainings.drafts import Draft
from trainings.handovers import EXPIRES_IN, Handover
from trainings.models import Training

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def dataset(alice):
    dataset = create_dataset(wallet=alice, pictures=5)
    dataset.pictures.update(caption="a teal vase")
    Draft(dataset=dataset).keep({"trigger_word": "KILNGLZ", "description": "<b>Cone 10</b>"})
    return dataset


@pytest.fixture
def url(dataset):
    return f"/h/{Handover.offer(dataset, next_url='/?a=1')}"


def test_it_says_what_comes_along_and_uses_nothing_up(client, url):
    for _time in range(2):
        response = client.get(url)
        assert response.status_code == 200
        assert "5 images and the settings of <b>KILNGLZ</b>" in response.content.decode()
        assert "no-store" in response["Cache-Control"]
    assert Dataset.objects.count() == 1
    assert Client().head(url).status_code == 200


def test_whoever_takes_it_over_has_everything_and_the_other_keeps_it(client, url, dataset, alice):
    response = client.post(url)
    assert (response.status_code, response["Location"]) == (302, "/?a=1")
    copy = Dataset.objects.exclude(pk=dataset.pk).get()
    assert copy.wallet is None
    assert set(copy.pictures.values_list("caption", flat=True)) == {"a teal vase"}
    assert copy.pictures.count() == dataset.pictures.count() == 5
    page = client.get("/draft").content.decode()
    assert 'value="KILNGLZ"' in page
    assert "&lt;b&gt;Cone 10" in page
    dataset.refresh_from_db()
    assert (dataset.wallet, dataset.draft.typed["trigger_word"]) == (alice, "KILNGLZ")


def test_nobody_is_signed_in_by_it(client, url):
    client.post(url)
    assert "_auth_user_id" not in client.session
    assert client.get("/trainings").status_code == 302


def test_whoever_is_signed_in_gets_it_for_their_wallet(as_bob, url, dataset):
    as_bob.post(url)
    copy = Dataset.objects.exclude(pk=dataset.pk).get()
    assert str(copy.wallet_id) == as_bob.session["_auth_user_id"]


def test_it_works_once_and_leads_on_whoever_has_it(client, url):
    client.post(url)
    for again in (client.get(url), client.post(url)):
        assert (again.status_code, again["Location"]) == (302, "/?a=1")
    for other in (Client().get(url), Client().post(url)):
        assert other.status_code == 404
        assert "This link has been used, or it has expired" in other.content.decode()
    assert Dataset.objects.count() == 2


def test_where_it_comes_from_it_leads_on_and_stays_open(as_alice, url):
    assert as_alice.post(url)["Location"] == "/?a=1"
    assert Client().get(url).status_code == 200
    assert Dataset.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_after_a_quarter_of_an_hour_it_is_gone(client, url, method):
    Handover.objects.update(offered_at=Now() - EXPIRES_IN + timedelta(seconds=20))
    assert client.get(url).status_code == 200
    Handover.objects.update(offered_at=Now() - EXPIRES_IN)
    assert getattr(client, method)(url).status_code == 404
    assert Dataset.objects.count() == 1


@pytest.mark.parametrize("token", ["x", "A" * 22, "A" * 4000, "%00", "..%2f"])
def test_a_token_of_nobody_is_gone_too(client, token):
    assert client.get(f"/h/{token}").status_code == 404


def test_what_is_being_trained_meanwhile_stays_where_it_is(client, url, dataset, alice):
    training = create_training(wallet=alice)
    Dataset.objects.filter(pk=dataset.pk).update(kind="training", digest="x")
    Training.objects.filter(pk=training.pk).update(dataset=dataset)
    assert client.post(url).status_code == 404


def test_while_the_channel_is_read_one_waits(client, url, dataset):
    Dataset.objects.filter(pk=dataset.pk).update(status="listing", due_at=Now())
    refused = client.post(url)
    assert refused.status_code == 409
    assert "The channel is still being read." in refused.content.decode()
    Dataset.objects.filter(pk=dataset.pk).update(status="ready", due_at=None)
    assert client.post(url).status_code == 302


def test_one_network_cannot_take_any_number(client, url, monkeypatch):
    monkeypatch.setattr(owners, "DRAFTS_PER_NETWORK", 0)
    refused = client.post(url)
    assert refused.status_code == 429
    assert "Too many new sets from your network." in refused.content.decode()
    assert Handover.objects.get().is_open


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client, url, method):
    assert getattr(client, method)(url).status_code == 405


def taken_at_once(url: str) -> int:
    """How many copies there are after ten browsers have opened the link at the same moment."""

    def open_it(_number: int) -> None:
        try:
            Client().post(url)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(open_it, range(10)))
    return Dataset.objects.count() - 1


@pytest.mark.django_db(transaction=True)
def test_ten_browsers_at_once_get_one_copy(url):
    assert taken_at_once(url) == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_check_they_would_get_more(url, monkeypatch):
    monkeypatch.setattr(type(Handover.objects.all()), "open", lambda self: self)
    assert taken_at_once(url) > 1
