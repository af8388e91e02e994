"""Who may begin a batch now: the allowance, and visitors without a wallet."""

from __future__ import annotations

import re

from generations.models import Generation
from tests.factories import create_generation
from tests.generations.test_generate import DIALOG, pane, post, url


def test_the_ninth_batch_waits_for_the_first_one_to_be_a_day_old(as_alice, alice, lora):
    for _ in range(8):
        create_generation(training=lora, wallet=alice, images=0)
    response = post(as_alice, lora, prompt="the ninth")
    body = response.content.decode()
    assert response.status_code == 429
    assert 86_000 < int(response["Retry-After"]) <= 86_400
    assert "That was the last of your 8 generations today" in body
    assert "UTC, in 24 h 0 min." in body
    assert "the ninth" in body
    assert alice.generations.count() == 8
    # Whoever opens it then sees it before typing.
    opened = as_alice.get(url(lora), {"prompt": "x"}, headers=DIALOG).content.decode()
    assert "That was the last of your 8 generations today" in opened
    assert 'type="submit"' not in opened


def test_whoever_is_exempt_has_no_limit(as_alice, alice, lora, settings):
    settings.QA_WALLETS = [alice.address]
    for _ in range(8):
        create_generation(training=lora, wallet=alice, images=0)
    response = post(as_alice, lora)
    assert response.status_code == 200
    assert b"No daily limit for this wallet" in response.content


def test_nobody_is_asked_to_connect_and_keeps_the_prompt(client, lora):
    body = client.get(url(lora), {"prompt": "a moon jar"}, headers=DIALOG).content.decode()
    assert "Connect a wallet to generate." in body
    assert "a moon jar</textarea>" in body
    assert 'hx-trigger="signed-in from:document"' in body
    assert f'hx-include="#gen-{lora.pk} .fields"' in body
    response = post(client, lora, prompt="typed for long")
    assert response.status_code == 401
    assert "typed for long</textarea>" in response.content.decode()
    assert not Generation.objects.exists()


def test_what_was_typed_before_signing_in_is_there_afterwards(as_alice, lora):
    typed = {"prompt": "a moon jar", "strength": "2.5", "scale": "1.5", "size": "1216x832"}
    query = {**typed, "width": "1024", "height": "1024", "images_asked": "1"}
    body = as_alice.get(url(lora), query, headers=pane(lora)).content.decode()
    assert "a moon jar</textarea>" in body
    assert "1216 \N{MULTIPLICATION SIGN} 832" in body
    assert re.search(r'value="2.5"[^>]*checked', body)
    assert "Generate 1 image<" in body


def test_the_allowance_is_a_fragment_of_its_own(client, as_alice, alice, lora):
    create_generation(training=lora, wallet=alice, images=0)
    mine = as_alice.get("/generations/allowance")
    assert b"<b>7 of 8</b> generations remaining today" in mine.content
    assert mine["Cache-Control"] == "private, no-store"
    assert b"<b>8</b> generations a day" in client.get("/generations/allowance").content
