"""A real EVM node as a child process: anvil of Foundry, whose binary npm brings.

Its state is saved every few seconds and loaded at the next start, so that the chain goes on where
it was. anvil's own `--state` is not used: it writes in place, and a kill in the middle of that
leaves half a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import gzip
import json
import platform
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import IO, Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from sandbox.chain_accounts import DEMO_ACCOUNTS, TREASURY
from sandbox.chain_contracts import CONTRACTS, FEED_ADDRESS

ROOT = Path(__file__).resolve().parent.parent
CHAIN_ID = 8453
"""Base."""
SLOTS_IN_AN_EPOCH = 4
"""`safe` is this many blocks behind `latest`, and `finalized` twice as many."""
SAVED_EVERY = 2.0
"""Seconds; more when a save takes long, so that saving never takes a twentieth of the time."""
STATES_ON_DISK = 16
READY_WITHIN = 10.0
"""Seconds."""
HISTORY_CONTRACT = "0x0000F90827F1C53a10cb7A02335B175320002935"
"""Keeps old block hashes, EIP-2935."""
PR_SET_PDEATHSIG = 1


class NodeError(Exception):
    """The node refused a call; holds the JSON-RPC error as it came."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error.get("message"))
        self.error = error


NO_ANSWER = (NodeError, ClientError, TimeoutError)
"""What a call raises when there is no result."""


class Node:
    """One chain in one folder. `block_in` is in seconds; 0 mines a block for every transaction."""

    def __init__(self, folder: Path, block_in: float) -> None:
        self.folder = folder
        self.block_in = block_in
        self.url = ""
        self.up = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._lock: IO[str] | None = None
        self._http: ClientSession | None = None

    async def open(self) -> None:
        """Start the node, and keep it running and saved.

        Raises `RuntimeError` if another sandbox uses the folder or the node does not start, and
        `FileNotFoundError` if the binary is missing.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = await _locked(self.folder / "lock")
        self._http = ClientSession(timeout=ClientTimeout(total=120))
        await self._start()
        self._tasks = [asyncio.create_task(self._supervise()), asyncio.create_task(self._keep())]

    async def close(self) -> None:
        """Save the chain and stop the node."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.up.is_set():
            with contextlib.suppress(*NO_ANSWER):
                await self._save()
        self._end()
        if self._process:
            await self._process.wait()
        if self._http:
            await self._http.close()
        if self._lock:
            self._lock.close()

    async def call(self, method: str, *params: Any) -> Any:
        """Call one method and return its result. Raises one of `NO_ANSWER`."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = json.loads(await self.forward(json.dumps(request).encode()))
        if "error" in answer:
            raise NodeError(answer["error"])
        return answer["result"]

    async def forward(self, body: bytes) -> bytes:
        """Send a request, single or batch. Raises `ClientError` and `TimeoutError`."""
        if self._http is None:
            raise ClientError("The chain is not started.")
        headers = {"Content-Type": "application/json"}
        async with self._http.post(self.url, data=body, headers=headers) as answer:
            return await answer.read()

    async def _start(self) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._process = await asyncio.create_subprocess_exec(
            _binary(),
            *self._arguments(port),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                await self.call("eth_chainId")
                break
            except ClientError:
                if self._process.returncode is not None or time.monotonic() > deadline:
                    self._end()
                    raise RuntimeError(f"anvil did not start in {self.folder}.") from None
                await asyncio.sleep(0.02)
        await self._furnish()
        self.up.set()

    def _arguments(self, port: int) -> list[str]:
        cache = self.folder / "states"
        shutil.rmtree(cache, ignore_errors=True)
        arguments = ["--quiet", "--host", "127.0.0.1", "--port", str(port), "--accounts", "0"]
        arguments += ["--chain-id", str(CHAIN_ID), "--slots-in-an-epoch", str(SLOTS_IN_AN_EPOCH)]
        # By default thousands of old states pile up in the home folder.
        arguments += ["--cache-path", str(cache), "--max-persisted-states", str(STATES_ON_DISK)]
        if self.block_in:
            arguments += ["--block-time", str(self.block_in)]
        if self._saved.exists():
            loaded = self.folder / "state.json"
            loaded.write_bytes(gzip.decompress(self._saved.read_bytes()))
            arguments += ["--load-state", str(loaded)]
        return arguments

    async def _furnish(self) -> None:
        """Put the contracts and the accounts on a new chain; a restarted one keeps its own."""
        # It grows by a slot a block, and anvil 1.7 copies the whole state for every block.
        await self.call("anvil_setCode", HISTORY_CONTRACT, "0x")
        new = await self.call("eth_getCode", FEED_ADDRESS, "latest") == "0x"
        for contract in CONTRACTS:
            await self.call("anvil_setCode", contract.address, f"0x{contract.code.hex()}")
            for slot, value in contract.storage.items() if new else ():
                where, what = f"0x{slot:x}", f"0x{value:064x}"
                await self.call("anvil_setStorageAt", contract.address, where, what)
        for account in (*DEMO_ACCOUNTS, TREASURY) if new else ():
            await self.call("anvil_setBalance", account.address, hex(account.balance))

    async def _supervise(self) -> None:
        """Start the node again when it ends by itself."""
        while True:
            if self._process:
                await self._process.wait()
            self.up.clear()
            await asyncio.sleep(0.2)
            with contextlib.suppress(RuntimeError, *NO_ANSWER):
                await self._start()

    async def _keep(self) -> None:
        """Save the chain again and again."""
        took = 0.0
        while True:
            await asyncio.sleep(max(SAVED_EVERY, took * 20))
            await self.up.wait()
            began = time.monotonic()
            with contextlib.suppress(*NO_ANSWER):
                await self._save()
            took = time.monotonic() - began

    @property
    def _saved(self) -> Path:
        return self.folder / "state.json.gz"

    async def _save(self) -> None:
        packed = await self.call("anvil_dumpState")
        draft = self._saved.with_suffix(".part")
        draft.write_bytes(bytes.fromhex(packed[2:]))
        draft.replace(self._saved)

    def _end(self) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()


def _binary() -> Path:
    """Find anvil for this machine. Raises `FileNotFoundError` and says what to do."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    package = f"@foundry-rs/anvil-{sys.platform}-{machine}"
    binary = ROOT / "node_modules" / package / "bin" / "anvil"
    if not binary.exists():
        raise FileNotFoundError(f"{package} is not installed: run npm ci.")
    return binary


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """Ask Linux to kill this process when the sandbox dies, however it dies: see prctl(2)."""
    if _LIBC:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def _locked(path: Path) -> IO[str]:
    """Take the folder for this process; wait a moment for one that is just ending."""
    deadline = time.monotonic() + READY_WITHIN
    file = path.open("w")
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.close()
                raise RuntimeError(f"Another sandbox is using {path.parent}.") from None
            await asyncio.sleep(0.1)
        else:
            return file
