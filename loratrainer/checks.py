"""What `manage.py check --deploy` says about a deployment that is not one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004


@register(Tags.security, deploy=True)
def check_outside_worlds(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse the sandbox, where nothing is real: no payment, no training, no weights."""
    return [
        Error(
            f"{name} is not set, so this outside world is the sandbox.",
            hint="Set it, as .env.example explains.",
            id="loratrainer.E001",
        )
        for name in settings.SANDBOXED
    ]


@register(Tags.security, deploy=True)
def check_embedded_parts(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse what only a local installation may use."""
    found: list[CheckMessage] = []
    if settings.LOCAL:
        found.append(
            Error(
                "SECRET_KEY is not set, so this is a local installation.",
                hint="Set it to a long random text that stays the same.",
                id="loratrainer.E002",
            )
        )
    if not settings.REDIS_URL:
        found.append(
            Warning(
                "REDIS_URL is not set, so messages are files, which only one machine can read.",
                hint="Set it to the Redis that web, worker and beat share.",
                id="loratrainer.W001",
            )
        )
    if settings.STORAGE == "disk":
        found.append(
            Warning(
                "STORAGE is disk, so only processes that share this disk see each other's files.",
                hint="Set it to s3 or gcs; or let web and worker share VAR_DIR.",
                id="loratrainer.W003",
            )
        )
    if settings.FAL_KEY and not settings.PROVIDERS["fal"]["OPTIONS"]["user_id"]:
        found.append(
            Warning(
                "FAL_USER_ID is not set, so any customer of fal.ai can make it ring for us.",
                hint="Set it to the user id of your account at fal.ai.",
                id="loratrainer.W002",
            )
        )
    if not settings.LOCAL and not settings.ADMIN_SECOND_FACTOR:
        found.append(
            Warning(
                "ADMIN_SECOND_FACTOR is off, so an admin's wallet alone opens the admin's pages.",
                hint="Leave it out.",
                id="loratrainer.W004",
            )
        )
    return found
