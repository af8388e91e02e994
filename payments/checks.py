"""What must not be, found before the site starts (`manage.py check`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - its name
from django.core.exceptions import ValidationError

from loratrainer.environment import env
from wallets.fields import parse_address


@register(Tags.security)
def treasury_is_ours(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Payments must reach somebody, and the sandbox's key is known to everybody."""
    try:
        treasury = parse_address(settings.TREASURY)
    except ValidationError as exc:
        return [
            Error(
                f"TREASURY is no address: {exc.message}",
                hint="Set it to the address on Base that payments go to.",
                id="payments.E001",
            )
        ]
    if treasury != settings.TREASURY:
        hint = f"Write it as {treasury}, so that a typing error is noticed."
        return [Error("TREASURY is not spelled as EIP-55 says.", hint=hint, id="payments.E002")]
    is_sandbox = settings.CHAIN_RPC_URL.startswith(settings.SANDBOX_URL)
    if treasury == settings.SANDBOX_TREASURY and not is_sandbox:
        return [
            Error(
                "TREASURY is the sandbox's, whose key is known to everybody.",
                hint="Set it to an address of your own.",
                id="payments.E003",
            )
        ]
    return []


@register(Tags.security)
def payments_are_counted_with_care(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Settings that would count payments which may vanish, or at a price that is none."""
    errors: list[CheckMessage] = []
    if settings.CONFIRMATIONS < 1:
        errors.append(Error("CONFIRMATIONS must be at least 1.", id="payments.E004"))
    try:
        is_spelled = parse_address(settings.PRICE_FEED) == settings.PRICE_FEED
    except ValidationError:
        is_spelled = False
    if not is_spelled:
        errors.append(Error("PRICE_FEED is no address by EIP-55.", id="payments.E005"))
    if not 0 < settings.PRICE_MIN_USD < settings.PRICE_MAX_USD:
        errors.append(Error("PRICE_MIN_USD must be below PRICE_MAX_USD.", id="payments.E006"))
    return errors


@register(Tags.security, deploy=True)
def a_second_node_is_asked(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """One node that lies, or was broken into, could invent payments."""
    if settings.CHAIN_WITNESS_URL not in ("", settings.CHAIN_RPC_URL):
        return []
    hint = "Set CHAIN_WITNESS_URL to the endpoint of another operator."
    return [Warning("Payments are counted on one node's word.", hint=hint, id="payments.W002")]


@register(Tags.security, deploy=True)
def refund_key_is_elsewhere(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Whoever breaks into a process that has the key can spend the account; the site needs none."""
    return [
        Warning(
            f"{name} is set, so every process with this environment can spend what pays refunds.",
            hint="Web, worker and beat need no key: set it for `manage.py refund` alone.",
            id="payments.W001",
        )
        for name in ("REFUND_KEY_FILE", "REFUND_PRIVATE_KEY")
        if env.str(name, "")
    ]
