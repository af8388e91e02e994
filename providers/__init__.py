"""Services that train and run LoRAs: `settings.PROVIDERS`, configured like Django's `STORAGES`."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from providers.base import Provider

__all__ = ["Provider", "get_provider", "get_providers"]


@cache
def get_provider(alias: str) -> Provider:
    """Return the provider of an alias. Raises `ImproperlyConfigured` for one that has no entry."""
    try:
        entry: dict[str, Any] = settings.PROVIDERS[alias]
    except KeyError as error:
        raise ImproperlyConfigured(f"PROVIDERS has no entry {alias!r}.") from error
    provider: Provider = import_string(entry["BACKEND"])(**entry.get("OPTIONS", {}))
    return provider


def get_providers() -> dict[str, Provider]:
    """Return all providers by their aliases, in the order of the settings."""
    return {alias: get_provider(alias) for alias in settings.PROVIDERS}


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "PROVIDERS":
        get_provider.cache_clear()


setting_changed.connect(_forget, dispatch_uid="providers")
