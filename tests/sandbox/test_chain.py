"""Unmodified web3 is the client."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import HTTPProvider, Web3
from web3.exceptions import TransactionNotFound

from sandbox.chain_accounts import DEMO_ACCOUNTS, TREASURY
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def web3(well_behaved: SandboxProcess) -> Web3:
    return Web3(HTTPProvider(f"{well_behaved.url}/chain", request_kwargs={"timeout": 10}))


def rpc(web3: Web3, method: str, *params: Any) -> Any:
    answer = web3.provider.make_request(method, list(params))
    assert "error" not in answer, answer
    return answer["result"]


def until(true: Callable[[], bool], within: float = 15) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def payer(web3: Web3) -> LocalAccount:
    account: LocalAccount = Account.create()
    rpc(web3, "anvil_setBalance", account.address, hex(web3.to_wei(1, "ether")))
    return account


def pay(web3: Web3, payer: LocalAccount, wei: int) -> Any:
    transaction = {
        "to": TREASURY.address,
        "value": wei,
        "gas": 21_000,
        "maxFeePerGas": 3 * 10**9,
        "maxPriorityFeePerGas": 10**6,
        "nonce": web3.eth.get_transaction_count(payer.address),
        "chainId": web3.eth.chain_id,
    }
    return web3.eth.send_raw_transaction(payer.sign_transaction(transaction).raw_transaction)


def test_the_chain_says_that_it_is_base(web3: Web3):
    assert web3.eth.chain_id == 8453
    assert web3.net.version == "8453"


def test_blocks_come_by_themselves(web3: Web3):
    before = web3.eth.block_number

    until(lambda: web3.eth.block_number >= before + 2)


def test_a_transfer_is_mined_and_read_back(web3: Web3, payer: LocalAccount):
    wei = 1_176_470_588_235_295
    treasury_before = web3.eth.get_balance(TREASURY.address)
    sent = pay(web3, payer, wei)
    receipt = web3.eth.wait_for_transaction_receipt(sent, timeout=15, poll_latency=0.1)
    transaction = web3.eth.get_transaction(sent)

    assert receipt["status"] == 1
    assert (transaction["from"], transaction["to"]) == (payer.address, TREASURY.address)
    assert (transaction["value"], transaction["chainId"]) == (wei, 8453)
    assert web3.eth.get_block(receipt["blockNumber"])["hash"] == receipt["blockHash"]
    assert web3.eth.get_balance(TREASURY.address) == treasury_before + wei


def test_safe_and_finalized_follow_the_newest_block(web3: Web3):
    rpc(web3, "anvil_mine", hex(10))
    newest = web3.eth.get_block("latest")["number"]

    assert 0 < newest - web3.eth.get_block("safe")["number"] <= 5
    assert 4 < newest - web3.eth.get_block("finalized")["number"] <= 9


def test_a_transfer_can_be_undone_by_a_reorganisation(web3: Web3, payer: LocalAccount):
    rpc(web3, "anvil_mine", hex(5))
    sent = pay(web3, payer, 10**15)
    web3.eth.wait_for_transaction_receipt(sent, timeout=15, poll_latency=0.1)
    depth = web3.eth.block_number - web3.eth.get_transaction(sent)["blockNumber"] + 1
    rpc(web3, "anvil_reorg", depth, [])

    with pytest.raises(TransactionNotFound):
        web3.eth.get_transaction_receipt(sent)


def test_an_unknown_transaction_is_not_found(web3: Web3):
    with pytest.raises(TransactionNotFound):
        web3.eth.get_transaction("0x" + "ab" * 32)


def test_several_questions_can_be_asked_in_one_request(web3: Web3):
    with web3.batch_requests() as batch:
        batch.add(web3.eth.get_balance(TREASURY.address))
        batch.add(web3.eth.get_block("latest"))
        balance, block = batch.execute()

    assert balance == web3.eth.get_balance(TREASURY.address)
    assert block["number"] > 0


def test_the_node_holds_no_keys_of_its_own(web3: Web3):
    transaction = {"from": DEMO_ACCOUNTS[0].address, "to": TREASURY.address, "value": "0x1"}
    answer = web3.provider.make_request("eth_sendTransaction", [transaction])

    assert web3.eth.accounts == []
    assert "error" in answer


def test_what_is_no_json_gets_the_error_of_a_node(well_behaved: SandboxProcess):
    answer = httpx.post(f"{well_behaved.url}/chain", content=b"{")

    assert answer.status_code < 500
    assert "error" in answer.json()
    assert httpx.get(f"{well_behaved.url}/chain").status_code == 405


def test_every_address_belongs_to_its_key(web3: Web3):
    for account in (*DEMO_ACCOUNTS, TREASURY):
        assert Account.from_key(account.key).address == account.address
    for account in DEMO_ACCOUNTS:
        assert web3.eth.get_balance(account.address) > 0


def test_the_list_of_accounts_holds_no_key(well_behaved: SandboxProcess):
    answer = httpx.get(f"{well_behaved.url}/sandbox/accounts")
    listed = answer.json()

    assert [entry["address"] for entry in listed["accounts"]] == [a.address for a in DEMO_ACCOUNTS]
    assert (listed["treasury"], listed["chain_id"]) == (TREASURY.address, 8453)
    assert len(listed["accounts"]) >= 3
    for account in (*DEMO_ACCOUNTS, TREASURY):
        assert account.key.hex() not in answer.text.lower()
