"""The chain goes on after every way of ending."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from web3 import HTTPProvider, Web3

from sandbox import chain_node
from sandbox.chain_accounts import DEMO_ACCOUNTS, TREASURY
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path / "sandbox", block_in=0.2) as process:
        yield process


@pytest.fixture
def web3(sandbox: SandboxProcess) -> Web3:
    return Web3(HTTPProvider(f"{sandbox.url}/chain", request_kwargs={"timeout": 15}))


def until(true: Callable[[], Any], within: float = 20) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def paid(sandbox: SandboxProcess, web3: Web3) -> Any:
    """Pay 5 wei and return the receipt."""
    transaction = {"from": DEMO_ACCOUNTS[0].address, "to": TREASURY.address, "value": "0x5"}
    body = {"method": "eth_sendTransaction", "params": [transaction]}
    sent = httpx.post(f"{sandbox.url}/sandbox/wallet", json=body, timeout=15).json()["result"]
    return web3.eth.wait_for_transaction_receipt(sent, timeout=15, poll_latency=0.1)


def saved(sandbox: SandboxProcess) -> float:
    file = sandbox.var / "chain" / "state.json.gz"
    return file.stat().st_mtime if file.exists() else 0


def node_of(sandbox: SandboxProcess) -> psutil.Process:
    assert sandbox.process
    (node,) = psutil.Process(sandbox.process.pid).children()
    assert node.name() == "anvil"
    return node


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_stopped_chain_goes_on_where_it_was(sandbox: SandboxProcess, web3: Web3):
    receipt = paid(sandbox, web3)
    before = web3.eth.block_number
    balance = web3.eth.get_balance(DEMO_ACCOUNTS[0].address)
    node = node_of(sandbox)
    sandbox.stop()
    assert gone(node)
    sandbox.start()

    assert web3.eth.block_number >= before
    assert web3.eth.get_transaction_receipt(receipt["transactionHash"]) == receipt
    assert web3.eth.get_block(receipt["blockNumber"])["hash"] == receipt["blockHash"]
    assert web3.eth.get_balance(TREASURY.address) == TREASURY.balance + 5
    assert web3.eth.get_balance(DEMO_ACCOUNTS[0].address) == balance
    assert paid(sandbox, web3)["blockNumber"] > before


def test_a_killed_sandbox_takes_its_node_along_and_loses_seconds_at_most(
    sandbox: SandboxProcess, web3: Web3
):
    receipt = paid(sandbox, web3)
    earlier = saved(sandbox)
    # The save that began after the payment holds it, so the second one from now surely does.
    until(lambda: saved(sandbox) > earlier)
    later = saved(sandbox)
    until(lambda: saved(sandbox) > later)
    node = node_of(sandbox)
    sandbox.kill()
    until(lambda: gone(node))
    sandbox.start()

    assert web3.eth.get_transaction_receipt(receipt["transactionHash"]) == receipt
    assert web3.eth.get_balance(TREASURY.address) == TREASURY.balance + 5


def test_a_node_that_ends_by_itself_is_started_again(sandbox: SandboxProcess, web3: Web3):
    until(lambda: saved(sandbox))
    before = node_of(sandbox)
    before.kill()
    until(lambda: gone(before))

    assert web3.eth.chain_id == 8453
    assert node_of(sandbox).pid != before.pid
    assert paid(sandbox, web3)["status"] == 1


def test_a_price_that_was_set_survives_a_restart(sandbox: SandboxProcess, web3: Web3):
    slot = [chain_node.FEED_ADDRESS, "0x0", f"0x{12_345:064x}"]
    web3.provider.make_request("anvil_setStorageAt", slot)
    sandbox.restart()

    address = web3.to_checksum_address(chain_node.FEED_ADDRESS)
    assert int.from_bytes(web3.eth.get_storage_at(address, 0)) == 12_345


def test_a_folder_belongs_to_one_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chain_node, "READY_WITHIN", 0.2)

    async def take_twice() -> None:
        first = await chain_node._locked(tmp_path / "lock")
        with pytest.raises(RuntimeError, match="Another sandbox"):
            await chain_node._locked(tmp_path / "lock")
        first.close()
        (await chain_node._locked(tmp_path / "lock")).close()

    # In a thread of its own: browser tests of this process leave a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(take_twice())).result()


def test_a_missing_node_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chain_node, "ROOT", tmp_path)

    with pytest.raises(FileNotFoundError, match="npm ci"):
        chain_node._binary()
