"""The demo wallet: what an EIP-1193 provider does, with keys that live in the sandbox.

`POST /sandbox/wallet` takes `{"method", "params", "account"}` and answers `{"result"}` or
`{"error": {"code", "message"}}`. `account` is the one that is chosen in the wallet, by default the
first; only that one is shared with the page. Codes are those of EIP-1193, EIP-1474 and EIP-3326.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.chain_accounts import DEMO_ACCOUNTS, Account
from sandbox.chain_node import CHAIN_ID, Node, NodeError

TIP = 10**6
"""The priority fee in wei for each unit of gas, as usual on Base."""

INVALID_PARAMS = -32602
REFUSED_BY_NODE = -32000
UNAUTHORIZED = 4100
UNSUPPORTED_METHOD = 4200
CHAIN_DISCONNECTED = 4901
UNKNOWN_CHAIN = 4902


class ProviderRpcError(Exception):
    """The wallet refuses; the code is what the page sees as `error.code`, EIP-1193."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Wallet:
    """Signs for the demo accounts, one transaction of an account after the other."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.sending = asyncio.Lock()
        self.methods: dict[str, Callable[[Account, list[Any]], Awaitable[Any]]] = {
            "eth_requestAccounts": self._accounts,
            "eth_accounts": self._accounts,
            "eth_chainId": self._chain_id,
            "personal_sign": self._sign,
            "eth_sendTransaction": self._send,
            "wallet_switchEthereumChain": self._switch,
            "wallet_addEthereumChain": self._switch,
        }

    async def request(self, method: Any, params: Any, account: Any) -> Any:
        """Do what a page asks. Raises `ProviderRpcError`, or `NodeError` with the chain's words."""
        chosen = DEMO_ACCOUNTS[0] if account is None else _found(account)
        if not isinstance(method, str) or method not in self.methods:
            raise ProviderRpcError(
                UNSUPPORTED_METHOD, "The demo wallet does not support this method."
            )
        if not isinstance(params, list):
            raise ProviderRpcError(INVALID_PARAMS, "params must be a list.")
        return await self.methods[method](chosen, params)

    async def _accounts(self, chosen: Account, _: list[Any]) -> list[str]:
        return [chosen.address]

    async def _chain_id(self, _: Account, __: list[Any]) -> str:
        return hex(CHAIN_ID)

    async def _switch(self, _: Account, params: list[Any]) -> None:
        if _number(_fields(params), "chainId") != CHAIN_ID:
            raise ProviderRpcError(
                UNKNOWN_CHAIN, "The demo wallet knows no chain but the sandbox's."
            )

    async def _sign(self, chosen: Account, params: list[Any]) -> str:
        """Sign `[message, address]` as EIP-191 says; the message is hexadecimal, or plain text."""
        if len(params) < 2 or not isinstance(params[0], str):
            raise ProviderRpcError(INVALID_PARAMS, "personal_sign needs a message and an address.")
        _authorized(chosen, params[1])
        return await asyncio.to_thread(_signed, chosen, _bytes(params[0]))

    async def _send(self, chosen: Account, params: list[Any]) -> str:
        """Sign a transaction of the chosen account and broadcast it; return its hash."""
        wish = _fields(params)
        _authorized(chosen, wish.get("from"))
        if "chainId" in wish and _number(wish, "chainId") != CHAIN_ID:
            raise ProviderRpcError(CHAIN_DISCONNECTED, "The transaction is for another chain.")
        async with self.sending:
            transaction = await self._completed(chosen, wish)
            raw = await asyncio.to_thread(_signed, chosen, transaction)
            sent: str = await self.node.call("eth_sendRawTransaction", raw)
            return sent

    async def _completed(self, chosen: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """Fill in nonce, gas and fees (EIP-1559), and check that the account can pay for it."""
        block = await self.node.call("eth_getBlockByNumber", "latest", False)  # noqa: FBT003
        fee = 2 * int(block["baseFeePerGas"], 16) + TIP
        call = {"from": chosen.address, "value": hex(_number(wish, "value", "0x0"))}
        call["data"] = f"0x{_bytes(wish.get('data') or wish.get('input') or '0x').hex()}"
        if wish.get("to") is not None:
            call["to"] = _address(wish["to"])
        value = int(call["value"], 16)
        have = int(await self.node.call("eth_getBalance", chosen.address, "latest"), 16)
        limit = wish.get("gas") or await self.node.call("eth_estimateGas", call)
        gas = _number({"gas": limit}, "gas")
        if have < value + gas * fee:
            raise ProviderRpcError(REFUSED_BY_NODE, "insufficient funds for gas * price + value")
        nonce = await self.node.call("eth_getTransactionCount", chosen.address, "pending")
        return {
            "to": bytes.fromhex(call.get("to", "0x")[2:]),  # Empty: a contract is made.
            "data": call["data"],
            "type": 2,
            "chainId": CHAIN_ID,
            "nonce": int(nonce, 16),
            "value": value,
            "gas": gas,
            "maxFeePerGas": fee,
            "maxPriorityFeePerGas": TIP,
        }


async def answer(wallet: Wallet, body: Any) -> dict[str, Any]:
    """Turn one request of the page into `{"result"}` or `{"error"}`."""
    if not isinstance(body, dict):
        return _error(-32600, "The request must be an object with a method.")
    try:
        result = await wallet.request(
            body.get("method"), body.get("params", []), body.get("account")
        )
    except ProviderRpcError as refusal:
        return _error(refusal.code, str(refusal))
    except NodeError as refusal:
        return {"error": refusal.error}
    return {"result": result}


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _signed(account: Account, what: bytes | dict[str, Any]) -> str:
    """Sign a message (EIP-191) or a transaction; return the signature or the raw transaction."""
    # Imported late: eth_account takes most of a second, and a start should not wait for it.
    from eth_account import Account as Signer  # noqa: PLC0415
    from eth_account.messages import encode_defunct  # noqa: PLC0415

    if isinstance(what, dict):
        return f"0x{Signer.sign_transaction(what, account.key).raw_transaction.hex()}"
    return f"0x{Signer.sign_message(encode_defunct(what), account.key).signature.hex()}"


def _found(address: Any) -> Account:
    for account in DEMO_ACCOUNTS:
        if isinstance(address, str) and account.address.lower() == address.lower():
            return account
    raise ProviderRpcError(UNAUTHORIZED, "The demo wallet has no such account.")


def _authorized(chosen: Account, address: Any) -> None:
    if not isinstance(address, str) or address.lower() != chosen.address.lower():
        raise ProviderRpcError(
            UNAUTHORIZED, "This account is not the one that is chosen in the wallet."
        )


def _fields(params: list[Any]) -> dict[str, Any]:
    if not params or not isinstance(params[0], dict):
        raise ProviderRpcError(INVALID_PARAMS, "The first parameter must be an object.")
    return params[0]


def _number(fields: dict[str, Any], name: str, default: str | None = None) -> int:
    """Read a quantity: `0x` and hexadecimal digits, at most 256 bits."""
    given = fields.get(name, default)
    try:
        number = int(given, 16) if isinstance(given, str) and given.startswith("0x") else -1
    except ValueError:
        number = -1
    if not 0 <= number < 2**256:
        raise ProviderRpcError(
            INVALID_PARAMS, f"{name} must be a hexadecimal number that begins with 0x."
        )
    return number


def _address(given: Any) -> str:
    if isinstance(given, str) and len(given) == 42 and len(_bytes(given)) == 20:
        return given.lower()
    raise ProviderRpcError(INVALID_PARAMS, "to must be an address.")


def _bytes(given: Any) -> bytes:
    """Read `0x` and hexadecimal digits; anything else is a text in UTF-8."""
    if not isinstance(given, str):
        raise ProviderRpcError(INVALID_PARAMS, "Bytes must be written as a text.")
    try:
        return bytes.fromhex(given[2:]) if given.startswith("0x") else given.encode()
    except ValueError:
        return given.encode()
