"""The sandbox's chain in a test's hands: accounts with ETH, transactions of every kind, blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import HTTPProvider, Web3

from sandbox.chain_accounts import ETHER, TREASURY
from sandbox.chain_contracts import FEED_ADDRESS
from tests.sandbox_process import SandboxProcess

GAS_PRICE = 3 * 10**9


class ChainNode:
    """Mines a block for every transaction before `send` returns, unless `automine` is off."""

    def __init__(self, process: SandboxProcess) -> None:
        self.process = process
        self.web3 = Web3(HTTPProvider(f"{process.url}/chain"))

    def rpc(self, method: str, *params: Any) -> Any:
        answer = self.web3.provider.make_request(method, list(params))
        assert "error" not in answer, answer
        return answer["result"]

    def mine(self, blocks: int = 1) -> None:
        self.rpc("anvil_mine", hex(blocks))

    def automine(self, on: bool) -> None:
        self.rpc("evm_setAutomine", on)

    def reorganise(self, depth: int) -> None:
        """Replace the newest blocks by empty ones."""
        self.rpc("anvil_reorg", depth, [])

    @property
    def height(self) -> int:
        return int(self.web3.eth.block_number)

    def funded(self, wei: int = ETHER) -> LocalAccount:
        """A new account that has some ETH, in a block that no reorganisation here undoes."""
        account: LocalAccount = Account.create()
        self.fund(account.address, wei)
        return account

    def fund(self, address: str, wei: int) -> None:
        self.rpc("anvil_setBalance", address, hex(wei))
        self.mine(12)

    def send(self, account: LocalAccount, **fields: Any) -> str:
        """Sign and send a transaction to the treasury unless told otherwise; returns its hash."""
        transaction = {
            "to": TREASURY.address,
            "value": 0,
            "gas": 21_000,
            "gasPrice": GAS_PRICE,
            "nonce": self.web3.eth.get_transaction_count(account.address, "pending"),
            "chainId": 8453,
            **fields,
        }
        if "maxFeePerGas" in transaction:
            del transaction["gasPrice"]
        if transaction["to"] is None:
            del transaction["to"]
        signed = account.sign_transaction(transaction)
        sent = self.web3.eth.send_raw_transaction(signed.raw_transaction)
        if "nonce" not in fields and self.rpc("anvil_getAutomine"):
            # Its answer comes before its block; on a busy machine so does the next transaction.
            self.web3.eth.wait_for_transaction_receipt(sent, timeout=20, poll_latency=0.005)
        return sent.to_0x_hex()

    def pay(self, account: LocalAccount, wei: int, **fields: Any) -> str:
        return self.send(account, value=wei, **fields)

    def set_feed(self, slot: int, value: int) -> None:
        """Write a slot of the price feed: 0 the answer, 1 its moment, 2 the round."""
        self.rpc("anvil_setStorageAt", FEED_ADDRESS, hex(slot), f"0x{value % 2**256:064x}")
        self.mine()


@contextmanager
def quiet_sandbox(folder: Path) -> Iterator[SandboxProcess]:
    """A sandbox whose chain makes blocks only when a test wants them."""
    with SandboxProcess(folder, block_in=0) as process:
        # The first block has no moment, which the price would be of.
        ChainNode(process).mine()
        yield process


@contextmanager
def connected(process: SandboxProcess, settings: Any) -> Iterator[ChainNode]:
    """The chain of the settings; it behaves before the test and after it."""
    settings.SANDBOX_URL = process.url
    settings.CHAIN_RPC_URL = f"{process.url}/chain"
    settings.TREASURY = TREASURY.address
    settings.CONFIRMATIONS = 5
    process.clear_script()
    yield ChainNode(process)
    process.clear_script()
