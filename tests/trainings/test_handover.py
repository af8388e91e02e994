from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from django.test import Client

from datasets.models import Dataset
from tests.factories import create_dataset, create_training
from trainings.drafts import Draft
from trainings.handovers import EXPIRES_IN, Handover
from trainings.models import Training

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

HTMX = {"HX-Request": "true"}
WAY = "/draft/handover"


def offered(client: Client, **sent: str) -> str:
    """The token of a new offer."""
    page = client.post(WAY, sent, headers=HTMX).content.decode()
    (token,) = set(re.findall(r"/h/([\w-]{22})\"", page))
    return str(token)


@pytest.fixture
def dataset(alice):
    return create_dataset(wallet=alice, pictures=5)


def test_a_draft_is_offered_by_a_code_and_by_links_into_wallets(as_alice, dataset, settings):
    settings.SITE_URL = "https://lora.example"
    page = as_alice.post(WAY, {"next": "/loras?a=1"}, headers=HTMX).content.decode()
    (token,) = set(re.findall(r"https://lora\.example/h/([\w-]{22})\"", page))
    assert 'class="qr"' in page
    assert f'href="https://link.metamask.io/dapp/lora.example/h/{token}"' in page
    encoded = f"https%3A%2F%2Flora.example%2Fh%2F{token}"
    assert f'href="https://go.cb-w.com/dapp?cb_url={encoded}"' in page
    assert "5 images and your settings go along." in page
    offer = Handover.objects.get()
    assert (offer.dataset, offer.next_url) == (dataset, "/loras?a=1")
    assert token not in str(offer.token_hash)


def test_it_asks_again_for_this_draft_until_something_happens(as_alice, dataset):
    page = as_alice.post(WAY, headers=HTMX).content.decode()
    assert f'hx-get="/draft/handover?dataset={dataset.pk}" hx-trigger="every 3s"' in page
    quiet = as_alice.get(f"{WAY}?dataset={dataset.pk}", headers=HTMX)
    assert (quiet.status_code, quiet.content) == (204, b"")


def test_without_a_draft_the_page_alone_is_offered(client, settings):
    settings.SITE_URL = "https://lora.example"
    page = client.post(WAY, {"next": "/loras?a=1"}, headers=HTMX).content.decode()
    assert 'href="https://link.metamask.io/dapp/lora.example/loras?a=1"' in page
    assert "hx-get" not in page
    assert not Handover.objects.exists()


def test_an_address_that_is_too_long_for_a_code_is_none(client):
    page = client.post(WAY, {"next": f"/loras?q={'k' * 4000}"}, headers=HTMX)
    assert page.status_code == 200
    assert 'class="qr"' in page.content.decode()


def test_what_is_being_trained_is_offered_no_more(as_alice, alice):
    trained = create_training(wallet=alice).dataset
    page = as_alice.post(WAY, {"dataset": trained.pk}, headers=HTMX).content.decode()
    assert "/h/" not in page
    assert not Handover.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "//evil.example",
        "javascript:0",
        "",
        "/\0",
        f"/loras?q={'k' * 4000}",
    ],
    ids=["elsewhere", "no scheme", "a script", "nothing", "a NUL", "too long"],
)
def test_it_leads_nowhere_else(as_alice, dataset, url):
    offered(as_alice, next=url)
    assert Handover.objects.get().next_url == "/"


def test_a_new_offer_ends_the_one_before(as_alice, dataset):
    first = offered(as_alice)
    second = offered(as_alice)
    assert Client().get(f"/h/{first}").status_code == 404
    assert Client().get(f"/h/{second}").status_code == 200


def test_the_way_is_told_to_its_end(as_alice, alice, dataset):
    def told() -> str:
        return as_alice.get(f"{WAY}?dataset={dataset.pk}", headers=HTMX).content.decode()

    token = offered(as_alice)
    phone = Client()
    phone.post(f"/h/{token}")
    page = told()
    assert "It is open there." in page
    assert "every 3s" in page
    copy = Handover.objects.get().taken
    training = create_training(status="awaiting_payment")
    Training.objects.filter(pk=training.pk).update(dataset=copy)
    assert "Waiting for the payment there" in told()
    Training.objects.filter(pk=training.pk).update(status="archiving")
    page = told()
    assert "Paid. The training has begun." in page
    assert "hx-get" not in page
    Training.objects.filter(pk=training.pk).update(status="cancelled", due_at=None)
    page = told()
    assert "Cancelled" in page
    assert "Paid" not in page


def test_a_code_that_has_expired_can_be_made_anew(as_alice, dataset):
    offered(as_alice, next="/licence")
    Handover.objects.update(offered_at=Now() - EXPIRES_IN - timedelta(seconds=1))
    page = as_alice.get(f"{WAY}?dataset={dataset.pk}", headers=HTMX).content.decode()
    assert "The code has expired." in page
    assert "Make a new code" in page
    assert 'name="next" value="/licence"' in page


def test_it_is_a_page_without_script(as_alice, dataset):
    page = as_alice.get(WAY).content.decode()
    assert page.startswith("<!doctype html>")
    assert "Nothing is on its way to another browser." in page
    page = as_alice.post(WAY).content.decode()
    assert page.startswith("<!doctype html>")
    assert 'class="qr"' in page
    assert "Waiting until you open it there" in as_alice.get(WAY).content.decode()


def test_strangers_offer_and_see_nothing_of_it(as_alice, as_bob, dataset):
    offered(as_alice)
    for client in (as_bob, Client()):
        for pk in (dataset.pk, uuid4(), "nonsense"):
            assert client.get(f"{WAY}?dataset={pk}", headers=HTMX).status_code == 404
            assert client.post(WAY, {"dataset": pk}, headers=HTMX).status_code == 404
        assert "Nothing is on its way" in client.get(WAY).content.decode()
    assert Handover.objects.count() == 1


def test_a_browser_that_never_signed_in_offers_its_draft_too(client):
    client.post("/draft", {"trigger_word": "KILNGLZ"}, headers=HTMX)
    token = offered(client)
    phone = Client()
    assert "KILNGLZ" in phone.get(f"/h/{token}").content.decode()
    assert phone.post(f"/h/{token}").status_code == 302
    assert Draft.objects.count() == 2
    assert Dataset.objects.values("browser").distinct().count() == 2


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client, method):
    assert getattr(client, method)(WAY).status_code == 405
