from __future__ import annotations

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        """Register the system checks."""
        from payments import checks  # noqa: F401, PLC0415 - checks need the models' fields
