from __future__ import annotations

import pytest
from django.test import Client

from payments.models import HINTS_PER_QUOTE, Entry, Hint, Quote, Transfer
from tests.payments.factories import HASH, create_quote, create_wallet, deposit, offer, work
from tests.payments.test_ledger import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def quote(client) -> Quote:
    quote = create_quote(due_at=None)
    client.force_login(quote.wallet)
    return quote


def tell(client, quote, transaction_hash=HASH):
    return client.post(
        f"/quotes/{quote.pk}/sent", {"hash": transaction_hash}, headers={"HX-Request": "true"}
    )


def test_a_hash_is_kept_and_looked_at_soon(client, quote):
    response = tell(client, quote)
    assert response.status_code == 202
    assert 'data-state="sent"' in response.content.decode()
    assert quote.hints.get().hash == HASH
    assert list(Quote.objects.due()) == [quote]


def test_the_same_hash_twice_is_kept_once_whatever_its_capitals(client, quote):
    tell(client, quote)
    assert tell(client, quote, f" 0X{'AB' * 32} ").status_code == 202
    assert quote.hints.get().hash == HASH


@pytest.mark.parametrize("wrong", ["", "0x", "ab" * 32, HASH[:-1], HASH + "0", "0x" + "zz" * 32])
def test_what_is_no_hash_is_refused_in_words(client, quote, wrong):
    response = tell(client, quote, wrong)
    assert response.status_code == 422
    assert "hash" in response.content.decode()
    assert not Hint.objects.exists()


def test_p01_a_payment_that_was_counted_for_another_quote_is_a_conflict(client, quote):
    for owner in (quote.wallet, create_wallet()):
        counted = deposit(owner, 400).transfer
        assert counted is not None
        response = tell(client, quote, counted.hash)
        assert response.status_code == 409
        assert "counted already" in response.content.decode()
    assert not Hint.objects.exists()


def test_a_quote_takes_so_many_hashes(client, quote):
    for number in range(HINTS_PER_QUOTE):
        assert tell(client, quote, f"0x{number:064x}").status_code == 202
    assert tell(client, quote).status_code == 429


def test_a_stranger_finds_nothing(client, quote):
    client.force_login(create_wallet())
    assert tell(client, quote).status_code == 404
    client.logout()
    assert tell(client, quote)["Location"].startswith("/connect")
    assert not Hint.objects.exists()


def test_x04_it_is_told_by_post_and_with_a_token(client, quote):
    assert client.get(f"/quotes/{quote.pk}/sent").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(quote.wallet)
    assert tell(strict, quote).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_p03_one_hash_claimed_by_fifty_sessions_at_once_is_one_deposit(node, caplog):
    """Ten quotes of the payer and forty of strangers; every claim is looked at by a worker."""
    payer = node.funded()
    mine = [offer(node, payer, 400 + number) for number in range(10)]
    others = [create_quote() for _ in range(40)]
    sent = node.pay(payer, mine[3].wei)
    node.mine(6)
    sessions = []
    for quote in mine + others:
        session = Client()
        session.force_login(quote.wallet)
        sessions.append((session, quote))

    def claim(number: int) -> int:
        session, quote = sessions[number]
        status = tell(session, quote, sent).status_code
        for _step in range(3):
            Quote.objects.filter(pk=quote.pk).update(due_at=quote.created_at)
            if claimed := Quote.objects.claim(quote.pk):
                claimed.advance()
        return status

    statuses = race(50, claim)
    assert set(statuses) <= {202, 409}
    assert Transfer.objects.get().quote == mine[3]
    assert [entry.cents for entry in Entry.objects.all()] == [403]
    assert "a bug of ours" not in caplog.text
    for status, quote in zip(statuses[10:], others, strict=True):
        refused = ["another wallet" in hint.refusal for hint in quote.hints.all()]
        assert refused == ([True] if status == 202 else [])
    work(mine[3], status="settled")
