"""The key that refunds are paid with. Only `manage.py refund` reads it; nothing shows it.

No web process and no worker needs it: what the command has signed is all that they send.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from eth_account import Account

from loratrainer.environment import env


class NoKey(Exception):
    """There is no usable key; the message says what is missing, and never what was found."""


class RefundKey:
    """A private key that can sign transactions of its account and be seen by nobody."""

    __slots__ = ("_account", "address")

    def __init__(self, key: str | bytes) -> None:
        try:
            self._account = Account.from_key(key)
        except Exception:
            # What the libraries say of a wrong key may hold a piece of it, and so may the chain.
            raise NoKey("is no private key: 0x and 64 digits from 0 to 9 and a to f") from None
        self.address: str = self._account.address

    def __repr__(self) -> str:
        return f"<the key of {self.address}>"

    def sign(self, transaction: dict[str, Any]) -> tuple[bytes, str]:
        """Return the signed bytes of a transaction and its hash. The same again gives the same."""
        signed = self._account.sign_transaction(transaction)
        return bytes(signed.raw_transaction), signed.hash.to_0x_hex()


def read_key() -> RefundKey:
    """Return the key that the environment names; the sandbox's treasury needs none.

    Raises `NoKey`.
    """
    path, text = env.str("REFUND_KEY_FILE", ""), env.str("REFUND_PRIVATE_KEY", "")
    if path and text:
        raise NoKey("Set REFUND_KEY_FILE or REFUND_PRIVATE_KEY, not both.")
    if path:
        return _named("The file of REFUND_KEY_FILE", _content(path))
    if text:
        return _named("REFUND_PRIVATE_KEY", text)
    if settings.CHAIN_RPC_URL.startswith(settings.SANDBOX_URL):
        return RefundKey(_sandbox_key())
    raise NoKey(
        "There is no key to pay with. Set REFUND_KEY_FILE to the path of a file with the private "
        "key of the account that pays refunds, or REFUND_PRIVATE_KEY to the key, for this command "
        "only."
    )


def _named(name: str, text: str) -> RefundKey:
    try:
        return RefundKey(text.strip())
    except NoKey as exc:
        raise NoKey(f"{name} {exc}.") from None


def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no text"
        raise NoKey(f"The file of REFUND_KEY_FILE cannot be read: {why}.") from None


def _sandbox_key() -> bytes:
    """The key of `SANDBOX_TREASURY`, which everybody can work out: worth nothing elsewhere."""
    return hashlib.sha256(b"LoRA Trainer sandbox, treasury").digest()
