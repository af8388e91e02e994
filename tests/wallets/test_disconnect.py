from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from tests.wallets.signing import is_signed_in, sign_in

pytestmark = pytest.mark.django_db


def test_w22_signing_out_ends_the_session_on_the_server(client):
    sign_in(client)
    stolen = Client()
    stolen.cookies = client.cookies.copy()
    assert is_signed_in(stolen)
    response = client.post("/disconnect")
    assert (response.status_code, response["Location"]) == (302, "/")
    assert not Session.objects.exists()
    assert not is_signed_in(client)
    assert not is_signed_in(stolen)


def test_other_browsers_stay_signed_in(client):
    account = sign_in(client)
    other = Client()
    sign_in(other, account)
    client.post("/disconnect")
    assert is_signed_in(other)


def test_signing_out_twice_is_not_an_error(client):
    assert client.post("/disconnect").status_code == 302


def test_another_site_cannot_sign_anybody_out(client):
    sign_in(client)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies.copy()
    assert strict.post("/disconnect").status_code == 403
    assert is_signed_in(client)


def test_x04_a_link_does_not_sign_out(client):
    sign_in(client)
    assert client.get("/disconnect").status_code == 405
    assert is_signed_in(client)
