from __future__ import annotations

from django.apps import AppConfig


class WalletsConfig(AppConfig):
    name = "wallets"

    def ready(self) -> None:
        """Register the system checks."""
        from wallets import checks  # noqa: F401, PLC0415 - checks need the models' fields
