"""Base, as far as payments read it: JSON-RPC through web3. Nothing here signs, sends or repeats.

No answer is believed before the node has said that it is on the settings' chain. Whatever else
comes than a good answer is `TryAgainLater`: a node that is away says nothing about a payment.
"""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, Self, cast

import httpx
from django.conf import settings
from django.utils.translation import gettext as _
from eth_typing import ChecksumAddress, HexStr
from web3 import Web3
from web3.exceptions import BlockNotFound, TransactionNotFound, Web3Exception, Web3RPCError
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from loratrainer.outcomes import TryAgainLater
from payments.rates import Rate

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 8.0
"""How long the node may take for one answer, from the question to its last byte."""
ANSWER_BYTES = 32_000_000
"""How long an answer may be; a full block of Base with all its transactions is 1 or 2 MB."""
PRICE_AGE = timedelta(hours=1)
"""The feed writes at least every 20 minutes (https://data.chain.link, ETH/USD on Base)."""
CLOCK_SKEW = timedelta(minutes=2)
"""How far ahead of the database's clock the chain's may be."""
DELEGATION = "0xef0100"
"""The code of an ordinary account that has lent itself a contract begins so (EIP-7702)."""

BROKEN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError)

FEED_ABI = json.loads("""[
 {"type": "function", "name": "description", "stateMutability": "view", "inputs": [],
  "outputs": [{"type": "string", "name": ""}]},
 {"type": "function", "name": "decimals", "stateMutability": "view", "inputs": [],
  "outputs": [{"type": "uint8", "name": ""}]},
 {"type": "function", "name": "latestRoundData", "stateMutability": "view", "inputs": [],
  "outputs": [{"type": "uint80", "name": "roundId"}, {"type": "int256", "name": "answer"},
   {"type": "uint256", "name": "startedAt"}, {"type": "uint256", "name": "updatedAt"},
   {"type": "uint80", "name": "answeredInRound"}]}]""")
"""Three functions of Chainlink's AggregatorV3Interface."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the chain; `at` is the moment that it carries."""

    number: int
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction that the node knows, mined or not. Addresses in their EIP-55 spelling."""

    hash: str
    payer: str
    recipient: str | None
    """None: it makes a contract."""
    wei: int
    nonce: int
    chain_id: int | None
    """None in transactions of the time before EIP-155."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction, and in which block."""

    block_number: int
    block_hash: str
    succeeded: bool


class StateForgotten(TryAgainLater):
    """The node does not have the accounts of this block: only archives keep those of old blocks."""


class Chain:
    """A connection to the node of the settings, or to another; opening it checks its chain id.

    Every method raises `TryAgainLater` when the node does not answer as it should.
    """

    def __init__(self, url: str = "") -> None:
        self._url = url or settings.CHAIN_RPC_URL

    def __enter__(self) -> Self:
        self._client = httpx.Client(
            verify=_tls(),
            trust_env=False,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        )
        # web3's own middleware would ask for the chain id before each call.
        self._eth = Web3(_Node(self._url, self._client), middleware=[]).eth
        try:
            with answers():
                found = self._eth.chain_id
            if found != settings.CHAIN_ID:
                logger.critical("A node leads to chain %s, not %s", found, settings.CHAIN_ID)
                raise _no_answer()
        except TryAgainLater:
            self._client.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.close()

    def block(self, which: int | Literal["latest", "finalized"]) -> Block | None:
        """Return the block at this height of the canonical chain, or None above its head."""
        with answers():
            try:
                found = cast("dict[str, Any]", self._eth.get_block(which))
            except BlockNotFound:
                return None
            return Block(
                number=found["number"],
                hash=found["hash"].to_0x_hex(),
                at=datetime.fromtimestamp(found["timestamp"], UTC),
            )

    def head(self, which: Literal["latest", "finalized"] = "latest") -> Block:
        """Return the newest block, or the newest that is final."""
        found = self.block(which)
        if found is None:
            raise _no_answer()
        return found

    def transaction(self, transaction_hash: str) -> Transaction | None:
        """Return a transaction, or None when the node does not know it (any more)."""
        with answers():
            try:
                found = self._eth.get_transaction(HexStr(transaction_hash))
            except TransactionNotFound:
                return None
            return _transaction(cast("dict[str, Any]", found))

    def receipt(self, transaction_hash: str) -> Receipt | None:
        """Return what became of a transaction, or None when it is in no block."""
        with answers():
            try:
                found = cast(
                    "dict[str, Any]", self._eth.get_transaction_receipt(HexStr(transaction_hash))
                )
            except TransactionNotFound:
                return None
            return Receipt(
                block_number=found["blockNumber"],
                block_hash=found["blockHash"].to_0x_hex(),
                succeeded=found["status"] == 1,
            )

    def sent(self, payer: str, block_number: int) -> list[Transaction]:
        """Return what the account sent in one block."""
        with answers():
            found = cast(
                "dict[str, Any]", self._eth.get_block(block_number, full_transactions=True)
            )
            return [_transaction(sent) for sent in found["transactions"] if sent["from"] == payer]

    def count(self, payer: str, block_number: int) -> int:
        """Return how many transactions the account had sent by the end of the block (its nonce).

        Raises `StateForgotten` when the node refuses.
        """
        with answers():
            try:
                return self._eth.get_transaction_count(checked(payer), block_number)
            except Web3RPCError as exc:
                logger.info("No state of block %s: %s", block_number, exc)
                raise StateForgotten(_no_answer()) from exc

    def is_contract(self, address: str) -> bool:
        """Say whether code decides what the account does; a delegated one still has its own key."""
        with answers():
            code = self._eth.get_code(checked(address)).to_0x_hex()
        return code != "0x" and not code.startswith(DELEGATION)

    def price(self, now: datetime) -> Rate:
        """Return the price of ether by Chainlink's feed; `now` is the database's time.

        Raises `TryAgainLater` when the feed is another one, old, or out of the settings' bounds.
        """
        with answers():
            feed = self._eth.contract(checked(settings.PRICE_FEED), abi=FEED_ABI).functions
            description = feed.description().call()
            decimals = feed.decimals().call()
            round_id, answer, _started_at, updated_at, _answered_in = feed.latestRoundData().call()
            rate = Rate(answer, decimals, round_id, datetime.fromtimestamp(updated_at, UTC))
            unit = 10**decimals
            in_bounds = settings.PRICE_MIN_USD * unit <= answer <= settings.PRICE_MAX_USD * unit
        is_fresh = -CLOCK_SKEW <= now - rate.updated_at <= PRICE_AGE
        if description != "ETH / USD" or not is_fresh or not in_bounds:
            logger.error("The feed %s gives %r: %s", settings.PRICE_FEED, description, rate)
            raise TryAgainLater(_("Nobody tells us a good price of ETH at the moment."))
        return rate


def checked(address: str) -> ChecksumAddress:
    """Tell the type checker that an address is spelled as EIP-55 says, as all of ours are."""
    return cast("ChecksumAddress", address)


def _transaction(found: dict[str, Any]) -> Transaction:
    return Transaction(
        hash=found["hash"].to_0x_hex(),
        payer=found["from"],
        recipient=found.get("to"),
        wei=found["value"],
        nonce=found["nonce"],
        chain_id=found.get("chainId"),
    )


def _no_answer() -> TryAgainLater:
    return TryAgainLater(_("Base does not answer at the moment."))


@contextmanager
def answers() -> Iterator[None]:
    """Turn whatever is no good answer into `TryAgainLater`."""
    try:
        yield
    # What a broken node sends breaks web3's own reading of it in many ways.
    except (httpx.HTTPError, Web3Exception, *BROKEN) as exc:
        # An address may hold a key, and httpx writes it into its messages.
        words = type(exc).__name__ if isinstance(exc, httpx.HTTPError) else repr(exc)[:300]
        logger.warning("No good answer from the chain's node: %s", words)
        raise _no_answer() from exc


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # Reading all certificates takes longer than all the rest.


class _Node(JSONBaseProvider):
    """The node, with a limit on time and on the length of an answer.

    web3's own HTTP provider repeats questions and limits only each single read.
    """

    def __init__(self, url: str, client: httpx.Client) -> None:
        super().__init__()
        self.url = url
        self.client = client

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        question = self.encode_rpc_request(method, params)
        answer = self.decode_rpc_response(self._post(question))
        # JSON-RPC 2.0: the id is the question's. A cache in between may answer another one.
        if answer["id"] != json.loads(question)["id"]:
            raise ValueError(f"The answer to another question than {method}")
        return answer

    def _post(self, question: bytes) -> bytes:
        ends_at = time.monotonic() + ANSWER_SECONDS
        answer = bytearray()
        headers = {"Content-Type": "application/json"}
        with self.client.stream("POST", self.url, content=question, headers=headers) as response:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                answer += chunk
                if len(answer) > ANSWER_BYTES or time.monotonic() > ends_at:
                    raise ValueError("The answer is too long or takes too long")
        return bytes(answer)
