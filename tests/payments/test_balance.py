from __future__ import annotations

import pytest

from payments.models import Entry
from payments.views import MOVEMENTS
from tests.payments.factories import create_wallet, deposit
from tests.payments.refunding import create_refund

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def wallet(client):
    wallet = create_wallet()
    client.force_login(wallet)
    return wallet


def test_it_shows_the_balance_and_what_moved_it_newest_first(client, wallet):
    entry = deposit(wallet, 1000)
    deposit(create_wallet(), 777)
    Entry.charge(wallet, 400, "training:1:1", "KILNGLZ")
    Entry.refund("training:1:1", "The trainer broke")
    html = client.get("/wallet/balance", headers=HTMX).content.decode()
    assert html.lstrip().startswith("<section")
    assert '<p class="amount">$10</p>' in html
    assert html.index("The trainer broke") < html.index("KILNGLZ") < html.index("Payment")
    assert "-$4" in html
    assert "+$10" in html
    assert "$7.77" not in html
    assert entry.transfer is not None
    assert f'href="{entry.transfer.url}"' in html
    assert "3400.00 USD/ETH" in html


def test_it_is_a_page_too(client, wallet):
    page = client.get("/wallet/balance")
    assert "<title>Movements" in page.content.decode()
    assert "Nothing has moved yet." in page.content.decode()
    assert "HX-Request" in page["Vary"]
    assert page["Cache-Control"] == "private, no-store"


def test_it_shows_the_newest_and_says_how_many_there_are(client, wallet):
    deposit(wallet, 100_000)
    for number in range(MOVEMENTS):
        Entry.charge(wallet, 1, f"training:{number}:1")
    html = client.get("/wallet/balance", headers=HTMX).content.decode()
    assert html.count("<tr>") == MOVEMENTS + 1
    assert f"All {MOVEMENTS + 1} as CSV" in html


def test_a_balance_below_zero_is_explained(client, wallet):
    entry = deposit(wallet, 400)
    Entry.charge(wallet, 400, "training:1:1")
    assert entry.transfer is not None
    Entry.reverse(entry.transfer)
    html = client.get("/wallet/balance", headers=HTMX).content.decode()
    assert '<p class="amount">-$4</p>' in html
    assert "dropped a payment" in html


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("broadcasting", "On its way to your wallet"),
        ("confirming", "On its way to your wallet"),
        ("paid", "Paid back to your wallet"),
        ("failed", "Could not be paid back"),
    ],
)
def test_what_was_paid_back_says_how_far_it_is_and_leads_to_the_chain(
    client, wallet, status, words
):
    deposit(wallet, 400)
    refund = create_refund(wallet, status=status, block_number=7, note="For the operator")
    html = client.get("/wallet/balance", headers=HTMX).content.decode()
    assert html.count(words) == 1
    assert f'href="https://basescan.org/tx/{refund.hash}"' in html
    assert "-$4" in html
    assert "For the operator" not in html


def test_what_came_back_is_explained_and_leads_to_no_transaction_that_there_is_not(client, wallet):
    deposit(wallet, 400)
    refund = create_refund(wallet)
    refund.give_back("Another transaction has taken its place.")
    html = client.get("/wallet/balance", headers=HTMX).content.decode()
    assert '<p class="amount">$4</p>' in html
    assert html.index("did not work, so it is here again") < html.index("Could not be paid back")
    assert refund.hash not in html


def test_it_asks_the_same_few_questions_however_much_there_is(
    client, wallet, django_assert_num_queries
):
    for number in (1, 2, 3):
        deposit(wallet, number)
    deposit(wallet, 1200)
    for _number in range(3):
        create_refund(wallet, status="paid")
    with django_assert_num_queries(5):
        client.get("/wallet/balance", headers=HTMX)
    for number in range(1, 20):
        deposit(wallet, number)
    with django_assert_num_queries(5):
        client.get("/wallet/balance", headers=HTMX)


def test_it_needs_a_wallet(client):
    assert client.get("/wallet/balance")["Location"].startswith("/connect")
    assert client.post("/wallet/balance").status_code in {302, 405}
