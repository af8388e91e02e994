"""The injected wallet of the browser tests, with ETH on the sandbox's chain."""

from __future__ import annotations

from typing import Any

from tests.e2e.injected_wallet import InjectedWallet
from tests.payments.chain_node import ChainNode


class PayingWallet(InjectedWallet):
    """Signs transactions and sends them to the chain, as its owner confirms them."""

    def __init__(self, chain_node: ChainNode) -> None:
        super().__init__()
        self.node = chain_node
        self.asked: list[dict[str, str]] = []
        for account in self.accounts:
            chain_node.fund(account.address, 10**18)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        method = request["method"]
        if method != "eth_sendTransaction" or method in self.refuse or method in self.hang:
            return super().answer(request)
        self.calls.append(method)
        (asked,) = request["params"]
        self.asked.append(asked)
        if asked["chainId"] != self.chain:
            return {"error": {"code": 4901, "message": "another chain"}}
        try:
            sent = self.node.send(self.accounts[0], to=asked["to"], value=int(asked["value"], 16))
        except Exception as exc:
            return {"error": {"code": -32000, "message": str(exc)}}
        return {"result": sent}
