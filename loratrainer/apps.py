from __future__ import annotations

from django.apps import AppConfig


class LoraTrainerConfig(AppConfig):
    name = "loratrainer"

    def ready(self) -> None:
        """Register the checks."""
        from loratrainer import checks  # noqa: F401, PLC0415 - registers itself
