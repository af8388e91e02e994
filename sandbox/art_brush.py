"""What every drawn picture is made of: colours, noise, soft edges and film grain.

Arrays hold values from 0 to 1, rows first; a colour picture has a last axis of three.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

type Array = NDArray[np.floating[Any]]


def lots(style: str, seed: int) -> np.random.Generator:
    """Return the random numbers of one picture; the same for ever for one style and seed."""
    digest = hashlib.sha256(f"{style} {seed}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def colour(code: str) -> Array:
    """Return `#rrggbb` as three numbers from 0 to 1."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)


def grid(width: int, height: int) -> tuple[Array, Array]:
    """Return x and y of every pixel: x runs from 0 to 1, y down to height / width."""
    x = (np.arange(width, dtype=np.float32) + 0.5) / width
    y = (np.arange(height, dtype=np.float32) + 0.5) / width
    return np.broadcast_to(x, (height, width)), np.broadcast_to(y[:, None], (height, width))


def ramp(t: Array, codes: list[str]) -> Array:
    """Colour every number from 0 to 1 by its place between the colours of a list."""
    stops = np.linspace(0, 1, len(codes))
    colours = np.stack([colour(code) for code in codes])
    channels = [np.interp(t, stops, colours[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def mix(a: Array, b: Array, amount: Array | float) -> Array:
    """Go from a (amount 0) to b (amount 1); a mask is spread over the three colours."""
    if isinstance(amount, np.ndarray) and amount.ndim + 1 == max(a.ndim, b.ndim):
        amount = amount[..., None]
    mixed: Array = (a + (b - a) * amount).astype(np.float32, copy=False)
    return mixed


def step(t: Array, start: float, end: float) -> Array:
    """Rise smoothly from 0 at start to 1 at end (start may be the larger one)."""
    s = np.clip((t - start) / (end - start), 0, 1)
    risen: Array = (s * s * (3 - 2 * s)).astype(np.float32, copy=False)
    return risen


def noise(random: np.random.Generator, width: int, height: int, cells: float) -> Array:
    """Return soft random hills from about 0 to 1, `cells` of them across the width."""
    columns = max(2, round(cells) + 1)
    rows = max(2, round(cells * height / width) + 1)
    hills = random.random((rows, columns), np.float32)
    return np.asarray(Image.fromarray(hills).resize((width, height), Image.Resampling.BICUBIC))


def fractal(
    random: np.random.Generator, width: int, height: int, cells: float, octaves: int = 4
) -> Array:
    """Return hills upon hills from about 0 to 1, each octave twice as fine and half as high."""
    total = np.zeros((height, width), np.float32)
    weight = 1.0
    for octave in range(octaves):
        total += noise(random, width, height, cells * 2**octave) * weight
        weight /= 2
    return total / (2 - 2 * weight)


def grained(random: np.random.Generator, picture: Array, strength: float) -> Array:
    """Add film grain to a colour picture; strength is its standard deviation."""
    grain = random.standard_normal(picture.shape[:2], np.float32) * strength
    return picture + grain[..., None]


def blurred(picture: Array, radius: float) -> Array:
    """Blur a picture or a mask; radius in pixels. Values are clipped to 0 to 1."""
    return unprinted(printed(picture).filter(ImageFilter.GaussianBlur(radius)))


def printed(picture: Array) -> Image.Image:
    """Turn an array into an 8-bit image (RGB, or L for a mask)."""
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


def unprinted(image: Image.Image) -> Array:
    """Turn an 8-bit image into an array."""
    return np.asarray(image).astype(np.float32) / 255
