from __future__ import annotations

import re

import pytest

from tests.wallets.signing import sign_in

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/loras?sort=new"}


def next_of(response) -> str:
    (found,) = re.findall(r'data-next="([^"]*)"', response.content.decode())
    return found


def test_it_is_a_page_for_readers_without_scripts(client):
    response = client.get("/connect?next=/wallet")
    assert response.status_code == 200
    page = response.content.decode()
    assert page.startswith("<!doctype html>")
    assert "Signing in needs JavaScript" in page
    assert next_of(response) == "/wallet"
    assert response["Cache-Control"] == "private, no-store"
    assert "HX-Request" in response["Vary"]


def test_it_is_a_dialog_for_htmx_and_says_where_it_belongs(client):
    response = client.get("/connect", headers=HTMX)
    assert response.content.decode().strip().startswith("<dialog")
    assert "</html>" not in response.content.decode()
    assert response["HX-Retarget"] == "#modal"
    assert response["HX-Reswap"] == "beforeend"
    assert response["HX-Reselect"] == "dialog"
    assert response["HX-Push-Url"] == "false"


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_a_whole_page_that_htmx_asks_for_is_a_whole_page(client, header):
    response = client.get("/connect", headers=HTMX | {header: "true"})
    assert response.content.decode().startswith("<!doctype html>")
    assert "HX-Retarget" not in response


def test_from_the_dialog_one_comes_back_to_the_page_not_to_its_fragment(client):
    response = client.get("/connect?next=/loras/1/generate", headers=HTMX)
    assert next_of(response) == "/loras?sort=new"


def test_from_the_dialog_over_its_own_page_one_goes_where_that_would_have_gone(client):
    here = {"HX-Request": "true", "HX-Current-URL": "http://testserver/connect?next=/wallet"}
    assert next_of(client.get("/connect?next=/wallet", headers=here)) == "/wallet"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
        "evil.example",
        "/\t/evil.example",
        "",
    ],
)
def test_next_never_leads_to_another_site(client, url):
    assert next_of(client.get("/connect", {"next": url})) == "/"
    elsewhere = {"HX-Request": "true", "HX-Current-URL": url}
    assert next_of(client.get("/connect", headers=elsewhere)) == "/"


def test_a_page_that_needs_a_wallet_leads_here_and_back(client):
    response = client.get("/wallet?tab=1", follow=True)
    assert response.redirect_chain == [("/connect?next=/wallet%3Ftab%3D1", 302)]
    assert next_of(response) == "/wallet?tab=1"


def test_a_fragment_that_needs_a_wallet_brings_the_dialog(client):
    response = client.get("/wallet", headers=HTMX, follow=True)
    assert response["HX-Retarget"] == "#modal"
    assert next_of(response) == "/loras?sort=new"


def test_it_says_who_is_signed_in_to_those_who_switch(client):
    account = sign_in(client)
    page = client.get("/connect").content.decode()
    assert f"signed in as {account.address[:6]}" in page
    assert f'data-address="{account.address}"' in page


def test_another_device_can_be_used_and_comes_back_to_the_same_page(client):
    page = client.get("/connect?next=/loras?a=1").content.decode()
    assert 'hx-post="/draft/handover"' in page
    assert '<input type="hidden" name="next" value="/loras?a=1">' in page


def test_x04_it_does_nothing_but_show(client):
    assert client.post("/connect").status_code == 405
