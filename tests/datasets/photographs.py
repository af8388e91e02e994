"""Files as people upload them: right, and wrong in every way."""

from __future__ import annotations

import io
import struct
import zlib
from random import Random
from typing import Any

from PIL import Image


def drawing(seed: int = 0, size: tuple[int, int] = (320, 300)) -> Image.Image:
    """Something with edges and colours in it, another one for each seed."""
    dice = Random(seed)
    small = Image.new("RGB", (24, 24))
    small.putdata([tuple(dice.randrange(256) for _ in range(3)) for _ in range(24 * 24)])
    return small.resize(size, Image.Resampling.NEAREST)


def encoded(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(
        file, form, **({"quality": 92, "subsampling": 0} if form == "JPEG" else {}) | options
    )
    return file.getvalue()


def jpeg(seed: int = 0, size: tuple[int, int] = (320, 300), **options: Any) -> bytes:
    return encoded(drawing(seed, size), "JPEG", **options)


def png(seed: int = 0, size: tuple[int, int] = (320, 300)) -> bytes:
    return encoded(drawing(seed, size), "PNG")


def png_bomb(side: int) -> bytes:
    """A PNG of one bit a pixel, all of them black: very few bytes, very many pixels."""
    row = b"\0" * (1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def webp_bomb(width: int, height: int) -> bytes:
    """The first bytes of a lossless WebP that says to be this large."""
    bits = (width - 1) | (height - 1) << 14
    body = b"\x2f" + bits.to_bytes(4, "little") + b"\0" * 64
    chunk = b"VP8L" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="600"><script>1</script></svg>'
HTML = b"<!doctype html>\n<title>Sorry</title>\n"
TEXT = b"This is not a picture at all, whatever its name says.\n"
