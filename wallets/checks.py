"""What must not be, found before the site starts (`manage.py check`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - its name
from django.core.exceptions import ValidationError

from wallets.demo import is_available
from wallets.fields import parse_address
from wallets.push import public_key


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


@register(Tags.security)
def notices_can_be_sent(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """A key that is none, or mail from nobody, would be found out by the first who waits for it."""
    errors: list[CheckMessage] = []
    try:
        public_key()
    except ValueError:
        words = "VAPID_PRIVATE_KEY is not 32 bytes in base64url."
        errors.append(Error(words, hint="Make one as .env.example explains.", id="wallets.E003"))
    if settings.MAIL_SECURITY not in {"starttls", "tls", "none"}:
        errors.append(Error("MAIL_SECURITY is not starttls, tls or none.", id="wallets.E004"))
    if settings.MAIL_HOST and settings.DEFAULT_FROM_EMAIL == "webmaster@localhost":
        hint = "Set it to the address that mails come from."
        errors.append(
            Error("MAIL_HOST is set, and MAIL_FROM is not.", hint=hint, id="wallets.E005")
        )
    return errors
