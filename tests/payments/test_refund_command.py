"""`manage.py refund` and `manage.py refunds`: what an operator types and reads."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from loratrainer import tasks
from payments.models import Entry, Refund
from sandbox.chain_accounts import TREASURY
from tests.payments.factories import create_wallet
from tests.payments.refunding import create_refund, look, pay, received, wallet_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def wallet(db):
    return wallet_with(400)


def run(*arguments: str) -> str:
    said = StringIO()
    call_command(*arguments, stdout=said, stderr=said)
    return said.getvalue()


def balance(wallet) -> int:
    return Entry.objects.balance_of(wallet)


def test_it_pays_a_balance_back_from_the_sandboxs_treasury_without_any_setting(node, wallet):
    said = run("refund", wallet.address)
    refund = Refund.objects.get()
    assert "$4 of the balance of $4" in said
    assert "at 3400 USD/ETH" in said
    assert f"to   {wallet.address}" in said
    assert f"from {TREASURY.address} on chain 8453" in said
    assert f"https://basescan.org/tx/{refund.hash}" in said
    pay(node, refund)
    assert received(node, wallet) == refund.wei == 1_176_470_588_235_294


def test_a_worker_is_told_after_the_commit(
    node, wallet, monkeypatch, django_capture_on_commit_callbacks
):
    rung: list[str] = []
    monkeypatch.setattr(tasks, "_ring", lambda label, pk: rung.append(pk))
    with django_capture_on_commit_callbacks(execute=True):
        run("refund", wallet.address)
    assert rung == [str(Refund.objects.get().pk)]


def test_a_part_of_the_balance(node, wallet):
    assert "$1.50 of the balance of $4" in run("refund", wallet.address.lower(), "--cents", "150")
    assert balance(wallet) == 250


def test_a_dry_run_says_the_same_and_changes_nothing(node, wallet):
    count, height = node.web3.eth.get_transaction_count(TREASURY.address), node.height
    said = run("refund", wallet.address, "--dry-run")
    assert "$4 of the balance of $4" in said
    assert "Nothing was changed" in said
    assert (balance(wallet), Refund.objects.count()) == (400, 0)
    assert node.web3.eth.get_transaction_count(TREASURY.address, "pending") == count
    assert node.height == height


def test_a_second_run_begins_no_second_refund(node, wallet):
    run("refund", wallet.address)
    with pytest.raises(CommandError, match="on their way to this wallet already"):
        run("refund", wallet.address)
    pay(node, Refund.objects.get())
    with pytest.raises(CommandError, match=r"balance of this wallet is \$0. Nothing was changed"):
        run("refund", wallet.address)
    assert Refund.objects.count() == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("anna.eth", "starts with 0x"),
        ("0x1234", "40 digits"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "typing error"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "No wallet with this address"),
    ],
)
def test_an_address_that_is_none_or_unknown_is_refused(db, address, words):
    with pytest.raises(CommandError, match=words):
        run("refund", address)


def test_without_a_key_it_says_what_is_missing(node, wallet, settings):
    settings.SANDBOX_URL = "http://127.0.0.1:1"
    with pytest.raises(CommandError, match="Set REFUND_KEY_FILE"):
        run("refund", wallet.address)
    assert balance(wallet) == 400


def test_a_treasury_without_enough_is_told_and_nothing_is_taken(node, wallet):
    before = node.web3.eth.get_balance(TREASURY.address)
    node.fund(TREASURY.address, 10**14)
    try:
        with pytest.raises(CommandError, match=r"has 0.0001 ETH.*Nothing was changed"):
            run("refund", wallet.address)
    finally:
        node.fund(TREASURY.address, before)
    assert balance(wallet) == 400


def test_while_the_node_is_away_nothing_is_taken(node, wallet):
    node.process.script({"match": {"path": "/chain"}, "do": "status", "times": None})
    with pytest.raises(CommandError, match=r"does not answer at the moment\. Nothing"):
        run("refund", wallet.address)
    assert balance(wallet) == 400


def test_p07_a_node_of_another_chain_is_refused(node, wallet, settings):
    settings.CHAIN_ID = 84532
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("refund", wallet.address)
    assert balance(wallet) == 400


def test_no_key_is_in_what_it_says_keeps_or_logs(node, wallet, monkeypatch, caplog):
    account = node.funded()
    monkeypatch.setenv("REFUND_PRIVATE_KEY", account.key.hex())
    caplog.set_level("DEBUG")
    said = run("refund", wallet.address)
    refund = look(Refund.objects.get(), "confirming")
    said += run("refunds") + caplog.text
    said += str(Refund.objects.filter(pk=refund.pk).values().get())
    assert refund.payer == account.address
    assert account.address in said
    assert account.key.hex() not in said.lower()
    assert account.key not in bytes(refund.raw)


def test_the_list_shows_states_and_what_hinders_them(db):
    paid = create_refund(status="paid", due_at=None)
    failed = create_refund(status="failed", due_at=None, error="It did not take the ETH.")
    waiting = create_refund(note="The account lacks 0.1 ETH to pay this.")
    said = run("refunds")
    assert said.index(waiting.hash) < said.index(failed.hash) < said.index(paid.hash)
    assert f"$4, 0.001176470588235295 ETH to {paid.recipient}" in said
    assert waiting.note in said
    assert failed.error in said
    only = run("refunds", "--open")
    assert waiting.hash in only
    assert paid.hash not in only
    assert waiting.hash in run("refunds", "--limit", "1")
    assert paid.hash not in run("refunds", "--limit", "1")


def test_an_empty_list_says_so(db):
    create_wallet()
    assert run("refunds") == "There are no refunds.\n"
