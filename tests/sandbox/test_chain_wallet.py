from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from web3 import HTTPProvider, Web3

from sandbox.chain_accounts import DEMO_ACCOUNTS, TREASURY
from tests.sandbox_process import SandboxProcess

ADA, BEN, _, DOT = (account.address for account in DEMO_ACCOUNTS)


class DemoWallet:
    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, method: str, *params: Any, account: str | None = None) -> Any:
        body = {"method": method, "params": list(params), "account": account}
        return self.post(body)["result"]

    def error(self, method: str, *params: Any, account: str | None = None) -> int:
        body = {"method": method, "params": list(params), "account": account}
        error = self.post(body)["error"]
        assert error["message"]
        code: int = error["code"]
        return code

    def post(self, body: Any) -> Any:
        return httpx.post(f"{self.url}/sandbox/wallet", json=body).raise_for_status().json()


@pytest.fixture
def wallet(well_behaved: SandboxProcess) -> DemoWallet:
    return DemoWallet(well_behaved.url)


@pytest.fixture
def web3(well_behaved: SandboxProcess) -> Web3:
    return Web3(HTTPProvider(f"{well_behaved.url}/chain", request_kwargs={"timeout": 10}))


def transfer(sender: str, wei: int = 10**15, **more: Any) -> dict[str, Any]:
    return {"from": sender, "to": TREASURY.address, "value": hex(wei)} | more


def test_it_shares_the_chosen_account_and_the_chain(wallet: DemoWallet):
    assert wallet("eth_requestAccounts") == wallet("eth_accounts") == [ADA]
    assert wallet("eth_accounts", account=BEN.lower()) == [BEN]
    assert wallet("eth_chainId") == "0x2105"


@pytest.mark.parametrize("message", ["0x68c3a9", "hé"])
def test_it_signs_a_message_with_the_chosen_account(wallet: DemoWallet, message: str):
    signature = wallet("personal_sign", message, BEN, account=BEN)

    assert Account.recover_message(encode_defunct(text="hé"), signature=signature) == BEN


def test_it_signs_only_for_the_account_that_is_chosen(wallet: DemoWallet):
    assert wallet.error("personal_sign", "0x00", BEN) == 4100
    assert wallet.error("eth_sendTransaction", transfer(BEN)) == 4100
    assert wallet.error("eth_accounts", account=TREASURY.address) == 4100


def test_a_transfer_is_broadcast_and_mined(wallet: DemoWallet, web3: Web3):
    sent = wallet("eth_sendTransaction", transfer(ADA, 123_456_789, chainId="0x2105"))
    receipt = web3.eth.wait_for_transaction_receipt(sent, timeout=15, poll_latency=0.1)
    transaction = web3.eth.get_transaction(sent)

    assert receipt["status"] == 1
    assert (transaction["from"], transaction["to"]) == (ADA, TREASURY.address)
    assert (transaction["value"], bytes(transaction["input"])) == (123_456_789, b"")


def test_transfers_at_the_same_moment_do_not_get_in_each_others_way(wallet: DemoWallet, web3: Web3):
    def send(_: int) -> Any:
        return wallet("eth_sendTransaction", transfer(BEN), account=BEN)

    with ThreadPoolExecutor(5) as tabs:
        sent = set(tabs.map(send, range(5)))
    receipts = [
        web3.eth.wait_for_transaction_receipt(h, timeout=15, poll_latency=0.1) for h in sent
    ]

    assert len(receipts) == 5
    assert {receipt["status"] for receipt in receipts} == {1}


def test_a_contract_can_be_made(wallet: DemoWallet, web3: Web3):
    sent = wallet("eth_sendTransaction", {"from": ADA, "data": "0x6001600c60003960016000f300"})
    receipt = web3.eth.wait_for_transaction_receipt(sent, timeout=15, poll_latency=0.1)

    assert receipt["to"] is None
    assert bytes(web3.eth.get_code(receipt["contractAddress"])) == b"\0"


def test_who_has_too_little_is_told_so(wallet: DemoWallet, web3: Web3):
    everything = web3.eth.get_balance(web3.to_checksum_address(DOT))

    for wei in (everything + 1, everything):
        assert wallet.error("eth_sendTransaction", transfer(DOT, wei), account=DOT) == -32000


def test_a_transfer_that_a_contract_refuses_is_not_sent(wallet: DemoWallet):
    refusing = "0x1271000000000000000000000000000000000003"

    assert wallet.error("eth_sendTransaction", transfer(ADA) | {"to": refusing}) == 3


def test_a_transfer_with_a_gas_limit_is_sent_and_may_fail(wallet: DemoWallet, web3: Web3):
    refusing = "0x1271000000000000000000000000000000000003"
    sent = wallet("eth_sendTransaction", transfer(ADA) | {"to": refusing, "gas": "0x186a0"})

    assert web3.eth.wait_for_transaction_receipt(sent, timeout=15)["status"] == 0


def test_it_knows_one_chain(wallet: DemoWallet):
    for method in ("wallet_switchEthereumChain", "wallet_addEthereumChain"):
        assert wallet(method, {"chainId": "0x2105"}) is None
        assert wallet.error(method, {"chainId": "0x1"}) == 4902
    assert wallet.error("eth_sendTransaction", transfer(ADA, chainId="0x1")) == 4901


@pytest.mark.parametrize("method", ["eth_sign", "eth_getBalance", "anvil_setBalance", ""])
def test_it_supports_no_other_method(wallet: DemoWallet, method: str):
    assert wallet.error(method) == 4200


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("personal_sign", []),
        ("personal_sign", [7, ADA]),
        ("eth_sendTransaction", []),
        ("eth_sendTransaction", ["x"]),
        ("eth_sendTransaction", [transfer(ADA) | {"value": "12"}]),
        ("eth_sendTransaction", [transfer(ADA) | {"value": "0x" + "f" * 65}]),
        ("eth_sendTransaction", [transfer(ADA) | {"value": "0x-1"}]),
        ("eth_sendTransaction", [transfer(ADA) | {"to": "0x1234"}]),
        ("eth_sendTransaction", [transfer(ADA) | {"to": "Ada, please"}]),
        ("eth_sendTransaction", [transfer(ADA) | {"data": 5}]),
        ("eth_sendTransaction", [transfer(ADA) | {"gas": 21000}]),
        ("wallet_switchEthereumChain", [{}]),
    ],
)
def test_parameters_that_make_no_sense_are_refused(
    wallet: DemoWallet, method: str, params: list[Any]
):
    assert wallet.error(method, *params) == -32602


def test_a_request_that_is_no_request_is_refused(wallet: DemoWallet):
    assert wallet.post([])["error"]["code"] == -32600
    assert wallet.post({"method": "eth_accounts", "params": {}})["error"]["code"] == -32602
    assert wallet.post({"method": ["eth_accounts"]})["error"]["code"] == 4200
    assert httpx.post(f"{wallet.url}/sandbox/wallet", content=b"{").status_code == 400
