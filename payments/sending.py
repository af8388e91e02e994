"""Base, as far as refunds need more of it: what a transfer takes, and sending what is signed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, cast

from web3.exceptions import ContractLogicError, Web3RPCError

from payments.chain import Chain, answers, checked

logger = logging.getLogger(__name__)

PLAIN_GAS = 21_000
"""What a transfer to an account without code takes, always (Ethereum Yellow Paper, appendix G)."""
MOST_GAS = 200_000
"""What a transfer to a contract may take; wallets that log what they get take about 30,000."""
LEAST_MAX_FEE = 10**9
"""One gwei: a hundred times what Base usually asks for."""
MOST_TIP = 10**8
"""A tenth of a gwei, whatever the node suggests: the tip is really spent."""


class Refused(Exception):
    """The chain would not carry this transfer out; the message is the node's."""


@dataclass(frozen=True, slots=True)
class Fees:
    """What one gas may cost, in wei (EIP-1559)."""

    most: int
    """Only the block's own price and the tip are spent; this is what they may rise to."""
    tip: int


class SendingChain(Chain):
    """A connection that can send. What it sends was signed elsewhere."""

    def purse(self, payer: str) -> int:
        """Return what an account has, in wei."""
        with answers():
            return int(self._eth.get_balance(checked(payer)))

    def next_nonce(self, payer: str) -> int:
        """Return the number of the account's next transaction, those that wait included."""
        with answers():
            return int(self._eth.get_transaction_count(checked(payer), "pending"))

    def fees(self) -> Fees:
        """Return fees that stay enough while the price of gas rises tenfold.

        There is no second, dearer attempt: this one must do.
        """
        with answers():
            block = cast("dict[str, Any]", self._eth.get_block("latest"))
            tip = min(int(self._eth.max_priority_fee), MOST_TIP)
            return Fees(max(10 * block["baseFeePerGas"] + tip, LEAST_MAX_FEE), tip)

    def gas(self, payer: str, recipient: str, wei: int) -> int:
        """Return the gas that a transfer may use: with a reserve when code receives it.

        Raises `Refused` when the recipient does not take it, or not within `MOST_GAS`.
        """
        transfer: Any = {"from": payer, "to": recipient, "value": wei, "gas": MOST_GAS}
        with answers():
            try:
                used = int(self._eth.estimate_gas(transfer))
            except (ContractLogicError, Web3RPCError) as exc:
                raise Refused(_words(exc)) from exc
        return used if used == PLAIN_GAS else min(used * 3 // 2, MOST_GAS)

    def send(self, raw: bytes) -> str:
        """Hand over a signed transaction; return the node's refusal, or nothing.

        A refusal decides nothing: the node says the same of what it has taken before.
        """
        with answers():
            try:
                self._eth.send_raw_transaction(raw)
            except Web3RPCError as exc:
                refusal = _words(exc)
                logger.info("The node does not take the transaction: %s", refusal)
                return refusal
        return ""


def _words(exc: ContractLogicError | Web3RPCError) -> str:
    """What the node has said, without the rest of its answer."""
    if isinstance(exc, Web3RPCError) and exc.rpc_response:
        error: Any = exc.rpc_response.get("error")
        return str(error["message"] if isinstance(error, dict) else error)[:120]
    return str(exc.message)[:120]
