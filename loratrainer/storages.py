"""Where files are kept, as the setting `STORAGE` says; part of `settings`.

The options are those of django-storages' S3 and Google Cloud backends
(https://django-storages.readthedocs.io/en/1.14.6/).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from loratrainer.environment import env

IN_MEMORY = 8 * 2**20
"""How much of an open file, and of an upload's part, stays in memory, in bytes."""


def storage_of(kind: str, *, var: Path) -> dict[str, Any]:
    """The `STORAGES` entry of "disk", "s3" or "gcs"; the disk is a folder below `var`.

    Raises `ImproperlyConfigured`, with the name of the variable that is missing or wrong.
    """
    match kind:
        case "disk":
            options = {"location": str(var / "media"), "base_url": "/media/"}
            return {"BACKEND": "datasets.storage.DiskStorage", "OPTIONS": options}
        case "s3":
            return {"BACKEND": "datasets.clouds.AmazonStorage", "OPTIONS": _amazon()}
        case "gcs":
            return {"BACKEND": "datasets.clouds.GoogleStorage", "OPTIONS": _google()}
    raise ImproperlyConfigured(f"STORAGE must be disk, s3 or gcs, not {kind!r}.")


def _amazon() -> dict[str, Any]:
    key, secret = env.str("S3_ACCESS_KEY", ""), env.str("S3_SECRET_KEY", "")
    if bool(key) != bool(secret):
        missing = "S3_SECRET_KEY" if key else "S3_ACCESS_KEY"
        raise ImproperlyConfigured(f"{missing} is missing: set both keys, or none of them.")
    return {
        "bucket_name": _needed("S3_BUCKET", kind="s3"),
        "region_name": _needed("S3_REGION", kind="s3"),
        "access_key": key or None,
        "secret_key": secret or None,
        "endpoint_url": env.str("S3_ENDPOINT_URL", "") or None,
        "addressing_style": "path",
        "signature_version": "s3v4",
        "file_overwrite": False,
        "default_acl": None,
        "max_memory_size": IN_MEMORY,
    }


def _google() -> dict[str, Any]:
    from google.oauth2.service_account import Credentials  # noqa: PLC0415 - slow, and seldom needed

    path = _needed("GCS_CREDENTIALS", kind="gcs")
    try:
        credentials = Credentials.from_service_account_file(path)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        words = f"GCS_CREDENTIALS must be the path of a service account's key file: {error}"
        raise ImproperlyConfigured(words) from error
    return {
        "bucket_name": _needed("GCS_BUCKET", kind="gcs"),
        "project_id": credentials.project_id,
        "credentials": credentials,
        "file_overwrite": False,
        "blob_chunk_size": IN_MEMORY,
        "max_memory_size": IN_MEMORY,
    }


def _needed(name: str, *, kind: str) -> str:
    value: str = env.str(name, "")
    if not value:
        raise ImproperlyConfigured(f"STORAGE={kind} needs {name}, as .env.example explains.")
    return value
