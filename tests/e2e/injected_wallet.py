"""A wallet as an extension would inject it (EIP-6963, EIP-1193), with real keys.

The page talks to a script, the script to Python, where the keys are. So signatures are real, and a
test says what the wallet refuses, forgets or never answers.
"""

from __future__ import annotations

import json
from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, Page

ICON = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="
BASE = "0x2105"

SCRIPT = """
(({info, announce, legacy}) => {
  const listeners = {};
  const provider = {
    on: (event, heard) => (listeners[event] ??= new Set()).add(heard),
    removeListener: (event, heard) => listeners[event]?.delete(heard),
    async request({method, params = []}) {
      const answer = await window.injectedWallet({method, params});
      if (answer.hang) await new Promise(() => {});
      if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
      return answer.result;
    },
  };
  const say = () => dispatchEvent(new CustomEvent("eip6963:announceProvider", {
    detail: Object.freeze({info: Object.freeze(info), provider}),
  }));
  window.testWallet = {
    say,
    emit: (event, ...args) => listeners[event]?.forEach((heard) => heard(...args)),
    listeners: () => Object.values(listeners).reduce((sum, heard) => sum + heard.size, 0),
  };
  if (legacy) window.ethereum = provider;
  if (!announce) return;
  addEventListener("eip6963:requestProvider", say);
  say();
})
"""


class InjectedWallet:
    """One wallet with a few accounts; the first of `accounts` is the one that it shows.

    `refuse` maps methods to error codes, `hang` holds methods that are never answered, `chains` the
    chains it knows. `calls` are the methods that it was asked for, in order.
    """

    def __init__(self, *, name: str = "Test Wallet", chain: str = BASE, accounts: int = 2) -> None:
        self.info = {"uuid": f"uuid of {name}", "name": name, "icon": ICON, "rdns": f"test.{name}"}
        self.accounts: list[LocalAccount] = [Account.create() for _ in range(accounts)]
        self.chain = chain
        self.chains = {chain, BASE}
        self.refuse: dict[str, int] = {}
        self.hang: set[str] = set()
        self.signs = True
        self.locked = False
        self.calls: list[str] = []

    def install(
        self, context: BrowserContext, *, announce: bool = True, legacy: bool = False
    ) -> None:
        """Inject it into every page of the context that is opened from now on."""
        context.expose_function("injectedWallet", self.answer)
        options = {"info": self.info, "announce": announce, "legacy": legacy}
        context.add_init_script(f"({SCRIPT})({json.dumps(options)})")

    @property
    def address(self) -> str:
        """The account that the wallet shows."""
        return str(self.accounts[0].address)

    @property
    def short(self) -> str:
        """That account as pages show it."""
        return f"{self.address[:6]}…{self.address[-4:]}"

    def switch_account(self, page: Page) -> None:
        """The owner chooses the next account in the wallet."""
        self.accounts.append(self.accounts.pop(0))
        self.emit(page, "accountsChanged", [self.address])

    def emit(self, page: Page, event: str, *args: Any) -> None:
        """Let the wallet send one of the events of EIP-1193."""
        page.evaluate("([event, args]) => testWallet.emit(event, ...args)", [event, list(args)])

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the provider's `request` gives: `{result}`, `{error}` or `{hang}`."""
        method, params = request["method"], request["params"]
        self.calls.append(method)
        if method in self.hang:
            return {"hang": True}
        if method in self.refuse:
            return {"error": {"code": self.refuse[method], "message": "refused by the test"}}
        match method:
            case "eth_requestAccounts":
                self.locked = False
                return {"result": [self.address]}
            case "eth_accounts":
                return {"result": [] if self.locked else [self.address]}
            case "eth_chainId":
                return {"result": self.chain}
            case "personal_sign":
                return {"result": self.sign(*params)}
            case "wallet_switchEthereumChain" if params[0]["chainId"] not in self.chains:
                return {"error": {"code": 4902, "message": "unknown chain"}}
            case "wallet_switchEthereumChain":
                self.chain = params[0]["chainId"]
                return {"result": None}
            case "wallet_addEthereumChain":
                self.chains.add(params[0]["chainId"])
                return {"result": None}
        return {"error": {"code": 4200, "message": f"{method} is not supported"}}

    def sign(self, text: str, address: str) -> str:
        """`personal_sign`: hexadecimal text first, then the account (EIP-191)."""
        (account,) = [known for known in self.accounts if known.address == address]
        message = encode_defunct(hexstr=text) if self.signs else encode_defunct(text="another")
        return str(account.sign_message(message).signature.to_0x_hex())
