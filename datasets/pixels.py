"""What is done to the pixels of pictures that strangers gave us. Pillow only.

These functions run in the decoder's process (`datasets/decoder.py`), where memory and time are
limited and nothing is known that is worth stealing; nothing else calls them.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageCms, ImageOps
from PIL.Image import Resampling, Transpose

Image.MAX_IMAGE_PIXELS = None  # Its limits only warn; `open_picture` has limits of its own.

FORMATS = ("JPEG", "PNG", "WEBP")
LONGEST_SIDE = 2048
"""Of what we keep, in pixels: twice what the trainers use."""
SQUARE_SIDE = 160
FITTED_SIDE = 640
AVIF = {"quality": 65, "speed": 8, "max_threads": 1}
WEBP = {"quality": 80, "method": 4}
JPEG = {"quality": 95, "subsampling": 0}
"""4:4:4, because a trainer resizes it once more."""
SRGB = ImageCms.createProfile("sRGB")
TURNS = {
    90: Transpose.ROTATE_270,
    180: Transpose.ROTATE_180,
    270: Transpose.ROTATE_90,
}
"""Degrees clockwise; Pillow counts the other way."""
READING_ERRORS = (OSError, SyntaxError, ValueError, TypeError, struct.error, EOFError, KeyError)
"""What Pillow raises for files that are damaged or made to do damage."""


type Crop = Sequence[float]
"""See `datasets.decoding.Crop`."""


class Unusable(Exception):
    """The picture cannot be used: a code of `decoding.REASONS`, and the facts for its words."""

    def __init__(self, code: str, **facts: int) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Limits:
    """What a picture must keep to, in pixels."""

    max_pixels: int
    max_side: int
    min_side: int


def open_picture(source: bytes, limits: Limits) -> Image.Image:
    """Open a JPEG, PNG or WebP by its content, and judge its header; nothing is decoded yet.

    Raises `Unusable`.
    """
    if source[:4] == b"RIFF":
        # Pillow allocates the whole canvas of a WebP when it opens it.
        _check_size(*_webp_size(source), limits)
    try:
        image = Image.open(io.BytesIO(source), formats=FORMATS)
    except (*READING_ERRORS, MemoryError) as error:
        raise Unusable("unknown") from error
    _check_size(image.width, image.height, limits)
    # A JPEG may carry a second picture (MPO: depth, preview); the first is the one meant.
    if image.format in {"PNG", "WEBP"} and getattr(image, "n_frames", 1) > 1:
        raise Unusable("moving")
    return image


def upright(image: Image.Image, longest_side: int) -> Image.Image:
    """Decode, reduce, turn as EXIF says, put on white, convert to sRGB, and forget the metadata.

    Raises `Unusable`.
    """
    try:
        image.draft("RGB", fitting(image.size, longest_side))
        image.load()
        profile = image.info.get("icc_profile")
        orientation = _orientation(image)
        reduced = _resizable(image)
        if max(reduced.size) > longest_side:
            reduced = reduced.resize(
                fitting(reduced.size, longest_side), Resampling.LANCZOS, reducing_gap=3.0
            )
        converted = _to_srgb(_on_white(reduced), profile)
        if (method := ORIENTATIONS.get(orientation)) is not None:
            converted = converted.transpose(method)
    except (*READING_ERRORS, MemoryError) as error:
        raise Unusable("broken") from error
    bare = Image.new("RGB", converted.size)
    bare.paste(converted)
    return bare


def framed(image: Image.Image, rotation: int, crop: Crop) -> Image.Image:
    """Turn clockwise by 0, 90, 180 or 270 degrees, then keep what lies within the crop."""
    if rotation:
        image = image.transpose(TURNS[rotation])
    if not crop:
        return image
    sides = (image.width, image.height) * 2
    left, top, right, bottom = (round(at * side) for at, side in zip(crop, sides, strict=True))
    return image.crop((left, top, right, bottom))


def encoded(image: Image.Image, suffix: str) -> bytes:
    """The file of a picture to keep: "png" or "jpg", without metadata."""
    file = io.BytesIO()
    if suffix == "png":
        image.save(file, "PNG", compress_level=6)
    else:
        image.save(file, "JPEG", **JPEG)
    return file.getvalue()


def both_formats(image: Image.Image, *, xmp: bytes = b"") -> tuple[bytes, bytes]:
    """AVIF, and WebP for browsers without it; with this XMP packet in each."""
    avif, webp = io.BytesIO(), io.BytesIO()
    image.save(avif, "AVIF", xmp=xmp, **AVIF)
    image.save(webp, "WEBP", xmp=xmp, **WEBP)
    return avif.getvalue(), webp.getvalue()


def thumbnails(image: Image.Image) -> Iterator[bytes]:
    """160 pixels square and 640 pixels fitted, each as AVIF and WebP."""
    small = fitted(image, FITTED_SIDE)
    yield from both_formats(ImageOps.fit(small, (SQUARE_SIDE, SQUARE_SIDE), Resampling.LANCZOS))
    yield from both_formats(small)


def fitted(image: Image.Image, longest_side: int) -> Image.Image:
    """The image with its longer side reduced to so many pixels; never larger than it is."""
    if max(image.size) <= longest_side:
        return image
    size = fitting(image.size, longest_side)
    return image.resize(size, Resampling.LANCZOS, reducing_gap=3.0)


ORIENTATIONS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""How to undo what EXIF's tag 274 says (CIPA DC-008, 4.6.5.1.6)."""


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(274)
    except READING_ERRORS:
        return None  # Whatever is wrong with the metadata, the pixels were readable.


def _check_size(width: int, height: int, limits: Limits) -> None:
    if max(width, height) > limits.max_side or width * height > limits.max_pixels:
        raise Unusable("vast", width=width, height=height)
    if min(width, height) < limits.min_side:
        raise Unusable("tiny", width=width, height=height, least=limits.min_side)


def _webp_size(source: bytes) -> tuple[int, int]:
    """The canvas of a WebP (RFC 9649, 2.5-2.7), from its first 30 bytes."""
    head = source[:30].ljust(30, b"\0")
    match head[12:16]:
        case b"VP8X":
            sizes = head[24:27], head[27:30]
            return tuple(int.from_bytes(size, "little") + 1 for size in sizes)  # type: ignore[return-value]
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack("<HH", head[26:30])
            return width & 0x3FFF, height & 0x3FFF
    raise Unusable("unknown")


def fitting(size: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """The size within the longest side, in the same proportions; never larger."""
    shrunk = min(1.0, longest_side / max(size))
    return max(1, round(size[0] * shrunk)), max(1, round(size[1] * shrunk))


def _resizable(image: Image.Image) -> Image.Image:
    """In a mode that can be resized and keeps what the picture shows."""
    if image.mode.startswith("I"):
        # 16 bits of grey; Pillow's own conversion to 8 would cut everything above 255 off.
        return image.point(lambda level: level / 256).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in {"L", "RGB", "CMYK"} else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            converted = ImageCms.profileToProfile(
                image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), SRGB, outputMode="RGB"
            )
        except (*READING_ERRORS, ImageCms.PyCMSError):
            pass  # A profile that fits no picture, or not this one: take the numbers as they are.
        else:
            return converted or image.convert("RGB")
    return image.convert("RGB")
