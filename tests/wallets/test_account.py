from __future__ import annotations

import pytest

from tests.wallets.signing import sign_in

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/loras"}


def test_it_offers_to_connect_and_to_come_back(client):
    corner = client.get("/account", headers=HTMX).content.decode()
    assert 'href="/connect?next=/loras"' in corner
    assert 'hx-get="/connect"' in corner
    assert "Sign out" not in corner


def test_it_says_who_is_signed_in(client):
    account = sign_in(client)
    corner = client.get("/account", headers=HTMX).content.decode()
    assert f"{account.address[:6]}…{account.address[-4:]}" in corner
    assert f'data-address="{account.address}"' in corner
    assert "Sign out" in corner


def test_x07_nobody_may_keep_it(client):
    assert client.get("/account", headers=HTMX)["Cache-Control"] == "private, no-store"
    sign_in(client)
    assert client.get("/account", headers=HTMX)["Cache-Control"] == "private, no-store"


def test_whoever_opens_it_as_a_page_gets_the_page_of_the_wallet(client):
    assert client.get("/account")["Location"] == "/wallet"
