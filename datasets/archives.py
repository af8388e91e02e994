"""The ZIP that a trainer gets: pictures, and a text file of the same name beside each.

Two builds of the same dataset are the same bytes: order, names, dates and permissions are fixed.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

from django.core.files.base import File
from django.utils.translation import gettext as _

from datasets import decoding, storage
from datasets.folders import TemporaryFolder, discard
from datasets.models import Dataset
from datasets.pictures import Picture
from loratrainer.outcomes import GiveUp, TryAgainLater

FORGOTTEN_AFTER = timedelta(days=1)
SWEEP_LIMIT = 50
"""How many folders one sweep removes."""
FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The earliest that a ZIP can write down."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A ZIP in the storage."""

    name: str
    size: int
    """In bytes."""
    sha256: str

    def signed_url(self, expires_in: timedelta) -> str:
        """An address that the provider can read it at; its path ends in ".zip"."""
        return storage.signed_url(self.name, expires_in=expires_in)


def training_caption(caption: str, *, trigger_word: str, kind: str) -> str:
    """The caption that a trainer gets: with the trigger word in it, once, and on one line.

    A style is named at the end ("... in the style of TOK"), a character or product at the start; a
    picture without caption has the trigger word alone.
    """
    line = " ".join(caption.split())
    if re.search(rf"(?<!\w){re.escape(trigger_word)}(?!\w)", line, re.IGNORECASE):
        return line
    if not line:
        return trigger_word
    if kind == "style":
        return f"{line.rstrip(' .,;:')} in the style of {trigger_word}"
    return f"{trigger_word}, {line}"


def build(dataset: Dataset, name: str, *, trigger_word: str, kind: str) -> Archive:
    """Write the archive of the chosen pictures into the storage, in constant memory.

    `name` must be unique to the attempt and lie in a folder of its own, which the sweep removes
    after a day if nobody called `remove`. Another build with the same name replaces it. Raises
    `GiveUp` when a picture is lost, `TryAgainLater` when disk or storage do not take it.
    """
    folder = name.rpartition("/")[0]
    TemporaryFolder.expire([folder], expires_in=FORGOTTEN_AFTER)
    with tempfile.TemporaryFile() as file:
        try:
            write(
                dataset,
                file,
                caption=lambda picture: training_caption(
                    picture.caption, trigger_word=trigger_word, kind=kind
                ),
            )
        except OSError as error:
            raise TryAgainLater(_("There is no room for the archive just now.")) from error
        size = file.tell()
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        storage.delete_folder(folder)
        storage.save(name, File(file, name=name))
    return Archive(name=name, size=size, sha256=sha256)


def write(dataset: Dataset, into: IO[bytes], *, caption: Callable[[Picture], str]) -> None:
    """Write the chosen pictures with these captions; empty ones get no file. Raises `GiveUp`."""
    with zipfile.ZipFile(into, "w") as archive:
        for number, picture in enumerate(dataset.pictures.chosen().kept(), 1):
            try:
                content = storage.read(picture.source)
            except storage.Missing as error:
                lost = _("Picture {number} is lost. Remove it or load it again.")
                raise GiveUp(lost.format(number=number)) from error
            if picture.rotation or picture.crop:
                content = decoding.full(content, picture.rotation, picture.crop)
            archive.writestr(_entry(f"{number:03}{picture.suffix}"), content)
            if text := caption(picture):
                archive.writestr(_entry(f"{number:03}.txt"), text.encode())


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, FIRST_MOMENT)
    entry.create_system = 3  # Unix, on every system.
    entry.external_attr = 0o100644 << 16
    return entry


def remove(name: str) -> None:
    """Have an archive removed by the next sweep, if this transaction comes to pass."""
    discard([name.rpartition("/")[0]])


def sweep() -> None:
    """Remove the folders that are not needed any more, and drafts that nobody can open."""
    for folder in TemporaryFolder.objects.expired().order_by("expires_at")[:SWEEP_LIMIT]:
        if folder.take():
            folder.remove()
    for dataset in Dataset.objects.forgotten()[:SWEEP_LIMIT]:
        dataset.remove()
