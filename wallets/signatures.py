"""Whether a signature over one of our texts comes from an address.

Ordinary accounts are checked here; contract wallets are asked on the chain (EIP-1271, and EIP-6492
for those that are not deployed yet), through the node that the settings name.
"""

from __future__ import annotations

import logging
import ssl
import time
from functools import cache
from typing import Any, cast

import httpx
from django.conf import settings
from eth_account import Account
from eth_account.messages import SignableMessage, encode_defunct
from eth_keys.constants import SECPK1_N
from siwe import ChainIdMismatch, VerificationError  # type: ignore[import-untyped]
from siwe.siwe import check_contract_wallet_signature  # type: ignore[import-untyped]
from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

logger = logging.getLogger(__name__)

NODE_SECONDS = 2.0
"""How long the node has for all its answers; with a stall in the last one it is three seconds."""
NODE_BYTES = 256_000
"""How long an answer of the node may be, in bytes."""
CALL_GAS = 10_000_000
"""The most gas a contract wallet may burn; a passkey checked in Solidity needs about a tenth."""
NODE_TROUBLE = {-32700, -32600, -32601, -32603, -32002, -32005, -32016}
"""Codes by which a node speaks of itself (JSON-RPC 2.0, EIP-1474, and Base's "over rate limit")."""


class BadSignature(Exception):
    """The address did not sign this text."""


class NodeUnavailable(Exception):
    """The chain could not be asked, so nothing is known about a contract wallet's signature."""


def check_signature(address: str, text: str, signature: str, *, chain_id: int) -> None:
    """Return when `address` has signed `text` (EIP-191); `signature` is hexadecimal with 0x.

    Raises `BadSignature` when it has not, and `NodeUnavailable` when that takes a chain which does
    not answer in time or is not `chain_id`.
    """
    message = encode_defunct(text=text)
    if _signer(message, bytes.fromhex(signature.removeprefix("0x"))) == address:
        return
    try:
        with httpx.Client(verify=_tls()) as client:
            # web3's own middleware would ask for the chain id before each call.
            w3 = Web3(_Node(settings.CHAIN_RPC_URL, client), middleware=[])
            valid = check_contract_wallet_signature(address, message, signature, chain_id, w3)
    except NodeUnavailable:
        raise
    except ChainIdMismatch as exc:
        logger.error("CHAIN_RPC_URL leads to another chain than CHAIN_ID: %s", exc)
        raise NodeUnavailable from exc
    except VerificationError as exc:
        raise NodeUnavailable from exc
    except Exception as exc:  # Whatever a contract answers, it must not become an error of ours.
        raise BadSignature from exc
    if not valid:
        raise BadSignature


def _signer(message: SignableMessage, signature: bytes) -> str | None:
    """The ordinary account that signed, or None when these bytes are no signature of one."""
    # EIP-2: the twin with the high s is the same signature again, and no wallet makes it.
    if len(signature) != 65 or int.from_bytes(signature[32:64]) > SECPK1_N // 2:
        return None
    try:
        return cast("str", Account.recover_message(message, signature=signature))
    except Exception:  # eth-keys raises many kinds for bytes that are no point of the curve.
        return None


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # Reading all certificates takes longer than all the rest.


class _Node(JSONBaseProvider):
    """The node, with a limit on time, on the length of an answer and on gas.

    web3's own HTTP provider retries, limits only each single read, and follows addresses that a
    contract names (EIP-3668).
    """

    global_ccip_read_enabled = False

    def __init__(self, url: str, client: httpx.Client) -> None:
        super().__init__()
        self.url = url
        self.client = client
        self.ends_at = time.monotonic() + NODE_SECONDS

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        if method == "eth_call":
            params = [{**params[0], "gas": hex(CALL_GAS)}, *params[1:]]
        try:
            answer = self.decode_rpc_response(self._post(self.encode_rpc_request(method, params)))
        except (httpx.HTTPError, ValueError) as exc:
            raise NodeUnavailable from exc
        if not isinstance(answer, dict) or not answer.keys() & {"result", "error"}:
            raise NodeUnavailable
        error: Any = answer.get("error")
        if error and (not isinstance(error, dict) or error.get("code") in NODE_TROUBLE):
            raise NodeUnavailable
        return answer

    def _post(self, question: bytes) -> bytes:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise NodeUnavailable
        answer = bytearray()
        with self.client.stream(
            "POST",
            self.url,
            content=question,
            headers={"Content-Type": "application/json"},
            # Connecting and waiting for the first byte come one after the other.
            timeout=left / 2,
        ) as response:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                answer += chunk
                if time.monotonic() > self.ends_at:
                    raise NodeUnavailable
                if len(answer) > NODE_BYTES:
                    raise BadSignature
        return bytes(answer)
