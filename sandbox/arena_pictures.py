"""The bytes of the pictures on Are.na: drawn, photographed, or wrong on purpose.

A picture knows its size before it exists; its bytes are made when somebody asks for them.
"""

from __future__ import annotations

import importlib.util
import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from sandbox import art

CONTENT_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "svg": "image/svg+xml",
}
BOUNDS = {"small": 400, "medium": 800, "large": 1400, "square": 600}
"""The longer side of the resized pictures, in pixels; a square is cropped."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What an image block shows; width and height as Are.na tells them, in pixels."""

    make: Callable[[], bytes]
    width: int
    height: int
    suffix: str = "jpg"

    @property
    def content_type(self) -> str:
        """The type that Are.na claims; it goes by the name of the file, not by its bytes."""
        return CONTENT_TYPES[self.suffix]


def drawn(style: str, seed: int, size: tuple[int, int] | None = None) -> Picture:
    """Return a picture in one of the styles of `sandbox.art`, in its own size by default."""
    width, height = size or (art.STYLES[style].width, art.STYLES[style].height)
    return Picture(partial(_draw, style, seed, width, height), width, height)


def photograph(package: str, path: str, width: int, height: int) -> Picture:
    """Return a picture that ships in an installed package, byte by byte."""
    return Picture(partial(_read, package, path), width, height, path.rpartition(".")[2])


def resized(original: bytes, version: str) -> bytes:
    """Return a JPEG of a smaller version (`small_2x` has twice the pixels of `small`).

    Raises `OSError` if the original is no picture, `Image.DecompressionBombError` if it is huge.
    """
    name, _, double = version.partition("_")
    bound = BOUNDS[name] * (2 if double else 1)
    with Image.open(io.BytesIO(original)) as opened:
        image = opened.convert("RGB")
    if name == "square":
        side = min(bound, image.width, image.height)
        image = ImageOps.fit(image, (side, side))
    else:
        image.thumbnail((bound, bound))
    return _jpeg(image)


def size_of(picture: Picture, version: str) -> tuple[int, int]:
    """Return the width and height of a resized version, in pixels."""
    bound = BOUNDS[version]
    if version == "square":
        side = min(bound, picture.width, picture.height)
        return side, side
    shrunk = min(1.0, bound / max(picture.width, picture.height))
    return max(1, round(picture.width * shrunk)), max(1, round(picture.height * shrunk))


def _draw(style: str, seed: int, width: int, height: int) -> bytes:
    return _jpeg(art.draw(style, seed, width, height))


def _read(package: str, path: str) -> bytes:
    # Looked up, not imported: scikit-learn takes seconds to import.
    found = importlib.util.find_spec(package)
    folders = found.submodule_search_locations if found else None
    if not folders:
        raise FileNotFoundError(f"The package {package} is not installed.")
    return Path(folders[0], path).read_bytes()


def _jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


# Pictures that a careful reader must refuse.


def page() -> bytes:
    """Return a page that calls itself a JPEG."""
    return b"<!doctype html>\n<title>Sorry</title>\n<p>This picture has moved.\n"


def drawing_with_script() -> bytes:
    """Return an SVG that carries a script."""
    return (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="600" viewBox="0 0 8 6">'
        b'<script>document.title = "ran"</script>'
        b'<rect width="8" height="6" fill="#e4572e"/></svg>\n'
    )


def vast() -> bytes:
    """Return a PNG of 20,000 by 20,000 pixels in about 50 KB: 400 million pixels when decoded."""
    side = 20_000
    row = b"\0" * (1 + side // 8)
    packer = zlib.compressobj(9)
    rows = [packer.compress(row * 200) for _ in range(side // 200)] + [packer.flush()]
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", b"".join(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def heavy() -> bytes:
    """Return a PNG of noise, 2,000 by 2,000 pixels, of about 12 MB."""
    noise = np.random.default_rng(1).integers(0, 256, (2000, 2000, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG", compress_level=1)
    return file.getvalue()


def torn() -> bytes:
    """Return the first third of a JPEG."""
    whole = _draw("riso", 7, 480, 600)
    return whole[: len(whole) // 3]


def tiny() -> bytes:
    """Return a PNG of 16 by 16 pixels."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), "#e4572e").save(file, "PNG")
    return file.getvalue()


def empty() -> bytes:
    """Return nothing."""
    return b""
