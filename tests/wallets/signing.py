"""Signing in as a browser and a wallet would, by hand."""

from __future__ import annotations

from typing import Any

from django.test import Client
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount


def new_account() -> LocalAccount:
    account: LocalAccount = Account.create()
    return account


def sign(account: LocalAccount, text: str) -> str:
    """The signature that `personal_sign` would give (EIP-191), in hexadecimal with 0x."""
    return account.sign_message(encode_defunct(text=text)).signature.to_0x_hex()


def ask(client: Client, address: str) -> dict[str, str]:
    """A challenge for the address: `id` and `text`."""
    response = client.post("/connect/challenge", {"address": address})
    assert response.status_code == 200, response.content
    challenge: dict[str, str] = response.json()
    return challenge


def verify(client: Client, challenge: dict[str, str], signature: str, **fields: str) -> Any:
    """The response to a signature over a challenge."""
    return client.post(
        "/connect/verify", {"challenge": challenge["id"], "signature": signature, **fields}
    )


def sign_in(client: Client, account: LocalAccount | None = None) -> LocalAccount:
    """Sign the client in with the account, or with a new one."""
    account = account or new_account()
    challenge = ask(client, account.address)
    response = verify(client, challenge, sign(account, challenge["text"]))
    assert response.status_code == 200, response.content
    return account


def is_signed_in(client: Client) -> bool:
    """Whether a page that needs a wallet opens."""
    return bool(client.get("/wallet").status_code == 200)
