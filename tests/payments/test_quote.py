from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from payments.models import Entry, Quote
from sandbox.chain_accounts import TREASURY
from tests.payments.factories import HASH, create_quote, create_transfer, create_wallet, grow_old

pytestmark = pytest.mark.django_db


@pytest.fixture
def quote(client) -> Quote:
    quote = create_quote()
    client.force_login(quote.wallet)
    return quote


def panel(client, quote, was="") -> str:
    return client.get(
        f"/quotes/{quote.pk}" + (f"?was={was}" if was else ""), headers={"HX-Request": "true"}
    ).content.decode()


def pay(quote: Quote, wei: int, status: str = "settled") -> None:
    Entry.deposit(create_transfer(quote, wei=wei), quote.wallet, quote.rate)
    Quote.objects.filter(pk=quote.pk).update(status=status)


def state(html: str) -> str:
    return re.findall(r'data-state="(\w+)"', html)[0]


def poll(html: str) -> str:
    return "".join(re.findall(r'hx-trigger="(every \d+s)', html))


def test_p35_what_the_wallet_is_asked_is_what_the_settings_say(client, quote, settings):
    settings.TREASURY = TREASURY.address
    for html in (panel(client, quote), client.get(f"/quotes/{quote.pk}").content.decode()):
        assert f'data-to="{settings.TREASURY}"' in html
        assert f">{settings.TREASURY}<" in html
        assert 'data-chain-id="8453"' in html
        assert f'data-value="{hex(quote.wei)}"' in html
        assert f'data-from="{quote.wallet.address}"' in html
        named = set(re.findall(r"0x[0-9a-fA-F]{40}(?![0-9a-fA-F])", html))
        assert named == {settings.TREASURY, quote.wallet.address}


def test_it_is_a_page_and_a_panel(client, quote):
    page = client.get(f"/quotes/{quote.pk}")
    assert "<title>KILNGLZ" in page.content.decode()
    assert "HX-Request" in page["Vary"]
    assert panel(client, quote).lstrip().startswith("<pay-quote")


def test_an_open_quote_can_be_paid_and_asks_slowly(client, quote):
    html = panel(client, quote)
    assert (state(html), poll(html)) == ("pay", "every 10s")
    assert "Pay $4" in html
    assert "$3,400" in html
    seconds = int(re.findall(r'data-seconds-left="(\d+)"', html)[0])
    assert 890 <= seconds <= 900


def test_a_transaction_on_its_way_is_linked_and_nothing_more_is_asked(client, quote):
    quote.hints.create(hash=HASH)
    html = panel(client, quote)
    assert (state(html), poll(html)) == ("sent", "every 2s")
    assert f"https://basescan.org/tx/{HASH}" in html
    assert "data-pay" not in html
    assert "longer than usual" not in html


def test_a_transaction_that_takes_long_is_explained(client, quote):
    hint = quote.hints.create(hash=HASH)
    hint.created_at = quote.created_at - timedelta(minutes=2)
    hint.save()
    assert "longer than usual" in panel(client, quote)


def test_confirmations_are_counted(client, quote):
    quote.hints.create(hash=HASH)
    Quote.objects.update(status="confirming", note="Confirming 2 of 5")
    html = panel(client, quote)
    assert (state(html), poll(html)) == ("confirming", "every 2s")
    assert "Confirming 2 of 5" in html


@pytest.mark.parametrize("status", ["settled", "final"])
def test_a_paid_quote_is_quiet(client, quote, status):
    pay(quote, quote.wei, status)
    html = panel(client, quote)
    assert (state(html), poll(html), "hx-get" in html) == ("paid", "", False)
    assert "Paid $4" in html
    assert "your balance" not in html
    assert quote.transfers.get().url in html


def test_too_much_is_said_to_stay_on_the_balance(client, quote):
    pay(quote, quote.wei * 2)
    html = panel(client, quote)
    assert "Paid $8" in html
    assert "your balance" in html


def test_too_little_is_said_and_the_rest_can_be_paid(client, quote):
    pay(quote, quote.wei // 2)
    html = panel(client, quote)
    assert (state(html), poll(html)) == ("short", "")
    assert "$1.99 of $4 arrived" in html
    assert "$2.01 are missing" in html
    assert 'name="usd_cents" value="201"' in html


def test_a_price_that_has_run_out_is_renewed_and_not_paid(client, quote):
    grow_old(quote, timedelta(minutes=15))
    html = panel(client, quote)
    assert (state(html), poll(html)) == ("over", "")
    assert "data-pay" not in html
    assert 'name="usd_cents" value="400"' in html
    assert "Get a new price" in html


def test_why_a_transaction_does_not_pay_is_said(client, quote):
    quote.hints.create(hash=HASH, refusal="The transaction moves no ETH.")
    html = panel(client, quote)
    assert state(html) == "pay"
    assert "The transaction moves no ETH." in html
    assert HASH in html


@pytest.mark.parametrize(
    ("status", "words"),
    [("reversed", "Base has dropped this payment"), ("failed", "Something broke on our side")],
)
def test_what_went_wrong_is_said(client, quote, status, words):
    Quote.objects.update(status=status)
    html = panel(client, quote)
    assert (state(html), poll(html)) == (status, "")
    assert words in html


def test_a_poll_that_finds_it_paid_brings_an_event_once(client, quote):
    def event(was: str) -> str:
        url = f"/quotes/{quote.pk}?was={was}"
        return client.get(url, headers={"HX-Request": "true"}).headers.get("HX-Trigger", "")

    assert event("confirming") == ""
    pay(quote, quote.wei)
    assert "deposited" in event("confirming")
    assert event("paid") == event("") == event("nonsense") == ""


def test_a_stranger_finds_nothing(client, quote):
    client.force_login(create_wallet())
    assert client.get(f"/quotes/{quote.pk}").status_code == 404
    client.logout()
    assert client.get(f"/quotes/{quote.pk}")["Location"].startswith("/connect")


def test_x04_it_changes_nothing(client, quote):
    assert client.post(f"/quotes/{quote.pk}").status_code == 405
    assert client.get("/quotes/1").status_code == 404


def test_q04_a_poll_costs_few_questions(client, quote, django_assert_max_num_queries):
    quote.hints.create(hash=HASH)
    session = Client()
    session.force_login(quote.wallet)
    with django_assert_max_num_queries(7):
        panel(session, quote)
