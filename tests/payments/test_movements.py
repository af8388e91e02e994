from __future__ import annotations

import csv
from io import StringIO

import pytest

from payments.models import Entry
from tests.payments.factories import create_quote, create_transfer, create_wallet, deposit
from tests.payments.refunding import create_refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def wallet(client):
    wallet = create_wallet()
    client.force_login(wallet)
    return wallet


def lines(client) -> list[dict[str, str]]:
    response = client.get("/wallet/movements.csv")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv"
    assert response["Content-Disposition"] == 'attachment; filename="movements.csv"'
    assert response["Cache-Control"] == "private, no-store"
    return list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode())))


def test_every_movement_is_a_line_newest_first(client, wallet):
    entry = deposit(wallet, 400)
    deposit(create_wallet(), 999)
    Entry.charge(wallet, 231, "training:1:1", 'KILNGLZ, "blue"')
    charge, payment = lines(client)
    assert (charge["kind"], charge["usd"], charge["eth"]) == ("charge", "-2.31", "")
    assert charge["note"] == 'KILNGLZ, "blue"'
    assert (payment["kind"], payment["usd"]) == ("deposit", "4.00")
    assert (payment["eth"], payment["wei"]) == ("0.001176470588235295", "1176470588235295")
    assert payment["usd_per_eth"] == "3400"
    assert entry.transfer is not None
    assert payment["transaction"] == entry.transfer.hash
    assert payment["booked_at"] == entry.created_at.isoformat()


def test_what_was_paid_back_is_a_line_with_its_transaction(client, wallet):
    deposit(wallet, 400)
    refund = create_refund(wallet, status="paid")
    line, _payment = lines(client)
    assert (line["kind"], line["usd"], line["eth"]) == ("payout", "-4.00", "0.001176470588235295")
    assert (line["transaction"], line["usd_per_eth"]) == (refund.hash, "3400")
    assert line["note"] == "Paid back to your wallet"


def test_amounts_are_whole_however_large(client, wallet):
    quote = create_quote(wallet=wallet)
    Entry.deposit(create_transfer(quote, wei=2**255), wallet, quote.rate)
    (line,) = lines(client)
    cents = 2**255 * 340_000 // 10**18
    assert line["usd"] == f"{cents // 100}.{cents % 100:02d}"
    assert line["wei"] == str(2**255)


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1"])
def test_a_note_is_no_formula_for_a_spreadsheet(client, wallet, formula):
    deposit(wallet, 400)
    Entry.charge(wallet, 400, "training:1:1", formula)
    assert lines(client)[0]["note"].startswith("'")


def test_an_empty_ledger_is_a_file_with_a_head(client, wallet):
    assert lines(client) == []


def test_it_needs_a_wallet(client):
    assert client.get("/wallet/movements.csv")["Location"].startswith("/connect")
