from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_defunct
from siwe import InvalidSignature, SiweMessage
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.exceptions import ContractLogicError, Web3RPCError

from sandbox import chain_contracts
from sandbox.chain_assembly import assemble
from sandbox.chain_contracts import FEED_ADDRESS, FEED_ANSWER_SLOT, FEED_UPDATED_AT_SLOT
from tests.sandbox_process import SandboxProcess

MAGIC = bytes.fromhex("1626ba7e")
FEED_ABI = [
    {
        "type": "function",
        "name": name,
        "inputs": [],
        "stateMutability": "view",
        "outputs": [{"type": kind, "name": ""} for kind in kinds],
    }
    for name, kinds in {
        "latestRoundData": ["uint80", "int256", "uint256", "uint256", "uint80"],
        "decimals": ["uint8"],
        "description": ["string"],
        "version": ["uint256"],
    }.items()
]
WALLET_ABI = [
    {
        "type": "function",
        "name": "isValidSignature",
        "inputs": [{"type": "bytes32", "name": "hash"}, {"type": "bytes", "name": "signature"}],
        "stateMutability": "view",
        "outputs": [{"type": "bytes4", "name": ""}],
    }
]


@pytest.fixture
def web3(well_behaved: SandboxProcess) -> Web3:
    return Web3(HTTPProvider(f"{well_behaved.url}/chain", request_kwargs={"timeout": 10}))


@pytest.fixture
def feed(web3: Web3) -> Iterator[Contract]:
    """The price feed; what a test writes into it is taken back."""
    yield web3.eth.contract(web3.to_checksum_address(FEED_ADDRESS), abi=FEED_ABI)
    write(web3, FEED_ADDRESS, FEED_ANSWER_SLOT, chain_contracts.PRICE_USD * 10**8)
    write(web3, FEED_ADDRESS, FEED_UPDATED_AT_SLOT, 0)


def write(web3: Web3, address: str, slot: int, value: int) -> None:
    params = [address, hex(slot), f"0x{value % 2**256:064x}"]
    assert web3.provider.make_request("anvil_setStorageAt", params)["result"] is True


def signed_by_first_demo_account(sandbox: SandboxProcess, text: str) -> bytes:
    account = chain_contracts.DEMO_ACCOUNTS[0].address
    body = {"method": "personal_sign", "params": [f"0x{text.encode().hex()}", account]}
    answer = httpx.post(f"{sandbox.url}/sandbox/wallet", json=body)
    return bytes.fromhex(answer.json()["result"][2:])


def hash_of(text: str) -> bytes:
    return bytes(_hash_eip191_message(encode_defunct(text=text)))


def ask(web3: Web3, wallet: str, digest: bytes, signature: bytes) -> Any:
    contract = web3.eth.contract(web3.to_checksum_address(wallet), abi=WALLET_ABI)
    return contract.functions.isValidSignature(digest, signature).call()


def test_the_feed_tells_a_fresh_price_of_ether_in_dollars(web3: Web3, feed: Contract):
    round_id, answer, started_at, updated_at, answered_in = feed.functions.latestRoundData().call()

    assert feed.functions.description().call() == "ETH / USD"
    assert feed.functions.decimals().call() == 8
    assert answer == 3400 * 10**8
    assert started_at == updated_at
    assert abs(updated_at - datetime.now(UTC).timestamp()) < 1800
    assert round_id == answered_in > 2**64


def test_a_test_can_make_the_feed_stale_or_absurd(web3: Web3, feed: Contract):
    write(web3, FEED_ADDRESS, FEED_UPDATED_AT_SLOT, 1_700_000_000)
    write(web3, FEED_ADDRESS, FEED_ANSWER_SLOT, -5)

    assert feed.functions.latestRoundData().call()[1:4] == [-5, 1_700_000_000, 1_700_000_000]


def test_the_feed_does_nothing_else(feed: Contract):
    with pytest.raises(ContractLogicError):
        feed.functions.version().call()


def test_a_contract_wallet_accepts_its_owner_and_nobody_else(
    web3: Web3, well_behaved: SandboxProcess
):
    wallet = chain_contracts.CONTRACT_WALLET
    owners = signed_by_first_demo_account(well_behaved, "hello")
    strangers = Account.create().sign_message(encode_defunct(text="hello")).signature

    assert ask(web3, wallet, hash_of("hello"), owners) == MAGIC
    assert ask(web3, wallet, hash_of("hello"), strangers) == b"\xff" * 4
    assert ask(web3, wallet, hash_of("other"), owners) == b"\xff" * 4
    assert ask(web3, wallet, hash_of("hello"), b"") == b"\xff" * 4


def test_sign_in_with_ethereum_knows_the_contract_wallet(web3: Web3, well_behaved: SandboxProcess):
    message = SiweMessage(
        domain="localhost:8000",
        address=web3.to_checksum_address(chain_contracts.CONTRACT_WALLET),
        uri="http://localhost:8000/connect",
        version="1",
        chain_id=8453,
        nonce="abcdef1234567890",
        issued_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    )
    signature = signed_by_first_demo_account(well_behaved, message.prepare_message())
    forged = Account.create().sign_message(encode_defunct(text=message.prepare_message()))
    provider = HTTPProvider(f"{well_behaved.url}/chain")

    message.verify(f"0x{signature.hex()}", provider=provider)
    with pytest.raises(InvalidSignature):
        message.verify(f"0x{forged.signature.hex()}", provider=provider)


def test_there_are_wallets_that_loop_revert_lie_and_ramble(web3: Web3):
    with pytest.raises((Web3RPCError, ContractLogicError)):
        ask(web3, chain_contracts.LOOPING_WALLET, bytes(32), b"")
    with pytest.raises(ContractLogicError):
        ask(web3, chain_contracts.REVERTING_WALLET, bytes(32), b"")
    for wallet, size in (
        (chain_contracts.WRONG_MAGIC_WALLET, 32),
        (chain_contracts.LARGE_ANSWER_WALLET, 2**20),
    ):
        answer = bytes(web3.eth.call({"to": web3.to_checksum_address(wallet)}))
        assert len(answer) == size
        assert not answer.startswith(MAGIC)


def test_the_addresses_are_written_with_their_checksums():
    for contract in chain_contracts.CONTRACTS:
        assert Web3.to_checksum_address(contract.address) == contract.address


def test_the_assembler_fills_in_places_before_and_after():
    assert assemble("again: @again JUMP ; for ever").hex() == "5b61000056"
    assert assemble("PUSH 0 @end JUMPI end: PUSH 0x1234 STOP").hex() == "6000610006575b61123400"


@pytest.mark.parametrize("listing", ["FLY", "@nowhere JUMP"])
def test_the_assembler_refuses_what_it_does_not_know(listing: str):
    with pytest.raises(KeyError):
        assemble(listing)
