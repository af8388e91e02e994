"""The settings of the outside worlds: providers, Are.na, the chain and where notices go.

Part of `settings`.

Each world without a key or address of its own is the sandbox's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from loratrainer import embedded
from loratrainer.environment import LOCAL, VAR_DIR, env

SANDBOX_PORT: int = env.int("SANDBOX_PORT", 42000)
SANDBOX_URL = f"http://127.0.0.1:{SANDBOX_PORT}"

FAL_KEY: str = env.str("FAL_KEY", "")
FAL_URL: str = env.str("FAL_URL", "") or ("" if FAL_KEY else f"{SANDBOX_URL}/fal")
"""Empty: the addresses that fal's own SDK knows."""
REPLICATE_API_TOKEN: str = env.str("REPLICATE_API_TOKEN", "")
REPLICATE_URL: str = env.str("REPLICATE_URL", "") or (
    "https://api.replicate.com" if REPLICATE_API_TOKEN else f"{SANDBOX_URL}/replicate"
)
ARENA_URL: str = env.str("ARENA_URL", "") or (
    f"{SANDBOX_URL}/arena" if LOCAL else "https://api.are.na"
)
CHAIN_RPC_URL: str = env.str("CHAIN_RPC_URL", "") or f"{SANDBOX_URL}/chain"
CHAIN_WITNESS_URL: str = env.str("CHAIN_WITNESS_URL", "")
"""A second node, of somebody else: no payment is counted that the two do not show alike."""
CHAIN_ID: int = env.int("CHAIN_ID", 8453)

SANDBOXED = [
    name
    for name, address in [
        ("FAL_KEY", FAL_URL),
        ("REPLICATE_API_TOKEN", REPLICATE_URL),
        ("ARENA_URL", ARENA_URL),
        ("CHAIN_RPC_URL", CHAIN_RPC_URL),
    ]
    if address.startswith(SANDBOX_URL)
]
"""The settings whose outside world is the sandbox at this moment."""
DEMO_WALLET = CHAIN_RPC_URL.startswith(SANDBOX_URL)

FETCH_HOSTS: dict[str, list[str]] = {
    "arena": [SANDBOX_URL]
    if "ARENA_URL" in SANDBOXED
    else ["d2w9rnfcy7mm78.cloudfront.net", ".are.na"],
    "fal": [SANDBOX_URL] if "FAL_KEY" in SANDBOXED else [".fal.media"],
    "replicate": [SANDBOX_URL]
    if "REPLICATE_API_TOKEN" in SANDBOXED
    else ["replicate.delivery", ".replicate.delivery"],
    "push": [
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        ".push.apple.com",
        ".notify.windows.com",
    ],
    "webhook": ["*"],
}
"""The hosts that files of each outside world may be fetched from, and notices sent to."""

SANDBOX_LISTS_IN = timedelta(seconds=20)
"""The sandbox's lists show an order at once, so nobody need wait for a late one."""
PROVIDERS: dict[str, dict[str, Any]] = {
    "fal": {
        "BACKEND": "providers.fal.FalFluxLora",
        "OPTIONS": {
            "key": FAL_KEY or "sandbox",
            "url": FAL_URL,
            # The sandbox names the user of a key by what stands before its colon.
            "user_id": env.str("FAL_USER_ID", "") or ("" if FAL_KEY else "sandbox|sandbox"),
            "keys_url": env.str("FAL_WEBHOOK_KEYS_URL", ""),
            **({"listed_in": SANDBOX_LISTS_IN} if "FAL_KEY" in SANDBOXED else {}),
        },
    },
    "replicate": {
        "BACKEND": "providers.replicate_trainers.FluxDevTrainer",
        "OPTIONS": {
            "token": REPLICATE_API_TOKEN or "sandbox",
            "url": REPLICATE_URL,
            "username": env.str("REPLICATE_USERNAME", ""),
            **({"listed_in": SANDBOX_LISTS_IN} if "REPLICATE_API_TOKEN" in SANDBOXED else {}),
        },
    },
    "replicate-fast": {
        "BACKEND": "providers.replicate_trainers.FastFluxTrainer",
        "OPTIONS": {
            "token": REPLICATE_API_TOKEN or "sandbox",
            "url": REPLICATE_URL,
            "username": env.str("REPLICATE_USERNAME", ""),
            **({"listed_in": SANDBOX_LISTS_IN} if "REPLICATE_API_TOKEN" in SANDBOXED else {}),
        },
    },
}
"""Who trains and draws, in the order of the train page; configured like Django's `STORAGES`."""
RETOUCHERS: dict[str, dict[str, Any]] = {
    "fal": {
        "BACKEND": "providers.fal_pictures.FalRetoucher",
        "OPTIONS": {"key": FAL_KEY or "sandbox", "url": FAL_URL},
    },
}
"""Who describes pictures and takes their backgrounds away; configured likewise."""
RETOUCHER: str = env.str("RETOUCHER", "fal")
"""The alias of the one that is asked; empty: nobody is, and the pages offer neither."""
if RETOUCHER and RETOUCHER not in RETOUCHERS:
    raise ImproperlyConfigured(f"RETOUCHER must be one of {', '.join(RETOUCHERS)}, or empty.")

# --- Money ----------------------------------------------------------------------------------------

SANDBOX_TREASURY = "0x2177C87C0336fC152bA1BE6F17876E4AF4db91C2"
"""Its key is known to everybody who reads `sandbox/chain_accounts.py`."""
TREASURY: str = env.str("TREASURY", "") or (
    SANDBOX_TREASURY if "CHAIN_RPC_URL" in SANDBOXED else ""
)
TRAINING_USD_CENTS: int = env.int("TRAINING_USD_CENTS", 400)
QUOTE_LIFETIME = timedelta(minutes=15)
CONFIRMATIONS: int = env.int("CONFIRMATIONS", 5)
PRICE_FEED: str = env.str("PRICE_FEED", "0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70")
"""Chainlink's ETH / USD on Base."""
PRICE_MIN_USD: int = env.int("PRICE_MIN_USD", 100)
PRICE_MAX_USD: int = env.int("PRICE_MAX_USD", 100_000)
DEPOSIT_BELLS = ["trainings.models.hear_deposit"]
"""Functions that the ledger tells the wallet's key after a deposit, by dotted path."""

# --- What follows a training ----------------------------------------------------------------------

TRAINING_BELLS = ["generations.report_cards.hear_training"]
"""Functions that a training tells its key in the transaction that completes it, by dotted path."""
REPORT_CARDS: bool = env.bool("REPORT_CARDS", LOCAL and not (FAL_KEY or REPLICATE_API_TOKEN))
"""Whether finished LoRAs get a report card. Its images cost us money, except in the sandbox."""
VISIBILITY_BELLS = ["generations.images.hear_visibility"]
"""Functions that are told a LoRA's key when others see it or do no longer, by dotted path."""

# --- Notices --------------------------------------------------------------------------------------

VAPID_PRIVATE_KEY: str = env.str("VAPID_PRIVATE_KEY", "") or (
    embedded.vapid_key(VAR_DIR) if LOCAL else ""
)
"""What push services know us by (RFC 8292): 32 bytes in base64url. Empty: no Web Push."""
MAIL_HOST: str = env.str("MAIL_HOST", "")
MAIL_SECURITY: str = env.str("MAIL_SECURITY", "") or "starttls"
"""How the mail server is spoken to: "starttls", "tls" (from the first byte) or "none"."""
MAILERS: dict[str, dict[str, Any]] = {
    "default": {
        "OPTIONS": {
            "host": MAIL_HOST or "localhost",
            # Empty: 587, 465 or 25, as the security asks for.
            "port": env.int("MAIL_PORT", 0) or None,
            "username": env.str("MAIL_USER", ""),
            "password": env.str("MAIL_PASSWORD", ""),
            "use_tls": MAIL_SECURITY == "starttls",
            "use_ssl": MAIL_SECURITY == "tls",
            "timeout": 15,
        }
    }
}
"""Django's. Without `MAIL_HOST` no mail is sent, and none offered."""
DEFAULT_FROM_EMAIL: str = env.str("MAIL_FROM", "") or "webmaster@localhost"
