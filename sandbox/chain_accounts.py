"""The accounts of the sandbox's chain. Their keys are worth nothing anywhere else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

ETHER = 10**18
"""One ether in wei."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account with a key that anybody can work out; the balance is the first one, in wei."""

    name: str
    address: str
    balance: int

    @property
    def key(self) -> bytes:
        """The private key; it makes the address, which stands here to spare the arithmetic."""
        return hashlib.sha256(f"LoRA Trainer sandbox, {self.name}".encode()).digest()


DEMO_ACCOUNTS = (
    Account("Ada", "0xf4928A3ef9d39c44B9182129a5DBE35Eb991F7d2", 100 * ETHER),
    Account("Ben", "0x632892Fb7573cD2c89Cf3c17BaCD179791a3B735", 100 * ETHER),
    Account("Cleo", "0xDdC867Bdbf814074E53EBcC35FDe9bcc86655d65", 100 * ETHER),
    # Less than a training costs: for the refusal that a wallet with too little money gives.
    Account("Dot", "0x2AbEB1a6C4088023348B13aeFC9BE1851262187e", ETHER // 5000),
)
"""The accounts of the demo wallet."""

TREASURY = Account("treasury", "0x2177C87C0336fC152bA1BE6F17876E4AF4db91C2", ETHER)
"""Who is paid on the sandbox's chain, and pays back: what comes in does not pay for gas too."""
