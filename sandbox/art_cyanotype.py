"""Ferns laid on paper in the sun: cyanotypes with brushed, uneven edges."""

from __future__ import annotations

import math

import numpy as np
from PIL import ImageFilter

from sandbox.art_brush import (
    Array,
    colour,
    fractal,
    grained,
    grid,
    mix,
    printed,
    ramp,
    step,
    unprinted,
)

PAPER = "#efe9dc"


def title(seed: int) -> str:
    """Say how many fronds a picture shows."""
    return f"{('', 'One frond', 'Two fronds', 'Three fronds')[_fronds(seed)]}, print {seed + 1}"


def _fronds(seed: int) -> int:
    return (1, 3, 2)[seed % 3]


def draw(random: np.random.Generator, seed: int, width: int, height: int) -> Array:
    """Lay one to three ferns on sensitised paper and expose it."""
    bare = np.zeros((height, width), np.float32)
    count = _fronds(seed)
    for index in range(count):
        foot = 0.5 + (index - (count - 1) / 2) * 0.27 + random.uniform(-0.05, 0.05)
        lean = (foot - 0.5) * random.uniform(0.9, 1.6) + random.uniform(-0.15, 0.15)
        scale = random.uniform(0.98, 1.12) * (1 if index % 2 == count // 2 % 2 else 0.8)
        scale *= 0.098 if count == 1 else 0.088
        frond = _frond(random, (foot, lean, scale), width, height)
        bare = 1 - (1 - bare) * (1 - frond * random.uniform(0.82, 1))
    x, y = grid(width, height)
    bottom = height / width
    wash = fractal(random, width, height, 3, 6)
    streaks = fractal(random, width, height, 26, 2) - 0.5
    tone = np.clip(0.12 + wash * 0.75 + streaks * 0.12, 0, 1)
    blue = ramp(tone, ["#071a3f", "#0e3170", "#1c56a0", "#3f7dbd"])
    picture = mix(blue, colour(PAPER), np.clip(bare, 0, 1) * 0.93)
    away = np.minimum(np.minimum(x, 1 - x), np.minimum(y, bottom - y))
    ragged = (fractal(random, width, height, 12, 5) - 0.5) * 0.05
    brushed = step(away + ragged, 0.045, 0.062)
    deep = step(away + ragged, 0.12, 0.062) * brushed
    picture = mix(picture, picture * colour("#8fa5c8"), deep * 0.55)
    picture = mix(np.broadcast_to(colour(PAPER), picture.shape), picture, brushed)
    tooth = 0.95 + 0.09 * fractal(random, width, height, 90, 2)
    return grained(random, picture * tooth[..., None], 0.011)


def _frond(
    random: np.random.Generator, stance: tuple[float, float, float], width: int, height: int
) -> Array:
    """Let Barnsley's fern fall where chance takes it; return how much paper it covers.

    A stance is where the foot is, how far it leans (radians), and its scale. The four maps are
    Barnsley's, "Fractals Everywhere" (1988), with a bend and a length of their own.
    """
    foot, lean, scale = stance
    points, turns = 4000, 46
    shrink, bend = random.uniform(0.838, 0.856), 0.04 * random.uniform(-1.5, 1.5)
    x = np.zeros(points)
    y = np.zeros(points)
    seen = []
    for turn in range(turns):
        which = random.random(points)
        maps = (which[None] < np.array([[0.01], [0.86], [0.93], [1.0]])).argmax(axis=0)
        a = np.array([0, shrink, 0.2, -0.15])[maps]
        b = np.array([0, bend, -0.26, 0.28])[maps]
        c = np.array([0, -bend, 0.23, 0.26])[maps]
        d = np.array([0.16, shrink, 0.22, 0.24])[maps]
        f = np.array([0, 1.6, 1.6, 0.44])[maps]
        x, y = a * x + b * y, c * x + d * y + f
        if turn > 9:
            seen.append((x, y))
    across = np.concatenate([part[0] for part in seen]) * scale
    up = np.concatenate([part[1] for part in seen]) * scale
    at_x = foot + across * math.cos(lean) + up * math.sin(lean)
    at_y = height / width * 0.93 + across * math.sin(lean) - up * math.cos(lean)
    columns, rows = (at_x * width).astype(int), (at_y * width).astype(int)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    flat = rows[inside] * width + columns[inside]
    hits = np.bincount(flat, minlength=width * height).reshape(height, width)
    sharp = printed(np.clip(hits * 0.9, 0, 1))
    body = unprinted(sharp.filter(ImageFilter.GaussianBlur(width / 640)))
    halo = unprinted(sharp.filter(ImageFilter.GaussianBlur(width / 150)))
    covered: Array = np.clip(body * 1.7 + halo * 0.35, 0, 1)
    return covered
