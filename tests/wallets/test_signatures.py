"""Which signatures count: ordinary accounts without the chain, contract wallets by asking it."""

from __future__ import annotations

import time

import pytest
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_keys.constants import SECPK1_N
from eth_utils.crypto import keccak
from siwe import EIP6492_MAGIC_SUFFIX

from tests.processes import free_port
from tests.wallets.fake_node import MAGIC
from tests.wallets.signing import new_account, sign
from wallets.signatures import CALL_GAS, BadSignature, NodeUnavailable, check_signature

TEXT = "localhost:8000 wants you to sign in with your Ethereum account: ..."
CONTRACT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
CHAIN_ID = 8453
REVERTED = {"error": {"code": 3, "message": "execution reverted", "data": "0x"}}
NOTHING_THERE = {"result": "0x"}


def check(address: str, signature: str, text: str = TEXT) -> None:
    check_signature(address, text, signature, chain_id=CHAIN_ID)


def other_form(signature: str, *, v: int = 0, high_s: bool = False) -> str:
    """The same signature with another last byte, or with the high s of EIP-2's twin."""
    raw = bytes.fromhex(signature[2:])
    s = int.from_bytes(raw[32:64])
    if high_s:
        s, v = SECPK1_N - s, 27 + 28 - raw[64]
    return "0x" + (raw[:32] + s.to_bytes(32) + bytes([v])).hex()


def test_an_ordinary_account_is_checked_without_the_chain(settings):
    settings.CHAIN_RPC_URL = f"http://127.0.0.1:{free_port()}"
    account = new_account()
    check(account.address, sign(account, TEXT))


def test_ledgers_v_of_0_and_1_is_a_signature_too(settings):
    settings.CHAIN_RPC_URL = f"http://127.0.0.1:{free_port()}"
    account = new_account()
    signature = sign(account, TEXT)
    check(account.address, other_form(signature, v=int(signature[-2:], 16) - 27))


def test_w10_a_signature_over_any_other_text_is_refused(node):
    node.call = lambda call: NOTHING_THERE
    account = new_account()
    with pytest.raises(BadSignature):
        check(account.address, sign(account, "hello"))


def test_w11_a_signature_of_another_account_is_refused(node):
    node.call = lambda call: NOTHING_THERE
    with pytest.raises(BadSignature):
        check(new_account().address, sign(new_account(), TEXT))


def test_w11_a_raw_hash_that_eth_sign_signed_is_refused(node):
    node.call = lambda call: NOTHING_THERE
    account = new_account()
    raw = account.unsafe_sign_hash(keccak(text=TEXT)).signature.to_0x_hex()
    with pytest.raises(BadSignature):
        check(account.address, raw)


def test_w11_typed_data_is_refused(node):
    node.call = lambda call: NOTHING_THERE
    account = new_account()
    typed = encode_typed_data(
        {"name": "x"}, {"Text": [{"name": "text", "type": "string"}]}, {"text": TEXT}
    )
    with pytest.raises(BadSignature):
        check(account.address, Account.sign_message(typed, account.key).signature.to_0x_hex())


@pytest.mark.parametrize(
    "signature",
    [
        "0x",
        "0x00",
        "0x" + "00" * 65,
        "0x" + "ff" * 65,
        "0x" + "00" * 64,
        "0x" + "11" * 64 + "1b",
        "0x" + "11" * 5000,
        "0x" + EIP6492_MAGIC_SUFFIX,
        "0x" + "ff" * 96 + EIP6492_MAGIC_SUFFIX,
    ],
    ids=lambda signature: f"{len(signature)} characters {signature[:6]}",
)
@pytest.mark.parametrize("answer", [NOTHING_THERE, REVERTED, {"result": "0x00"}])
def test_d3_bytes_that_are_no_signature_are_refused_and_break_nothing(node, signature, answer):
    node.call = lambda call: answer
    with pytest.raises(BadSignature):
        check(CONTRACT, signature)


def test_d3_the_twin_with_the_high_s_is_refused(node):
    node.call = lambda call: NOTHING_THERE
    account = new_account()
    signature = sign(account, TEXT)
    twin = other_form(signature, high_s=True)
    assert Account.recover_message(encode_defunct(text=TEXT), signature=twin) == account.address
    with pytest.raises(BadSignature):
        check(account.address, twin)


def test_w2_a_contract_that_says_yes_is_believed(node):
    check(CONTRACT, "0x1234")
    assert [method for method, _ in node.asked] == ["eth_chainId", "eth_call"]
    (call,) = node.calls
    assert call["to"].lower() == CONTRACT.lower()
    assert call["data"].startswith("0x1626ba7e")


def test_w2_a_wallet_that_is_not_deployed_yet_is_asked_through_a_validator(node):
    node.call = lambda call: {"result": "0x01"}
    check(CONTRACT, "0x1234" + EIP6492_MAGIC_SUFFIX)
    (call,) = node.calls
    assert "to" not in call


@pytest.mark.parametrize(
    "answer",
    [
        {"result": "0xffffffff" + "00" * 28},
        {"result": "0x" + "00" * 32},
        {"result": MAGIC[:10]},
        {"result": "0x" + "ff" * 64},
        NOTHING_THERE,
        REVERTED,
        {"error": {"code": -32000, "message": "out of gas"}},
        {"error": {"code": -32003, "message": "EVM error OutOfGas"}},
        {"result": "0x" + "11" * 1_000_000},
    ],
    ids=["wrong magic", "zero", "short", "ones", "nothing", "revert", "gas", "anvil's gas", "1 MB"],
)
def test_w19_whatever_a_hostile_contract_answers_it_is_a_bad_signature(node, answer):
    node.call = lambda call: answer
    with pytest.raises(BadSignature):
        check(CONTRACT, "0x1234")


@pytest.mark.parametrize("signature", ["0x1234", "0x1234" + EIP6492_MAGIC_SUFFIX])
def test_w19_a_contract_may_not_burn_more_gas_than_a_wallet_needs(node, signature):
    node.call = lambda call: {"result": "0x"}
    with pytest.raises(BadSignature):
        check(CONTRACT, signature)
    assert [int(call["gas"], 16) for call in node.calls] == [CALL_GAS]


def test_w19_a_contract_cannot_send_us_to_an_address_of_its_own(node, monkeypatch):
    """EIP-3668: a revert may name an address to ask, and web3 would ask it."""
    followed = []
    monkeypatch.setattr(
        "web3.eth.eth.handle_offchain_lookup", lambda *args, **_: followed.append(args)
    )
    types = ["address", "string[]", "bytes", "bytes4", "bytes"]
    lookup = encode(types, [CONTRACT, ["https://example.com/{sender}"], b"", b"1234", b""]).hex()
    revert = {"code": 3, "message": "execution reverted", "data": "0x556f1830" + lookup}
    node.call = lambda call: {"error": revert}
    with pytest.raises(BadSignature):
        check(CONTRACT, "0x1234")
    assert followed == []


@pytest.mark.parametrize(
    "answer",
    [
        500,
        429,
        302,
        b"<html>Bad gateway</html>",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        {"error": {"code": -32005, "message": "limit exceeded"}},
        {"error": {"code": -32603, "message": "internal error"}},
        {"error": "busy"},
    ],
)
def test_w19_a_node_that_is_in_trouble_says_nothing_about_the_signature(node, answer):
    node.call = lambda call: answer
    with pytest.raises(NodeUnavailable):
        check(CONTRACT, "0x1234")


def test_w19_a_node_that_is_away_says_nothing_about_the_signature(settings):
    settings.CHAIN_RPC_URL = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(NodeUnavailable):
        check(CONTRACT, "0x1234")


def test_w19_a_node_that_never_answers_is_left_within_three_seconds(node):
    node.call = lambda call: None
    began = time.monotonic()
    with pytest.raises(NodeUnavailable):
        check(CONTRACT, "0x1234")
    assert time.monotonic() - began < 3


def test_w18_a_node_of_another_chain_is_not_asked_about_signatures(node):
    node.chain_id = 1
    with pytest.raises(NodeUnavailable):
        check(CONTRACT, "0x1234")
    assert node.calls == []
