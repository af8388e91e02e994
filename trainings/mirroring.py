"""Bringing a provider's files home: streamed, hashed, verified, stored, read again."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext as _

from datasets import storage
from loratrainer.fetching import fetch
from loratrainer.outcomes import TryAgainLater
from providers.base import RemoteFile
from trainings.weights import CHUNK, MAX_BYTES, NotALora, Weights, expect_weights, read_weights

WEIGHTS_NAME = "weights.safetensors"
MAX_CONFIG_BYTES = 1_000_000
TAR_EXTRA_BYTES = 50_000_000
"""A trainer's tar holds captions and config beside the weights."""
TRANSFER_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in our storage."""

    name: str
    size: int
    """In bytes."""
    sha256: str


def mirror_weights(
    remote: RemoteFile, folder: str, *, hosts: str, progress: Callable[[int], None]
) -> tuple[Stored, Weights]:
    """Store a provider's weights in a folder of their own, verified.

    `hosts` is an entry of `settings.FETCH_HOSTS`; `progress` is told the bytes so far, about once
    a second. Raises `NotALora`, `Gone` and other `GiveUp`s, and `TryAgainLater`.
    """
    with _brought(remote, hosts=hosts, max_bytes=MAX_BYTES, progress=progress) as file:
        weights = read_weights(file)
        return _store(file, folder, WEIGHTS_NAME, weights.size, weights.sha256), weights


def mirror_config(remote: RemoteFile, folder: str, *, hosts: str) -> Stored:
    """Store a provider's config in a folder of its own. Raises like `mirror_weights`."""
    with _brought(remote, hosts=hosts, max_bytes=MAX_CONFIG_BYTES) as file:
        digest = hashlib.file_digest(cast(Any, file), "sha256")
        size = file.tell()
        return _store(file, folder, config_name(remote), size, digest.hexdigest())


def config_name(remote: RemoteFile) -> str:
    """What the config is called with us: trainers write JSON or YAML."""
    path = remote.inside or urlsplit(remote.url).path
    return "config.yaml" if path.endswith((".yaml", ".yml")) else "config.json"


@contextmanager
def _brought(
    remote: RemoteFile,
    *,
    hosts: str,
    max_bytes: int,
    progress: Callable[[int], None] | None = None,
) -> Iterator[IO[bytes]]:
    """The provider's file, at its start, in a temporary file on our disk."""
    folder = settings.VAR_DIR / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    is_weights = max_bytes == MAX_BYTES
    with tempfile.TemporaryFile(dir=folder) as file:
        fetch(
            remote.url,
            into=file,
            allowed=settings.FETCH_HOSTS[hosts],
            max_bytes=MAX_BYTES + TAR_EXTRA_BYTES if remote.inside else max_bytes,
            timeout_in=TRANSFER_SECONDS,
            expect=expect_weights if is_weights and not remote.inside else None,
            progress=progress,
        )
        file.seek(0)
        if not remote.inside:
            yield file
            return
        with tempfile.TemporaryFile(dir=folder) as member:
            _extract(file, remote.inside, member, max_bytes=max_bytes)
            member.seek(0)
            yield member


def _extract(archive: IO[bytes], inside: str, into: IO[bytes], *, max_bytes: int) -> None:
    """Copy the one member whose name ends so. No path of the tar is ever opened on our disk."""
    try:
        with tarfile.open(fileobj=archive) as tar:
            members = [found for found in tar if found.isfile() and found.name.endswith(inside)]
            if len(members) != 1 or members[0].size > max_bytes:
                raise NotALora(
                    _("The trainer's archive does not hold the one file that we expect.")
                )
            source = tar.extractfile(members[0])
            while source is not None and (chunk := source.read(CHUNK)):
                into.write(chunk)
    except (tarfile.TarError, EOFError, OSError) as exc:
        raise NotALora(_("The trainer's archive cannot be read.")) from exc


def _store(file: IO[bytes], folder: str, filename: str, size: int, sha256: str) -> Stored:
    """Put the file alone into a folder of the storage, and read its size there."""
    name = f"{folder}/{filename}"
    file.seek(0)
    storage.delete_folder(folder)  # An earlier run of this step may have come as far.
    storage.save(name, File(file, name=name))
    found = storage.size(name)
    if found != size:
        raise TryAgainLater(_("Our storage did not keep the whole file. We try again."))
    return Stored(name, size, sha256)
