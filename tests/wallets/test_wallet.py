from __future__ import annotations

import pytest

from tests.wallets.signing import sign_in

pytestmark = pytest.mark.django_db


def test_it_shows_the_whole_address_and_where_the_chain_shows_it(client):
    account = sign_in(client)
    page = client.get("/wallet").content.decode()
    assert f">{account.address}<" in page.replace("<wbr>", "")
    assert f'href="https://basescan.org/address/{account.address}"' in page
    assert "Sign out everywhere" in page


def test_those_who_are_exempt_read_so(client, settings):
    account = sign_in(client)
    assert "pays nothing" not in client.get("/wallet").content.decode()
    settings.QA_WALLETS = [account.address.lower()]
    assert "pays nothing" in client.get("/wallet").content.decode()


def test_x07_nobody_may_keep_it(client):
    sign_in(client)
    assert client.get("/wallet")["Cache-Control"] == "private, no-store"


def test_it_needs_a_wallet(client):
    assert client.get("/wallet")["Location"] == "/connect?next=/wallet"
