"""Where files are kept: a disk, S3 or Google Cloud Storage, as the setting `STORAGES` says.

They differ from Django's and django-storages' classes in one point: each can sign an address of a
file for somebody who has no account here, for a while. Our own disk does it with a token that
`datasets.views.file` reads.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any, Protocol, cast

from django.conf import settings
from django.core import signing
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage
from django.urls import reverse
from django.utils.translation import gettext as _

from loratrainer.outcomes import TryAgainLater

logger = logging.getLogger(__name__)

SALT = "datasets.storage"


class SigningStorage(Protocol):
    """What the storage of the settings can do beyond Django's interface."""

    def signed_url(self, name: str, *, expires_in: timedelta, filename: str = "") -> str:
        """An address that anybody can read the file at, until it expires.

        `filename` is what browsers save it as; without one they are told nothing.
        """
        ...


class DiskStorage(FileSystemStorage):
    """A folder of this machine, with addresses that this site answers itself."""

    def signed_url(self, name: str, *, expires_in: timedelta, filename: str = "") -> str:
        """See `SigningStorage`. The path ends in the name, because trainers go by its suffix."""
        filename = filename or PurePosixPath(name).name
        ends_at = int(time.time() + expires_in.total_seconds())
        token = signing.dumps([name, filename, ends_at], salt=SALT)
        return settings.SITE_URL + reverse("datasets:file", args=[token, filename])


def read_token(token: str, filename: str) -> str:
    """The name in the storage that a token of `DiskStorage.signed_url` opens.

    Raises `signing.BadSignature` when it is not ours, for another file, or too old.
    """
    name, signed_filename, ends_at = signing.loads(token, salt=SALT)
    if signed_filename != filename or ends_at < time.time():
        raise signing.SignatureExpired("This address has expired.")
    return str(name)


class Missing(Exception):
    """The storage does not have the file."""


def save(name: str, content: bytes | File[Any]) -> None:
    """Keep a file under exactly this name. Raises `TryAgainLater`."""
    with _answering():
        file = ContentFile(content) if isinstance(content, bytes) else content
        kept = default_storage.save(name, file)
        if kept != name:
            default_storage.delete(kept)
            raise FileExistsError(name)


def read(name: str) -> bytes:
    """A whole file. Raises `Missing` and `TryAgainLater`."""
    with _answering(), default_storage.open(name) as file:
        return cast(bytes, file.read())


def open_file(name: str) -> File[Any]:
    """A file to be read piece by piece. Raises `Missing` and `TryAgainLater`."""
    with _answering():
        return default_storage.open(name)


def size(name: str) -> int:
    """How many bytes the storage says that a file has. Raises `Missing` and `TryAgainLater`."""
    with _answering():
        return default_storage.size(name)


def delete_folder(name: str) -> None:
    """Remove all files of a folder, and the folder itself; no harm if it is not there.

    Raises `TryAgainLater`.
    """
    with _answering():
        try:
            _folders, files = default_storage.listdir(name)
        except FileNotFoundError:
            return
        for file in files:
            default_storage.delete(f"{name}/{file}")
        default_storage.delete(name)  # On a disk it is left over; elsewhere there is no such thing.


def signed_url(name: str, *, expires_in: timedelta, filename: str = "") -> str:
    """See `SigningStorage`; for the storage of the settings."""
    with _answering():
        storage = cast(SigningStorage, default_storage)
        return storage.signed_url(name, expires_in=expires_in, filename=filename)


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what the three storages raise into what our callers can do about it."""
    try:
        yield
    except FileNotFoundError as error:
        raise Missing(str(error)) from error
    except Exception as error:
        # boto3, google-cloud and the operating system agree on nothing else.
        logger.exception("The storage failed")
        raise TryAgainLater(_("Our storage did not answer. We try again.")) from error
