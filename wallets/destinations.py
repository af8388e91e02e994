"""Where a wallet hears what became of its trainings: browsers, mailboxes, webhooks of its own."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from wallets.models import Wallet

DESTINATIONS_PER_KIND = 5
"""How many browsers, mailboxes and webhooks a wallet may have, of each."""
ADDRESS_LENGTH = 1000
CONFIRMED_WITHIN = timedelta(days=1)
"""How long the link in a mail confirms the address, and a removed destination is remembered."""
MAX_FAILURES = 3
"""After so many notices in a row that could not be delivered, a destination is switched off."""
TESTED_AGAIN_IN = timedelta(seconds=15)

BROWSERS = {
    "fcm.googleapis.com": "Chrome, Edge, Opera",
    "updates.push.services.mozilla.com": "Firefox",
    "push.apple.com": "Safari",
    "notify.windows.com": "Edge",
}
"""Whose push service it is tells about the browser, and nothing else does."""


class TooMany(Exception):
    """The wallet has as many as it may, or asks too often; the message is for its owner."""


class Kind(models.TextChoices):
    PUSH = "push"
    MAIL = "mail"
    WEBHOOK = "webhook"


class DestinationQuerySet(models.QuerySet["Destination"]):
    def live(self) -> Self:
        """Those that their owner has not removed."""
        return self.filter(removed_at=None)

    def of(self, kind: Kind) -> Self:
        """Those of one kind, the oldest first."""
        return self.filter(kind=kind).order_by("created_at", "id")

    def usable(self) -> Self:
        """Those that get notices: live, switched on, a mailbox confirmed, and sent to from here."""
        confirmed = ~Q(kind=Kind.MAIL) | Q(confirmed_at__isnull=False)
        return self.live().filter(confirmed, kind__in=offered(), disabled_at=None)


class Destination(models.Model):
    """One browser, mailbox or webhook of a wallet.

    A removed one stays for a day, so that whoever removes and adds an address in turn cannot make
    us write to it without end.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    wallet = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="destinations", editable=False
    )
    kind = models.CharField(max_length=10, choices=Kind, editable=False)
    address = models.CharField(max_length=ADDRESS_LENGTH, editable=False)
    """A push service's address of the browser, a mail address, or a webhook's address."""
    browser_key = models.CharField(max_length=100, blank=True, editable=False)
    """For push: the browser's public key, `p256dh` (RFC 8291), in base64url."""
    browser_secret = models.CharField(max_length=40, blank=True, editable=False)
    """For push: what the browser shares with us, `auth`, in base64url."""
    secret = models.CharField(max_length=60, blank=True, editable=False)
    """For a webhook: what it is signed with, in the notation of Standard Webhooks."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)
    """For mail: when somebody who reads the mailbox agreed."""
    removed_at = models.DateTimeField(null=True, editable=False)
    disabled_at = models.DateTimeField(null=True, editable=False)
    """When it was switched off, because nothing arrived there any more."""
    failures = models.PositiveIntegerField(default=0, editable=False)
    """Notices in a row that could not be delivered."""
    tested_at = models.DateTimeField(null=True, editable=False)
    """When its owner last asked for a test."""
    heard_at = models.DateTimeField(null=True, editable=False)
    """When it last answered, or should have."""
    trouble = models.CharField(max_length=200, blank=True, editable=False)
    """What went wrong there last, in words; empty when it went well."""

    objects = DestinationQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["wallet", "kind", "address"],
                condition=Q(removed_at=None),
                name="one_destination_per_address",
            ),
            # A browser tells one person: whoever allows it last.
            models.UniqueConstraint(
                fields=["address"],
                condition=Q(removed_at=None, kind="push"),
                name="one_wallet_per_browser",
            ),
            models.CheckConstraint(
                condition=~Q(kind="push") | ~Q(browser_key="") & ~Q(browser_secret=""),
                name="browser_has_keys",
            ),
            models.CheckConstraint(
                condition=~Q(kind="webhook") | ~Q(secret=""), name="webhook_has_secret"
            ),
        )
        indexes = (
            models.Index(fields=["address"], name="destination_address"),
            models.Index(
                fields=["created_at"],
                name="destination_to_forget",
                condition=Q(removed_at__isnull=False) | Q(kind="mail", confirmed_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_tested(self) -> bool:
        """Whether a test is on its way, and nothing was heard of it yet."""
        heard, tested = self.heard_at, self.tested_at
        return tested is not None and (heard is None or heard < tested)

    @property
    def browser(self) -> str:
        """Which browsers have their push service there."""
        host = self.address.partition("://")[2].partition("/")[0]
        return next((name for end, name in BROWSERS.items() if host.endswith(end)), host)

    @property
    def confirm_token(self) -> str:
        """What the link in a mail proves with, for a day, that somebody reads the mailbox."""
        return signing.TimestampSigner(salt="wallets.confirm").sign(str(self.pk))

    @property
    def unsubscribe_token(self) -> str:
        """What every mail carries to end the mails; it works for ever."""
        return signing.Signer(salt="wallets.unsubscribe").sign(str(self.pk))

    @classmethod
    def add_browser(cls, wallet: Wallet, address: str, *, key: str, secret: str) -> Destination:
        """Let a browser hear; one that told another wallet tells this one now. Raises `TooMany`."""
        with transaction.atomic():
            others = cls.objects.live().filter(kind=Kind.PUSH, address=address)
            others.exclude(wallet=wallet).update(removed_at=Now())
            added = cls._add(wallet, Kind.PUSH, address, browser_key=key, browser_secret=secret)
            cls.objects.filter(pk=added.pk).update(browser_key=key, browser_secret=secret)
        return added

    @classmethod
    def add_mailbox(cls, wallet: Wallet, address: str) -> Destination:
        """Keep a mail address, which counts once it is confirmed. Raises `TooMany`."""
        return cls._add(wallet, Kind.MAIL, address)

    @classmethod
    def add_webhook(cls, wallet: Wallet, address: str) -> Destination:
        """Keep the address of a webhook and make its secret, of 256 bits. Raises `TooMany`."""
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        return cls._add(wallet, Kind.WEBHOOK, address, secret=secret)

    @classmethod
    def _add(cls, wallet: Wallet, kind: Kind, address: str, **fields: str) -> Destination:
        with transaction.atomic():
            # Requests of the same moment are counted one after the other.
            get_user_model().objects.select_for_update().get(pk=wallet.pk)
            mine = wallet.destinations.live().of(kind)
            if known := mine.filter(address=address).first():
                return known
            if mine.count() >= DESTINATIONS_PER_KIND:
                words = _("A wallet has at most {number} of them. Remove one first.")
                raise TooMany(words.format(number=DESTINATIONS_PER_KIND))
            return cls.objects.create(wallet=wallet, kind=kind, address=address, **fields)

    def remove(self) -> None:
        """Send nothing there any more. Removing it again changes nothing."""
        Destination.objects.live().filter(pk=self.pk).update(removed_at=Now())

    def confirm(self) -> bool:
        """Somebody who reads the mailbox agrees; False if it was removed meanwhile."""
        rows = Destination.objects.live().filter(pk=self.pk, kind=Kind.MAIL)
        rows.filter(confirmed_at=None).update(confirmed_at=Now())
        return rows.exists()

    def enable(self) -> None:
        """Switch it on again; what went wrong before is forgotten."""
        Destination.objects.filter(pk=self.pk).update(disabled_at=None, failures=0, trouble="")

    def begin_test(self) -> bool:
        """Whether a test may be sent now; the next one may a moment later."""
        rested = Q(tested_at=None) | Q(tested_at__lte=Now() - TESTED_AGAIN_IN)
        rows = Destination.objects.live().filter(rested, pk=self.pk)
        begun = bool(rows.update(tested_at=Now()))
        self.refresh_from_db(fields=["tested_at"])
        return begun

    def hear(self, trouble: str = "") -> None:
        """Keep how it went there last: well, or with these words."""
        changes = {"heard_at": Now(), "trouble": trouble[:200]}
        Destination.objects.filter(pk=self.pk).update(**changes)

    def succeed(self) -> None:
        """A notice was delivered there."""
        Destination.objects.filter(pk=self.pk).update(failures=0)
        self.hear()

    def give_up(self, trouble: str) -> None:
        """A notice could not be delivered there; after several in a row no more are sent."""
        rows = Destination.objects.filter(pk=self.pk)
        rows.update(failures=F("failures") + 1)
        rows.filter(failures__gte=MAX_FAILURES, disabled_at=None).update(disabled_at=Now())
        self.hear(trouble)

    def disable(self, trouble: str) -> None:
        """Switch it off, because it says that it wants no more."""
        Destination.objects.filter(pk=self.pk, disabled_at=None).update(disabled_at=Now())
        self.hear(trouble)


def offered() -> list[Kind]:
    """The kinds that this site can send to: push needs a key, mail a server."""
    kinds = [Kind.PUSH] if settings.VAPID_PRIVATE_KEY else []
    if settings.MAIL_HOST:
        kinds.append(Kind.MAIL)
    return [*kinds, Kind.WEBHOOK]


def to_confirm(token: str) -> tuple[bool, Destination | None]:
    """Say whether a link is ours, and return the mailbox if it can still be confirmed."""
    signer = signing.TimestampSigner(salt="wallets.confirm")
    try:
        pk = signer.unsign(token, max_age=CONFIRMED_WITHIN)
    except signing.SignatureExpired:
        return True, None
    except signing.BadSignature:
        return False, None
    return True, Destination.objects.live().filter(pk=pk).first()


def to_unsubscribe(token: str) -> tuple[bool, Destination | None]:
    """Say whether a link is ours, and return the mailbox if it still gets mails."""
    try:
        pk = signing.Signer(salt="wallets.unsubscribe").unsign(token)
    except signing.BadSignature:
        return False, None
    return True, Destination.objects.live().filter(pk=pk).first()


def sweep() -> None:
    """Forget what was removed, and mailboxes that nobody confirmed, a day later."""
    unconfirmed = Q(kind=Kind.MAIL, confirmed_at=None, created_at__lte=Now() - CONFIRMED_WITHIN)
    removed = Q(removed_at__lte=Now() - CONFIRMED_WITHIN)
    Destination.objects.filter(removed | unconfirmed).delete()
