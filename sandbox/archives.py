"""Reads the ZIP of a training as the trainers do: pictures, and a caption beside each."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image, ImageOps

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
LONGEST_SIDE = 768
"""The size, in pixels, to which a picture is reduced before it is learned."""
LARGEST = 64_000_000
"""The largest picture in pixels, and more than any camera makes."""
MOST_ENTRIES = 2000
MOST_BYTES = 2**30


class Unreadable(Exception):
    """The archive is not what a trainer needs; the message says why."""


@dataclass(frozen=True, slots=True)
class TrainingPicture:
    """One picture of a training set, reduced, in RGB."""

    name: str
    image: Image.Image
    caption: str
    """What the text file beside it says; empty when there is none."""


def read(path: Path) -> list[TrainingPicture]:
    """Read all pictures, sorted by name. Raises `Unreadable`.

    Folders, `__MACOSX/` and `._*` are passed over like in replicate/flux-fine-tuner, and so are the
    masks (`photo_mask.jpg`) that fal's trainer takes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _pictures(archive)
    except (
        zipfile.BadZipFile,
        NotImplementedError,  # A compression that `zipfile` does not know.
        RuntimeError,  # A password.
        EOFError,
        OSError,
        zlib.error,
    ) as error:
        raise Unreadable("The file is not a readable ZIP archive") from error


def _pictures(archive: zipfile.ZipFile) -> list[TrainingPicture]:
    entries = [entry for entry in archive.infolist() if not _ignored(entry)]
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise Unreadable("The archive is too large")
    captions = {
        PurePosixPath(entry.filename).with_suffix(""): entry
        for entry in entries
        if entry.filename.lower().endswith(".txt")
    }
    pictures = []
    for entry in sorted(entries, key=lambda entry: entry.filename):
        name = PurePosixPath(entry.filename)
        if name.suffix.lower() not in SUFFIXES or name.stem.endswith("_mask"):
            continue
        text = captions.get(name.with_suffix(""))
        caption = archive.read(text).decode("utf-8", "replace").strip() if text else ""
        pictures.append(TrainingPicture(name.name, _reduced(archive.read(entry), name), caption))
    return pictures


def _ignored(entry: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(entry.filename)
    return entry.is_dir() or name.parts[0] == "__MACOSX" or name.name.startswith(".")


def _reduced(data: bytes, name: PurePosixPath) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > LARGEST:
                raise Unreadable(f"{name} is too large")
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unreadable(f"{name} is not a readable picture") from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return upright
