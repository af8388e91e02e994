"""Services that work for us, configured like Django's `STORAGES`.

`settings.PROVIDERS` train and run LoRAs; `settings.RETOUCHERS` describe pictures and cut them out.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from providers.base import Provider
from providers.retoucher import Retoucher

__all__ = [
    "Provider",
    "Retoucher",
    "get_provider",
    "get_providers",
    "get_retoucher",
    "get_services",
]


@cache
def get_provider(alias: str) -> Provider:
    """Return the provider of an alias. Raises `ImproperlyConfigured` for one that has no entry."""
    provider: Provider = _made("PROVIDERS", alias)
    return provider


def get_providers() -> dict[str, Provider]:
    """Return all providers by their aliases, in the order of the settings."""
    return {alias: get_provider(alias) for alias in settings.PROVIDERS}


def get_services() -> list[str]:
    """Return the names of the services whose trainers we have, each once."""
    return list(dict.fromkeys(provider.service for provider in get_providers().values()))


@cache
def get_retoucher(alias: str) -> Retoucher:
    """Return the retoucher of an alias. Raises `ImproperlyConfigured` for one without an entry."""
    retoucher: Retoucher = _made("RETOUCHERS", alias)
    return retoucher


def _made(setting: str, alias: str) -> Any:
    try:
        entry: dict[str, Any] = getattr(settings, setting)[alias]
    except KeyError as error:
        raise ImproperlyConfigured(f"{setting} has no entry {alias!r}.") from error
    return import_string(entry["BACKEND"])(**entry.get("OPTIONS", {}))


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "PROVIDERS":
        get_provider.cache_clear()
    elif setting == "RETOUCHERS":
        get_retoucher.cache_clear()


setting_changed.connect(_forget, dispatch_uid="providers")
