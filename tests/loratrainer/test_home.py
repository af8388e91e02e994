from __future__ import annotations

import pytest
from django.test import Client


def test_the_front_page_says_what_this_is_and_leads_to_the_wallet(client):
    page = client.get("/").content.decode()
    assert "Pictures in, weights out" in page
    assert "$4 in ETH on Base" in page
    assert 'href="/connect"' in page


@pytest.mark.django_db
def test_everybody_gets_the_same_bytes(client, django_user_model):
    wallet = django_user_model.objects.create(address="0x" + "ab" * 20)
    signed_in = Client()
    signed_in.force_login(wallet)
    mine, theirs = signed_in.get("/"), client.get("/")
    assert mine.content == theirs.content
    for response in (mine, theirs):
        assert not response.cookies
        assert response.headers["Cache-Control"] == "public, max-age=30"
        assert "Cookie" not in response.headers.get("Vary", "")
        assert "csrf" not in response.content.decode()


def test_the_name_of_the_site_is_a_setting(client, settings):
    settings.SITE_NAME = "Emulsion & Sons"
    page = client.get("/").content.decode()
    assert "<title>Emulsion &amp; Sons: pictures in, weights out</title>" in page
    assert 'aria-label="Emulsion &amp; Sons, home"' in page
    assert "LoRA Trainer" not in page


def test_the_page_names_what_is_simulated(client, settings):
    settings.SANDBOXED = ["FAL_KEY", "CHAIN_RPC_URL"]
    settings.DEMO_WALLET = True
    assert "payments on Base, fal.ai. No real money moves." in client.get("/").content.decode()


def test_the_page_does_not_speak_of_play_money_where_payments_are_real(client, settings):
    settings.SANDBOXED = ["FAL_KEY"]
    settings.DEMO_WALLET = False
    page = client.get("/").content.decode()
    assert "</b> fal.ai.</aside>" in page
    assert "real money" not in page


def test_the_page_does_not_speak_of_simulation_where_there_is_none(client, settings):
    settings.SANDBOXED = []
    settings.DEMO_WALLET = False
    assert "imulat" not in client.get("/").content.decode()


def test_the_front_page_is_only_read(client):
    assert client.post("/").status_code == 405
