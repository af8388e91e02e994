"""Contract wallets on a real chain (anvil): deployed (EIP-1271), and not yet (EIP-6492)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.test import Client
from eth_abi import encode
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from siwe import EIP6492_MAGIC_SUFFIX

from sandbox.chain_accounts import DEMO_ACCOUNTS
from sandbox.chain_contracts import (
    CONTRACT_WALLET,
    CONTRACTS,
    LARGE_ANSWER_WALLET,
    LOOPING_WALLET,
    REVERTING_WALLET,
    WRONG_MAGIC_WALLET,
)
from tests.sandbox_process import SandboxProcess
from tests.wallets.signing import ask, is_signed_in, new_account, sign, verify

pytestmark = pytest.mark.django_db

OWNER = Account.from_key(DEMO_ACCOUNTS[0].key)
FACTORY = "0x6492000000000000000000000000000000000001"
DEPLOY_CALLDATA = bytes.fromhex("365f5f37" + "5f365f5ff5" + "00")
"""CREATE2 of what it is called with, without salt: CALLDATACOPY, CREATE2, STOP."""


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a sandbox's chain, with a factory on it."""
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as process:
        url = f"{process.url}/chain"
        call(url, "anvil_setCode", FACTORY, f"0x{DEPLOY_CALLDATA.hex()}")
        yield url


@pytest.fixture(autouse=True)
def on_chain(settings: Any, chain: str) -> None:
    settings.CHAIN_RPC_URL = chain


def call(url: str, method: str, *params: Any) -> Any:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx.post(url, json=request).json()["result"]


def wallet_of(owner: str) -> tuple[str, bytes]:
    """Where the factory would put a wallet of this owner, and what it must be called with."""
    (code,) = [contract.code for contract in CONTRACTS if contract.address == CONTRACT_WALLET]
    # PUSH20 owner, SSTORE in slot 0; then CODECOPY and RETURN what follows these 33 bytes.
    constructor = bytes.fromhex(f"73{owner[2:]}5f55" + f"61{len(code):04x}8060215f395ff3")
    assert len(constructor) == 33
    calldata = constructor + code
    digest = keccak(b"\xff" + bytes.fromhex(FACTORY[2:]) + bytes(32) + keccak(calldata))
    return to_checksum_address(digest[12:]), calldata


def undeployed(calldata: bytes, signature: str, *, factory: str = FACTORY) -> str:
    """An EIP-6492 signature."""
    inner = bytes.fromhex(signature[2:])
    wrapped = encode(["address", "bytes", "bytes"], [factory, calldata, inner])
    return f"0x{wrapped.hex()}{EIP6492_MAGIC_SUFFIX}"


def test_w2_the_owner_of_a_contract_wallet_signs_in_as_the_contract(client: Client) -> None:
    challenge = ask(client, CONTRACT_WALLET)
    assert verify(client, challenge, sign(OWNER, challenge["text"])).status_code == 200
    address = client.get("/wallet").context["request"].user.address
    assert address == to_checksum_address(CONTRACT_WALLET)


def test_w18_somebody_who_does_not_own_it_on_base_does_not(client: Client) -> None:
    challenge = ask(client, CONTRACT_WALLET)
    assert verify(client, challenge, sign(new_account(), challenge["text"])).status_code == 401
    assert not is_signed_in(client)


def test_w10_a_signature_of_the_owner_over_another_text_does_not(client: Client) -> None:
    challenge = ask(client, CONTRACT_WALLET)
    assert verify(client, challenge, sign(OWNER, "hello")).status_code == 401


@pytest.mark.parametrize(
    ("contract", "status"),
    [
        # anvil calls a contract that burns all its gas an error of its own.
        (LOOPING_WALLET, 503),
        (REVERTING_WALLET, 401),
        (WRONG_MAGIC_WALLET, 401),
        (LARGE_ANSWER_WALLET, 401),
    ],
    ids=["loops", "reverts", "wrong magic", "1 MB"],
)
def test_w19_a_hostile_contract_is_refused_within_three_seconds(client, contract, status):
    challenge = ask(client, contract)
    began = time.monotonic()
    response = verify(client, challenge, sign(OWNER, challenge["text"]))
    assert time.monotonic() - began < 3
    assert response.status_code == status
    assert response.has_header("Retry-After") == (status == 503)
    assert not is_signed_in(client)


def test_w2_a_wallet_that_is_not_deployed_yet_signs_in_and_stays_undeployed(client, chain):
    owner = new_account()
    address, calldata = wallet_of(owner.address)
    challenge = ask(client, address)
    signature = undeployed(calldata, sign(owner, challenge["text"]))
    assert verify(client, challenge, signature).status_code == 200
    assert client.get("/wallet").context["request"].user.address == address
    assert call(chain, "eth_getCode", address, "latest") == "0x"


def test_w2_a_wallet_that_is_not_deployed_yet_is_still_its_owners(client):
    owner, other = new_account(), new_account()
    address, calldata = wallet_of(owner.address)
    challenge = ask(client, address)
    signature = undeployed(calldata, sign(other, challenge["text"]))
    assert verify(client, challenge, signature).status_code == 401


def test_w2_a_factory_that_makes_another_wallet_proves_nothing(client):
    owner, other = new_account(), new_account()
    address, _ = wallet_of(owner.address)
    _, calldata_of_other = wallet_of(other.address)
    challenge = ask(client, address)
    signature = undeployed(calldata_of_other, sign(other, challenge["text"]))
    assert verify(client, challenge, signature).status_code == 401


@pytest.mark.parametrize("factory", [REVERTING_WALLET, WRONG_MAGIC_WALLET, "0x" + "12" * 20])
def test_w19_a_factory_that_does_not_work_proves_nothing(client, factory):
    owner = new_account()
    address, calldata = wallet_of(owner.address)
    challenge = ask(client, address)
    signature = undeployed(calldata, sign(owner, challenge["text"]), factory=factory)
    assert verify(client, challenge, signature).status_code == 401


def test_w11_an_address_without_code_and_a_foreign_signature_is_nobody(client):
    challenge = ask(client, new_account().address)
    assert verify(client, challenge, sign(OWNER, challenge["text"])).status_code == 401
