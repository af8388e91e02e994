from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from payments.models import QUOTES_PER_DAY, Quote
from sandbox.chain_accounts import TREASURY
from sandbox.chain_contracts import CONTRACT_WALLET
from tests.payments.factories import create_quote, create_wallet, grow_old
from tests.payments.test_ledger import race
from wallets.models import Wallet

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def wallet(client, node) -> Wallet:
    wallet = create_wallet()
    client.force_login(wallet)
    return wallet


def ask(client, cents="400", purpose="KILNGLZ", headers=HTMX):
    return client.post("/quotes", {"usd_cents": cents, "purpose": purpose}, headers=headers)


def test_it_offers_a_price_at_the_rate_of_the_chain(client, wallet, settings):
    response = ask(client)
    assert response.status_code == 201
    quote = Quote.objects.get()
    assert (quote.wallet, quote.payer, quote.recipient) == (
        wallet,
        wallet.address,
        TREASURY.address,
    )
    assert (quote.usd_cents, quote.wei, quote.chain_id) == (400, 1_176_470_588_235_295, 8453)
    assert (quote.rate.usd, quote.status, quote.purpose) == (3400, "open", "KILNGLZ")
    assert quote.expires_at - quote.created_at == settings.QUOTE_LIFETIME
    assert quote.is_working
    page = response.content.decode()
    assert "0.001176470588235295 ETH" in page
    assert 'data-value="0x42dfd6fcd4b4f"' in page or f'data-value="{hex(quote.wei)}"' in page
    assert response["Cache-Control"] == "private, no-store"


def test_asking_twice_gives_one_quote(client, wallet):
    assert ask(client).status_code == ask(client).status_code == 201
    assert Quote.objects.count() == 1


def test_another_amount_or_purpose_is_another_quote(client, wallet):
    ask(client)
    ask(client, cents="231")
    ask(client, purpose="GLASSRAIN")
    assert Quote.objects.count() == 3


def test_a_price_that_has_run_out_is_renewed(client, wallet):
    ask(client)
    grow_old(Quote.objects.get(), timedelta(minutes=14, seconds=30))
    ask(client)
    assert Quote.objects.count() == 2


def test_a_price_whose_payment_is_on_its_way_is_not_asked_again(client, wallet):
    ask(client)
    quote = Quote.objects.get()
    grow_old(quote, timedelta(minutes=16)).hints.create(hash="0x" + "ab" * 32)
    assert str(quote.pk) in ask(client).content.decode()
    quote.hints.update(refusal="It failed.")
    ask(client)
    assert Quote.objects.count() == 2


def test_without_htmx_it_leads_to_the_page(client, wallet):
    response = ask(client, headers={})
    assert response["Location"] == f"/quotes/{Quote.objects.get().pk}"


@pytest.mark.parametrize(
    ("cents", "words"),
    [
        ("", "Say how much"),
        ("0", "at least one US cent"),
        ("-400", "at least one US cent"),
        ("4.5", "whole number"),
        ("four", "whole number"),
        ("NaN", "whole number"),
        ("100001", "at most $1,000"),
        ("9" * 400, "at most $1,000"),
    ],
)
def test_an_amount_that_cannot_be_is_refused_in_words(client, wallet, cents, words):
    response = ask(client, cents=cents)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Quote.objects.exists()


@pytest.mark.parametrize("purpose", ["x" * 81, "a\x00b"])
def test_a_purpose_that_cannot_be_is_refused(client, wallet, purpose):
    assert ask(client, purpose=purpose).status_code == 422


def test_a_purpose_is_text_and_never_markup(client, wallet):
    page = ask(client, purpose="<script>alert(1)</script>").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_p15_a_contract_wallet_is_told_before_it_pays(client, node):
    client.force_login(create_wallet(CONTRACT_WALLET))
    response = ask(client)
    assert response.status_code == 422
    assert "contract wallets do not reach us" in response.content.decode()
    assert not Quote.objects.exists()
    page = ask(client, headers={})
    assert page.status_code == 422
    assert "contract wallets do not reach us" in page.content.decode()
    assert "<html" in page.content.decode()


def test_p15_an_account_that_lends_itself_a_contract_can_pay(client, node, wallet):
    node.rpc("anvil_setCode", wallet.address, "0xef0100" + CONTRACT_WALLET[2:])
    assert ask(client).status_code == 201


def test_f15_without_a_price_it_says_when_to_come_again(client, wallet, node):
    open_one = create_quote(wallet=wallet, usd_cents=99)
    node.set_feed(0, 0)
    try:
        response = ask(client)
    finally:
        node.set_feed(0, 3400 * 10**8)
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert "price of ETH" in response.content.decode()
    assert client.get(f"/quotes/{open_one.pk}").status_code == 200
    assert Quote.objects.get() == open_one


def test_without_the_chain_it_says_so(client, wallet, node):
    node.process.script({"match": {"path": "/chain"}, "do": "status", "times": None})
    response = ask(client)
    assert response.status_code == 503
    assert "Base does not answer" in response.content.decode()
    assert "Nothing was paid" in response.content.decode()


def test_a_wallet_gets_so_many_prices_a_day(client, wallet):
    for number in range(QUOTES_PER_DAY):
        create_quote(wallet=wallet, usd_cents=number + 1000)
    response = ask(client)
    assert response.status_code == 429
    assert "tomorrow" in response.content.decode()
    Quote.objects.update(created_at=Now() - timedelta(hours=25))
    assert ask(client).status_code == 201


def test_who_is_not_signed_in_is_sent_to_the_wallets(client, node):
    assert ask(client)["Location"].startswith("/connect")


def test_x04_it_is_asked_by_post_and_with_a_token(client, wallet):
    assert client.get("/quotes").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(wallet)
    assert ask(strict).status_code == 403
    assert not Quote.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_double_click_gives_one_quote(node):
    for _round in range(3):
        wallet = create_wallet()
        quotes = race(8, lambda _, wallet=wallet: Quote.offer(wallet, 400, "KILNGLZ").pk)
        assert len(set(quotes)) == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_on_the_wallet_it_would_give_several(node, monkeypatch):
    monkeypatch.setattr(Wallet.objects, "select_for_update", Wallet.objects.all)
    most = 1
    for _round in range(5):
        wallet = create_wallet()
        quotes = race(8, lambda _, wallet=wallet: Quote.offer(wallet, 400, "KILNGLZ").pk)
        most = max(most, len(set(quotes)))
    assert most > 1
    connection.close()
