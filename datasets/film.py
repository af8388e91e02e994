"""The contact strip of a dataset: four frames of film in one file, and its colours. Pillow only."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from PIL import Image, ImageOps
from PIL.Image import Quantize, Resampling

FRAMES = 4
FRAME_SIDE = 184
MARGIN = 8
GAP = 6
SIZE = (770, 200)
FILM = "#0b0a09"
COLOURS = 6
HUES = 24
"""The look has a class for each 15 degrees: hue-0 to hue-23."""
GREY_BELOW = 0.06
"""The mean of saturation times brightness, from 0 to 1, below which pictures have no hue."""


def strip(pictures: Sequence[Image.Image]) -> Image.Image:
    """Up to four upright pictures side by side, 184 pixels square, on film black."""
    film = Image.new("RGB", SIZE, FILM)
    for place, frame in enumerate(_frames(pictures)):
        film.paste(frame, (MARGIN + place * (FRAME_SIDE + GAP), MARGIN))
    return film


def colours(pictures: Sequence[Image.Image]) -> dict[str, object]:
    """The palette (six colours as #rrggbb, the most frequent first), and the strongest hue.

    The hue is HSV hue / 15 rounded down, 0 to 23, or None for pictures without colour.
    """
    frames = [frame.resize((46, 46), Resampling.BOX) for frame in _frames(pictures)]
    row = Image.new("RGB", (46 * len(frames), 46))
    for place, frame in enumerate(frames):
        row.paste(frame, (46 * place, 0))
    return {"palette": _palette(row), "hue": _hue(row)}


def placeholder(film: Image.Image, size: tuple[int, int] = (8, 2)) -> str:
    """So few pixels as a data: address, to show until the strip or image has arrived."""
    file = io.BytesIO()
    film.resize(size, Resampling.BOX).save(file, "WEBP", quality=40, method=6)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def _frames(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    size = (FRAME_SIDE, FRAME_SIDE)
    return [ImageOps.fit(picture, size, Resampling.LANCZOS) for picture in pictures[:FRAMES]]


def _palette(row: Image.Image) -> list[str]:
    reduced = row.quantize(COLOURS, Quantize.MEDIANCUT)
    counted = sorted(reduced.getcolors() or [], reverse=True)
    levels = reduced.getpalette() or []
    triples = [levels[index * 3 : index * 3 + 3] for _, index in counted if isinstance(index, int)]
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in triples]


def _hue(row: Image.Image) -> int | None:
    pixels = row.convert("HSV").tobytes()
    weights = [0] * HUES
    for hue, saturation, value in zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True):
        weights[hue * HUES // 256] += saturation * value
    if sum(weights) < GREY_BELOW * 255 * 255 * (len(pixels) // 3):
        return None
    return max(range(HUES), key=weights.__getitem__)
