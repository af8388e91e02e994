"""The front page."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.factories import create_dataset, create_wallet
from trainings.drafts import Draft

pytestmark = pytest.mark.django_db


def test_everybody_without_a_session_gets_the_same_bytes(client):
    again = Client()
    mine, theirs = client.get("/"), again.get("/")
    assert mine.status_code == 200
    assert mine.content == theirs.content
    for response in (mine, theirs):
        assert not response.cookies
        assert response.headers["Cache-Control"] == "public, max-age=30"
        assert "Cookie" in response.headers["Vary"]
        assert "csrf" not in response.content.decode()


def test_the_page_says_what_it_takes_and_what_it_costs(client, settings):
    settings.PICTURES_MIN, settings.PICTURES_MAX, settings.TRAINING_USD_CENTS = 5, 9, 250
    page = client.get("/").content.decode()
    assert "Choose 5 to 9 images, name a trigger word, pay $2.50." in page
    assert "pay $2.50 in ETH on Base" in page


def test_the_page_without_a_session_fetches_its_form(client):
    page = client.get("/?channel=glaze-tests&shoot=7&evil=1").content.decode()
    assert 'hx-get="/draft?channel=glaze-tests&amp;shoot=7" hx-trigger="load delay:1ms"' in page
    assert "csrfmiddlewaretoken" not in page
    assert page.count("<form") == page.count('<form method="post" action="/language"')


def test_an_address_cannot_write_into_the_page(client):
    page = client.get('/?channel="><script>alert(1)</script>').content.decode()
    assert "<script>alert" not in page


def test_whoever_has_a_session_gets_the_form_with_what_was_typed(as_alice, alice):
    draft = Draft(dataset=create_dataset(wallet=alice, pictures=5))
    draft.keep({"trigger_word": "KILNGLZ", "kind": "character", "description": "Cone 10"})
    response = as_alice.get("/")
    page = response.content.decode()
    assert 'value="KILNGLZ"' in page
    assert "Cone 10</textarea>" in page
    assert re.findall(r'name="kind" value="(\w+)"[^>]*checked', page) == ["character"]
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "<dt>Images</dt><dd>5</dd>" in page


def test_the_address_of_a_channel_is_opened_at_once(as_alice):
    page = as_alice.get("/?channel=https://www.are.na/kiln-room/glaze-tests").content.decode()
    assert 'value="https://www.are.na/kiln-room/glaze-tests"' in page
    assert 'hx-trigger="load, submit"' in page


def shoot_of(wallet):
    person = wallet.people.create(name="Ada")
    return create_dataset(kind="shoot", wallet=wallet, person=person, costume="red dress")


def test_the_address_of_an_own_shoot_offers_its_images(as_alice, alice):
    shoot = shoot_of(alice)
    page = as_alice.get(f"/?shoot={shoot.pk}").content.decode()
    assert f'action="/datasets/{shoot.pk}/copy"' in page
    assert "Ada, red dress" in page


def test_somebody_elses_shoot_or_none_is_no_shoot(as_alice):
    shoot = shoot_of(create_wallet())
    for value in (shoot.pk, "nonsense", "00000000-0000-0000-0000-000000000000"):
        page = as_alice.get(f"/?shoot={value}")
        assert page.status_code == 200
        assert "/copy" not in page.content.decode()


def test_a_stranger_does_not_see_the_draft(as_bob, alice):
    Draft(dataset=create_dataset(wallet=alice)).keep({"trigger_word": "KILNGLZ"})
    assert "KILNGLZ" not in as_bob.get("/").content.decode()


def test_the_ticket_knows_what_the_balance_pays(client):
    for cents, label, total in (
        (0, "Pay $4 and train", "$4"),
        (150, "Pay $2.50 and train", "$2.50"),
    ):
        client.force_login(create_wallet(cents=cents))
        page = client.get("/").content.decode()
        assert label in page
        assert f"<dt>Total</dt><dd>{total}<small" in page


@pytest.mark.parametrize("is_exempt", [True, False])
def test_nothing_is_asked_for_when_the_balance_or_an_exemption_pays(client, settings, is_exempt):
    wallet = create_wallet(cents=0 if is_exempt else 400)
    settings.QA_WALLETS = [wallet.address] if is_exempt else []
    client.force_login(wallet)
    page = client.get("/").content.decode()
    assert ">Train</button>" in page
    assert "and train" not in page
    assert "/price" not in page


def test_the_page_is_only_read(client):
    assert client.post("/").status_code == 405
