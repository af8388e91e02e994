"""Draws the pictures of the sandbox's channels: four styles, any number of pictures in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from sandbox import art_cyanotype, art_glaze, art_neon, art_riso
from sandbox.art_brush import Array, lots, printed


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One hand: how it draws, what it calls a picture, and the size that suits it, in pixels."""

    draw: Callable[[np.random.Generator, int, int, int], Array]
    title: Callable[[int], str]
    width: int
    height: int


STYLES = {
    "glaze": Style(draw=art_glaze.draw, title=art_glaze.title, width=880, height=1100),
    "neon": Style(draw=art_neon.draw, title=art_neon.title, width=800, height=1200),
    "riso": Style(draw=art_riso.draw, title=art_riso.title, width=880, height=1100),
    "cyanotype": Style(draw=art_cyanotype.draw, title=art_cyanotype.title, width=960, height=1200),
}


def draw(style: str, seed: int, width: int, height: int) -> Image.Image:
    """Draw one picture in RGB; the same for ever for one style, seed and size in pixels.

    Raises `KeyError` for a style that is not in `STYLES`.
    """
    return printed(STYLES[style].draw(lots(style, seed), seed, width, height))
