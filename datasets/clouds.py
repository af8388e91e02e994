"""S3 and Google Cloud Storage, with signed addresses; imported only when the settings name them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from boto3.s3.transfer import TransferConfig  # type: ignore[import-untyped]
from google.api_core.exceptions import NotFound
from storages.backends.gcloud import GoogleCloudStorage  # type: ignore[import-untyped]
from storages.backends.s3 import S3Storage  # type: ignore[import-untyped]


def _disposition(filename: str) -> str:
    """Tell browsers to save under this name (RFC 6266); it is one of ours, never a stranger's."""
    return f'attachment; filename="{filename}"'


class AmazonStorage(S3Storage):  # type: ignore[misc]
    """A bucket on S3, or on anything that speaks its protocol."""

    def get_default_settings(self) -> dict[str, Any]:
        """The parent's, but one part of a file at a time: boto3's threads hold 100 MB of them."""
        settings: dict[str, Any] = super().get_default_settings()
        return settings | {"transfer_config": TransferConfig(use_threads=False)}

    def signed_url(self, name: str, *, expires_in: timedelta, filename: str = "") -> str:
        """See `datasets.storage.SigningStorage`. Signing asks nobody."""
        parameters = {"ResponseContentDisposition": _disposition(filename)} if filename else {}
        url: str = self.url(name, parameters=parameters, expire=int(expires_in.total_seconds()))
        return url


class GoogleStorage(GoogleCloudStorage):  # type: ignore[misc]
    """A bucket on Google Cloud Storage."""

    def size(self, name: str) -> int:
        """In bytes. Raises `FileNotFoundError`, as Django's own storages do."""
        try:
            return int(super().size(name))
        except NotFound as error:
            raise FileNotFoundError(name) from error

    def signed_url(self, name: str, *, expires_in: timedelta, filename: str = "") -> str:
        """See `datasets.storage.SigningStorage`. At most seven days (V4 signatures)."""
        parameters: dict[str, object] = {"expiration": expires_in}
        if filename:
            parameters["response_disposition"] = _disposition(filename)
        url: str = self.url(name, parameters=parameters)
        return url
