from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Wallet(AbstractBaseUser):
    """A person, as far as we know them: an address on Base."""

    password = None  # type: ignore[assignment]
    address = models.CharField(max_length=42, unique=True)

    USERNAME_FIELD = "address"
    objects = BaseUserManager["Wallet"]()
