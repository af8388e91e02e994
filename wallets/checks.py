"""What must not be, found before the site starts (`manage.py check`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - its name
from django.core.exceptions import ValidationError

from wallets.demo import is_available
from wallets.fields import parse_address


@register(Tags.security)
def demo_wallet_needs_the_sandbox(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """The demo wallet's keys are known to everybody; it may only ever sign for the sandbox."""
    if not settings.DEMO_WALLET or is_available():
        return []
    return [
        Error(
            "The demo wallet is on, but this is not a local installation on the sandbox's chain.",
            hint="Set CHAIN_RPC_URL to a node of Base, and DEMO_WALLET follows.",
            id="wallets.E001",
        )
    ]


@register(Tags.security)
def listed_wallets_are_addresses(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """A typing error in a list of wallets would let nobody in, or leave nobody exempt."""
    errors: list[CheckMessage] = []
    for name in ("ADMIN_WALLETS", "QA_WALLETS", "ALLOWED_WALLETS"):
        for address in getattr(settings, name):
            try:
                parse_address(address)
            except ValidationError as exc:
                errors.append(Error(f"{name}: {address!r}: {exc.message}", id="wallets.E002"))
    return errors


@register(Tags.security, deploy=True)
def demo_wallet_in_production(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Whoever deploys should know that anybody can sign in with the demo wallet."""
    if not settings.DEMO_WALLET:
        return []
    return [Warning("The demo wallet is on: anybody can sign in with it.", id="wallets.W001")]
