"""Who: a wallet, and the texts that wallets are asked to sign."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Self
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, models, transaction
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac
from siwe import ISO8601Datetime, SiweMessage  # type: ignore[import-untyped]

from wallets.fields import AddressField
from wallets.keys import ApiKey as ApiKey  # noqa: PLC0414 - Django finds models here only
from wallets.notices import Notice as Notice  # noqa: PLC0414 - and with it the destinations

EXPLORERS = {8453: "https://basescan.org", 84532: "https://sepolia.basescan.org"}
"""Block explorers of Base and Base Sepolia, by chain id."""
CHALLENGES_PER_NETWORK = 60
"""How many challenges one network may ask for within the lifetime of one."""


def shorten_address(address: str) -> str:
    """Return the first six and the last four characters: `0x1234…abcd`."""
    return f"{address[:6]}…{address[-4:]}"


def is_listed(address: str, addresses: Sequence[str]) -> bool:
    """Say whether a setting's list holds the address: all 20 bytes count, capitals do not."""
    return address.lower() in {listed.strip().lower() for listed in addresses}


def is_exempt(address: str) -> bool:
    """Say whether the address pays nothing and has no daily limit."""
    return is_listed(address, [*settings.ADMIN_WALLETS, *settings.QA_WALLETS])


def may_sign_in(address: str) -> bool:
    """Say whether the address may come in: anybody, unless `ALLOWED_WALLETS` names some."""
    allowed = settings.ALLOWED_WALLETS
    return not allowed or is_listed(address, allowed) or is_exempt(address)


def _new_salt() -> str:
    return secrets.token_hex(16)


class Wallet(AbstractBaseUser):
    """A person, as far as we know them: an address on Base whose key they hold."""

    password = None  # type: ignore[assignment]
    address = AddressField(unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    session_salt = models.CharField(max_length=32, default=_new_salt, editable=False)
    """Every session carries a hash of it; a new salt ends them all."""

    USERNAME_FIELD = "address"
    objects = models.Manager["Wallet"]()

    def __str__(self) -> str:
        return self.address

    @property
    def short_address(self) -> str:
        """The address as pages show it: `0x1234…abcd`."""
        return shorten_address(self.address)

    @property
    def explorer_url(self) -> str:
        """The address on the chain's block explorer."""
        explorer = EXPLORERS.get(settings.CHAIN_ID, EXPLORERS[8453])
        return f"{explorer}/address/{self.address}"

    @property
    def is_admin(self) -> bool:
        """Whether `ADMIN_WALLETS` names this wallet."""
        return is_listed(self.address, settings.ADMIN_WALLETS)

    @property
    def is_qa(self) -> bool:
        """Whether `QA_WALLETS` names this wallet."""
        return is_listed(self.address, settings.QA_WALLETS)

    @property
    def is_exempt(self) -> bool:
        """Whether this wallet pays nothing and has no daily limit."""
        return is_exempt(self.address)

    @property
    def is_staff(self) -> bool:
        """What Django's admin asks."""
        return self.is_admin

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """What Django's admin asks: admins may do what there is to do."""
        return self.is_admin

    def has_module_perms(self, app_label: str) -> bool:
        """What Django's admin asks."""
        return self.is_admin

    def get_session_auth_hash(self) -> str:
        """Return what a session must carry to be this wallet's (instead of Django's password)."""
        return self._session_hash(settings.SECRET_KEY)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Yield what sessions carry that began under an earlier `SECRET_KEY`."""
        return map(self._session_hash, settings.SECRET_KEY_FALLBACKS)

    def _session_hash(self, secret: str) -> str:
        mac = salted_hmac("wallets.session", self.session_salt, secret=secret, algorithm="sha256")
        return mac.hexdigest()

    def end_sessions(self) -> None:
        """Sign this wallet out everywhere."""
        self.session_salt = _new_salt()
        self.save(update_fields=["session_salt"])


class TooManyChallenges(Exception):
    """The network has asked for so many challenges that it must wait."""


class ChallengeQuerySet(models.QuerySet["Challenge"]):
    def fresh(self) -> Self:
        """Those whose lifetime is not over, by the database's clock."""
        return self.filter(created_at__gt=Now() - settings.CHALLENGE_LIFETIME)

    def stale(self) -> Self:
        """Those whose lifetime is over."""
        return self.filter(created_at__lte=Now() - settings.CHALLENGE_LIFETIME)


class Challenge(models.Model):
    """A text (EIP-4361) that one address may sign once, in one browser, within five minutes.

    The text never leaves the server's hands: the browser sends back this row's id and a signature.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    address = AddressField()
    chain_id = models.PositiveBigIntegerField()
    text = models.TextField()
    browser = models.BinaryField(max_length=32)
    """The hash of a secret that only the asking browser holds."""
    network = models.CharField(max_length=43)
    """Where it was asked for; counted, and gone with the row."""
    created_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True)

    objects = ChallengeQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["network", "created_at"], name="challenge_network"),
            models.Index(fields=["created_at"], name="challenge_created"),
        )

    def __str__(self) -> str:
        return f"{self.id} for {self.address}"

    @classmethod
    def issue(cls, address: str, *, browser_secret: str, network: str) -> Challenge:
        """Write and keep a text for the address and this browser.

        Raises `TooManyChallenges` when the network has had its share; callers that come at the same
        moment are counted one after the other.
        """
        with transaction.atomic():
            issued_at = _lock(network)
            if cls.objects.fresh().filter(network=network).count() >= CHALLENGES_PER_NETWORK:
                raise TooManyChallenges
            return cls.objects.create(
                address=address,
                chain_id=settings.CHAIN_ID,
                text=_sign_in_text(address, issued_at),
                browser=_hash(browser_secret),
                network=network,
                created_at=issued_at,
            )

    @classmethod
    def consume(cls, pk: Any, *, browser_secret: str) -> Challenge:
        """Take the challenge. One caller gets it, once; all others get `Challenge.DoesNotExist`."""
        taken = (
            cls.objects.fresh()
            .filter(pk=pk, browser=_hash(browser_secret), consumed_at=None)
            .update(consumed_at=Now())
        )
        if not taken:
            raise cls.DoesNotExist
        return cls.objects.get(pk=pk)


def sweep_challenges() -> None:
    """Remove the challenges whose lifetime is over; they do not count any more either."""
    Challenge.objects.stale().delete()


def _lock(network: str) -> datetime:
    """Let others of this network wait until the transaction ends; return the database's time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [network])
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def _sign_in_text(address: str, issued_at: datetime) -> str:
    """The EIP-4361 text. Its domain is the settings', not the one that the browser asked for."""
    message = SiweMessage(
        domain=settings.SITE_HOST,
        address=address,
        statement="Sign in. This costs nothing and sends no transaction.",
        uri=settings.SITE_URL,
        version="1",
        chain_id=settings.CHAIN_ID,
        nonce=secrets.token_hex(16),
        issued_at=ISO8601Datetime.from_datetime(issued_at),
        expiration_time=ISO8601Datetime.from_datetime(issued_at + settings.CHALLENGE_LIFETIME),
    )
    return str(message.prepare_message())


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
