from __future__ import annotations


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
