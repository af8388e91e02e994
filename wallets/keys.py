"""API keys: how a program says which wallet it works for."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from wallets.models import Wallet

KEYS_PER_WALLET = 20
NAME_LENGTH = 60
PREFIX = "lt_"
"""By which a key is recognised where it should not be, such as in a log or a repository."""
SHOWN = 8
"""So many characters of a key are kept, for its owner to tell it from the others."""
USED_WITHIN = timedelta(minutes=1)
"""How exactly the moment of the last use is kept, so that reading does not write each time."""


class TooManyKeys(Exception):
    """The wallet has as many keys as it may; the message is for its owner."""


class ApiKey(models.Model):
    """A key of a wallet, of which we keep only the hash: 256 random bits need no slow one."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    wallet = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys", editable=False
    )
    name = models.CharField(max_length=NAME_LENGTH)
    beginning = models.CharField(max_length=SHOWN, editable=False)
    """The first characters of the key."""
    digest = models.BinaryField(max_length=32, unique=True)
    """The SHA-256 of the key."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.beginning}…)"

    @classmethod
    def issue(cls, wallet: Wallet, name: str) -> tuple[Self, str]:
        """Return a new key's row, and the key itself, which nobody can read again.

        Raises `TooManyKeys`; requests of the same moment are counted one after the other.
        """
        secret = PREFIX + secrets.token_urlsafe(32)
        with transaction.atomic():
            get_user_model().objects.select_for_update().get(pk=wallet.pk)
            if wallet.api_keys.count() >= KEYS_PER_WALLET:
                words = _("A wallet has at most {number} keys. Revoke one first.")
                raise TooManyKeys(words.format(number=KEYS_PER_WALLET))
            key = cls.objects.create(
                wallet=wallet, name=name, beginning=secret[:SHOWN], digest=_hash(secret)
            )
        return key, secret

    @classmethod
    def wallet_of(cls, secret: str) -> Wallet | None:
        """Return the wallet whose key this is, and note that it was used; None if nobody's."""
        key = cls.objects.select_related("wallet").filter(digest=_hash(secret)).first()
        if key is None:
            return None
        unseen = Q(last_used_at=None) | Q(last_used_at__lte=Now() - USED_WITHIN)
        cls.objects.filter(unseen, pk=key.pk).update(last_used_at=Now())
        return key.wallet


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
