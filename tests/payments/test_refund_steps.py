"""The life of a refund on a real chain: whatever happens, it is paid once or the cents are back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from eth_account.signers.local import LocalAccount

from loratrainer.jobs import MAX_CRASHES
from payments.chain import Chain, StateForgotten
from payments.models import Entry, Refund
from payments.signing import RefundKey
from tests.payments.chain_node import ChainNode
from tests.payments.factories import NOBODY, statuses
from tests.payments.refunding import begin, look, make_due, pay, received, sent_by, wallet_with
from wallets.models import Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(node: ChainNode) -> LocalAccount:
    """What pays refunds."""
    return node.funded()


@pytest.fixture
def wallet(db: None) -> Wallet:
    return wallet_with(400)


@pytest.fixture
def refund(node: ChainNode, wallet: Wallet, account: LocalAccount) -> Refund:
    return begin(wallet, RefundKey(account.key))


def balance(refund: Refund) -> int:
    return Entry.objects.balance_of(refund.wallet)


def assert_paid_once(node: ChainNode, refund: Refund) -> None:
    assert refund.status == "paid"
    assert (sent_by(node, refund), received(node, refund.wallet)) == (1, refund.wei)
    assert balance(refund) == 0


def test_it_is_sent_confirmed_and_final(node, refund):
    assert look(refund).status == "broadcasting"
    assert look(refund).status == "confirming"
    node.mine(2)
    assert look(refund).note == "Confirming 2 of 5"
    node.mine(3)
    assert look(refund).status == "paid"
    assert refund.is_working
    block = node.web3.eth.get_block(refund.block_number)
    assert refund.block_hash == block["hash"].to_0x_hex()
    look(refund)
    assert refund.is_working
    node.mine(12)
    look(refund)
    assert not refund.is_working
    assert statuses(refund) == ["confirming", "paid", "paid"]
    assert_paid_once(node, refund)


def test_while_base_does_not_take_it_the_same_bytes_are_sent_again(node, refund):
    node.automine(False)
    try:
        for _look in range(3):
            assert (look(refund).status, refund.note) == ("broadcasting", "")
        assert node.rpc("txpool_status")["pending"] == "0x1"
    finally:
        node.automine(True)
    node.mine(6)
    look(refund, "paid")
    assert_paid_once(node, refund)


def test_what_the_pool_forgets_is_sent_again(node, refund):
    node.automine(False)
    try:
        look(refund)
        node.rpc("anvil_dropTransaction", refund.hash)
        node.mine(3)
        assert sent_by(node, refund) == 0
    finally:
        node.automine(True)
    pay(node, refund)
    assert_paid_once(node, refund)


@pytest.mark.parametrize("fault", ["reset", "accept_then_reset", "accept_then_500", "garbage"])
def test_an_answer_that_is_lost_leads_to_the_same_one_transaction(node, refund, fault):
    node.process.script(
        {"match": {"path": "/chain", "contains": "eth_sendRawTransaction"}, "do": fault}
    )
    assert look(refund).note == "Base does not answer at the moment."
    pay(node, refund)
    assert_paid_once(node, refund)


def test_while_the_node_is_away_it_waits(node, refund):
    node.process.script({"match": {"path": "/chain"}, "do": "status", "times": None})
    for _look in range(3):
        assert look(refund).status == "broadcasting"
    assert refund.note == "Base does not answer at the moment."
    node.process.clear_script()
    pay(node, refund)
    assert_paid_once(node, refund)


def test_an_account_that_was_emptied_says_so_and_nothing_is_lost(node, refund):
    node.fund(refund.payer, 10**12)
    look(refund)
    assert refund.status == "broadcasting"
    assert refund.note.startswith(f"The account {refund.payer} lacks 0.00")
    assert balance(refund) == 0
    node.fund(refund.payer, refund.most_wei)
    pay(node, refund)
    assert_paid_once(node, refund)
    assert refund.note == ""


def test_a_wallet_that_refuses_the_ether_has_its_cents_back_when_that_is_final(node, refund):
    node.rpc("anvil_setCode", refund.recipient, "0x5f5ffd")
    look(refund, "confirming")
    node.mine(6)
    assert look(refund).status == "confirming"
    assert "goes back to the balance" in refund.note
    assert balance(refund) == 0
    node.mine(6)
    look(refund, "failed")
    assert (balance(refund), received(node, refund.wallet)) == (400, 0)
    assert not refund.is_working
    assert "did not take the ETH" in refund.error
    assert refund.block_number is not None
    assert refund.url
    entry = Entry.objects.get(kind="adjustment")
    assert (entry.cents, entry.cause) == (400, f"reversal:payout:{refund.pk}")


def test_a_refusal_that_a_reorganisation_undoes_is_paid_after_all(node, refund):
    node.rpc("anvil_setCode", refund.recipient, "0x5f5ffd")
    look(refund, "confirming")
    node.mine(1)
    node.reorganise(2)
    node.rpc("anvil_setCode", refund.recipient, "0x")
    pay(node, refund)
    assert_paid_once(node, refund)


def test_a_nonce_that_is_taken_outside_gives_the_cents_back_when_that_is_final(
    node, refund, account
):
    node.mine(5)
    rival = node.send(account, to=NOBODY, nonce=refund.nonce)
    node.mine(6)
    for _look in range(2):
        look(refund)
        assert (refund.status, balance(refund)) == ("broadcasting", 0)
        assert "waiting until that is final" in refund.note
    node.mine(6)
    look(refund)
    assert (refund.status, balance(refund)) == ("failed", 400)
    assert refund.error.endswith(rival)
    assert (refund.is_working, refund.url) == (False, "")
    # What was signed can be sent by anybody; the chain does not take it any more.
    assert node.web3.eth.get_transaction_count(refund.payer) == refund.nonce + 1
    with pytest.raises(Exception, match="nonce too low"):
        node.web3.eth.send_raw_transaction(bytes(refund.raw))


def test_a_rival_that_a_reorganisation_drops_was_none(node, refund, account):
    node.send(account, to=NOBODY, nonce=refund.nonce)
    look(refund)
    assert "Another transaction" in refund.note
    node.reorganise(1)
    pay(node, refund)
    assert_paid_once(node, refund)


def test_a_rival_is_found_without_old_states_too(node, refund, account, monkeypatch):
    """The node has forgotten the accounts of old blocks, so these are read one by one."""
    monkeypatch.setattr("payments.refund_steps.BLOCKS_AT_ONCE", 4)
    node.mine(4)
    node.send(account, to=NOBODY, nonce=refund.nonce)
    node.mine(14)
    remembered = Chain.count

    def count(chain: Chain, payer: str, block_number: int) -> int:
        if block_number < node.height:
            raise StateForgotten
        return remembered(chain, payer, block_number)

    monkeypatch.setattr(Chain, "count", count)
    mark = refund.mark_block
    look(refund)
    assert (refund.status, refund.mark_block) == ("broadcasting", mark + 4)
    assert "looking for what has taken it" in refund.note
    look(refund, "failed")
    assert balance(refund) == 400


def test_a_node_that_does_not_show_what_it_counts_is_asked_again(node, refund, monkeypatch):
    """One of several nodes behind an address may lag: no receipt, but a higher count."""
    look(refund)
    node.mine(15)
    with monkeypatch.context() as lagging:
        lagging.setattr(Chain, "receipt", lambda *_: None)
        for _look in range(3):
            look(refund)
            assert (refund.status, balance(refund)) == ("broadcasting", 0)
        lagging.setattr(Chain, "sent", lambda *_: [])
        look(refund)
        assert (refund.status, balance(refund)) == ("broadcasting", 0)
    look(refund, "paid")
    assert_paid_once(node, refund)


@pytest.mark.parametrize("depth", [1, 3])
def test_a_reorganisation_before_it_is_confirmed_sends_it_again(node, refund, depth):
    look(refund, "confirming")
    node.mine(depth - 1)
    node.reorganise(depth)
    assert look(refund).status == "broadcasting"
    pay(node, refund)
    assert_paid_once(node, refund)


def test_a_reorganisation_after_it_was_paid_sends_it_again_and_is_loud(node, refund, caplog):
    pay(node, refund)
    node.reorganise(8)
    node.mine(12)
    assert look(refund).status == "broadcasting"
    assert "has dropped the block" in caplog.text
    pay(node, refund)
    assert_paid_once(node, refund)


def test_workers_that_die_do_not_end_it(node, refund, caplog):
    """Every other job fails then; of this one the chain may have the transaction."""
    Refund.objects.filter(pk=refund.pk).update(
        crashes=MAX_CRASHES, lease_ends_at=Now() - timedelta(seconds=1)
    )
    claimed = Refund.objects.claim(refund.pk)
    assert claimed is not None
    claimed.advance()
    refund.refresh_from_db()
    assert (refund.status, refund.is_working, balance(refund)) == ("broadcasting", True, 0)
    assert "does not go on" in caplog.text
    pay(node, refund)
    assert_paid_once(node, refund)


def test_a_bug_of_ours_does_not_end_it(node, refund, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("payments.refund_steps._send", lambda *_: 1 / 0)
        look(refund)
    assert (refund.status, refund.is_working, balance(refund)) == ("broadcasting", True, 0)
    pay(node, refund)
    assert_paid_once(node, refund)


def test_p07_it_is_not_sent_to_another_chain(node, refund, settings, monkeypatch):
    settings.CHAIN_ID = 84532
    look(refund)
    assert refund.note == "It is for another chain than the one of the settings."
    settings.CHAIN_ID = 8453
    assert sent_by(node, refund) == 0


def test_f08_a_worker_that_stalls_and_its_successor_pay_once(node, refund):
    make_due(refund)
    stalled = Refund.objects.claim(refund.pk)
    assert stalled is not None
    pay(node, refund)
    stalled.advance()
    refund.refresh_from_db()
    assert_paid_once(node, refund)
    assert statuses(refund) == ["confirming", "paid"]
