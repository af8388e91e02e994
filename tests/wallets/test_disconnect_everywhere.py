from __future__ import annotations

import pytest
from django.test import Client

from tests.wallets.signing import is_signed_in, sign_in

pytestmark = pytest.mark.django_db


def test_w22_every_browser_of_the_wallet_is_signed_out_and_no_other(client):
    account = sign_in(client)
    phone, stranger = Client(), Client()
    sign_in(phone, account)
    sign_in(stranger)
    response = client.post("/disconnect/everywhere")
    assert (response.status_code, response["Location"]) == (302, "/")
    assert not is_signed_in(client)
    assert not is_signed_in(phone)
    assert is_signed_in(stranger)


def test_one_can_sign_in_again(client):
    account = sign_in(client)
    client.post("/disconnect/everywhere")
    sign_in(client, account)
    assert is_signed_in(client)


def test_somebody_who_is_signed_out_is_sent_to_connect(client):
    assert client.post("/disconnect/everywhere")["Location"].startswith("/connect")


def test_x04_a_link_does_not_sign_out(client):
    sign_in(client)
    assert client.get("/disconnect/everywhere").status_code == 405
    assert is_signed_in(client)
