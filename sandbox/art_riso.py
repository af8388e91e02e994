"""Botanical plates as a risograph prints them: two inks, coarse screens, a loose register."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from sandbox.art_brush import Array, colour, grained, noise, step, unprinted

INKS = (
    # A name, paper, the ink of suns and flowers, the ink of leaves.
    ("coral and blue", "#f4efe4", "#ff5c5c", "#0b6fb8"),
    ("amber and pine", "#f3ede0", "#f2a900", "#00615c"),
    ("pink and slate", "#f5f0e8", "#ff48b0", "#3d5588"),
    ("brick and green", "#f1ecdf", "#e45d50", "#0f9a58"),
    ("orange and violet", "#f2ece2", "#ffa52e", "#6f4fa8"),
)

type Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws on one plate; lengths are shares of the picture's width, tones go up to 255."""

    on: ImageDraw.ImageDraw
    size: int

    def line(self, points: list[Point], wide: float) -> None:
        """Draw a line through the points."""
        scaled = [(x * self.size, y * self.size) for x, y in points]
        self.on.line(scaled, fill=255, width=max(2, round(wide * self.size)), joint="curve")

    def dot(self, at: Point, radius: float, tone: int = 255) -> None:
        """Draw a filled circle."""
        (x, y), r = at, radius
        self.on.ellipse([v * self.size for v in (x - r, y - r, x + r, y + r)], fill=tone)

    def leaf(self, foot: Point, heading: float, reach: float, wide: float, tone: int = 255) -> None:
        """Draw a pointed leaf from its foot; `wide` is half of what it measures across."""
        ts = np.linspace(0, 1, 18)
        belly = wide * np.sin(math.pi * ts**0.8)
        along = np.concatenate([ts, ts[::-1]]) * reach
        off = np.concatenate([belly, -belly[::-1]])
        xs = foot[0] + along * math.cos(heading) - off * math.sin(heading)
        ys = foot[1] + along * math.sin(heading) + off * math.cos(heading)
        points = [(x * self.size, y * self.size) for x, y in zip(xs, ys, strict=True)]
        self.on.polygon(points, fill=tone)


type Plates = tuple[Pen, Pen]
"""The plate of suns and flowers, and that of leaves."""


def title(seed: int) -> str:
    """Say which plant a picture shows, and in which inks."""
    return f"{PLANTS[seed % len(PLANTS)][0]}, {_inks(seed)[0]}"


def _inks(seed: int) -> tuple[str, str, str, str]:
    return INKS[(seed + seed // 5) % len(INKS)]


def draw(random: np.random.Generator, seed: int, width: int, height: int) -> Array:
    """Draw one plant before a sun, on two plates, and print them on toothy paper."""
    plates = [Image.new("L", (width, height)) for _ in range(2)]
    flower, leaf = (Pen(ImageDraw.Draw(plate), width) for plate in plates)
    bottom = height / width
    sun = random.uniform(0.22, 0.31)
    x, y = random.uniform(0.4, 0.6), bottom * random.uniform(0.34, 0.42)
    flower.dot((x, y), sun, 105)
    PLANTS[seed % len(PLANTS)][1](random, (flower, leaf), bottom)
    paper, first, second = (colour(code) for code in _inks(seed)[1:])
    tooth = 0.84 + 0.2 * step(noise(random, width, height, 180), 0.15, 0.5)
    picture = np.ones((height, width, 3), np.float32) * paper
    for plate, ink, angle in ((plates[0], first, 0.26), (plates[1], second, 1.31)):
        slip = (int(random.integers(-5, 6)), int(random.integers(-5, 6)))
        cover = np.roll(_screened(unprinted(plate), angle, width / 118), slip, (0, 1))
        picture *= 1 - (1 - ink) * (cover * tooth * 0.96)[..., None]
    margin = 0.045
    frame = np.zeros((height, width), np.float32)
    edge = round(margin * width)
    frame[edge:-edge, edge:-edge] = 1
    picture = paper + (picture - paper) * frame[..., None]
    return grained(random, picture, 0.016)


def _screened(plate: Array, angle: float, cell: float) -> Array:
    """Turn the greys of a plate into dots of an angled screen; full tone stays solid."""
    height, width = plate.shape
    x = np.arange(width, dtype=np.float32)[None, :] * (2 * math.pi / cell)
    y = np.arange(height, dtype=np.float32)[:, None] * (2 * math.pi / cell)
    u = np.cos(x * math.cos(angle) + y * math.sin(angle))
    v = np.cos(y * math.cos(angle) - x * math.sin(angle))
    dots = np.clip((plate - 0.5 + (u + v) / 4) * 5 + 0.5, 0, 1)
    screened: Array = np.where(plate > 0.97, 1, dots * (plate > 0.02)).astype(np.float32)
    return screened


def _fern(random: np.random.Generator, plates: Plates, bottom: float) -> None:
    """Arching fronds from one foot, leaflets in pairs."""
    flower, leaf = plates
    foot = random.uniform(0.42, 0.58)
    count = int(random.integers(5, 8))
    for index in range(count):
        lean = (index / (count - 1) - 0.5) * 1.9 + random.uniform(-0.1, 0.1)
        spine = _stem((foot, bottom * 0.97), -math.pi / 2 + lean * 0.45, lean * 0.075, 15, 0.066)
        pen = flower if index % 3 == 1 else leaf
        pen.line(spine, 0.006)
        for at in range(2, len(spine)):
            share = at / len(spine)
            reach = 0.15 * math.sin(math.pi * min(1, share * 0.9 + 0.12))
            heading = _heading(spine, at)
            for side in (-1, 1):
                tone = 255 if side * lean < 0 else 190
                pen.leaf(spine[at], heading + side * 1.05, reach, reach * 0.15, tone)


def _sprigs(random: np.random.Generator, plates: Plates, bottom: float) -> None:
    """Upright stems with broad leaves, and berries at the tips."""
    flower, leaf = plates
    count = int(random.integers(3, 5))
    for index in range(count):
        foot = 0.5 + (index - (count - 1) / 2) * 0.17 + random.uniform(-0.03, 0.03)
        lean = (foot - 0.5) * random.uniform(0.6, 1.2)
        steps = int(random.integers(9, 12))
        spine = _stem((foot, bottom), -math.pi / 2 + lean, random.uniform(-0.04, 0.04), steps, 0.09)
        leaf.line(spine, 0.0075)
        for at in range(1, len(spine)):
            side = 1 if at % 2 else -1
            share = 1 - at / len(spine) * 0.55
            reach = random.uniform(0.15, 0.19) * share
            heading = _heading(spine, at) + side * random.uniform(0.7, 1.0)
            pen = flower if (at + index) % 4 == 0 else leaf
            tone = int(random.choice([255, 255, 205, 160]))
            pen.leaf(spine[at], heading, reach, reach * 0.27, tone)
        for berry in range(5):
            x, y = spine[-1]
            at_x, at_y = x + random.uniform(-0.045, 0.045), y - berry * 0.02
            flower.dot((at_x, at_y), 0.017)


def _poppies(random: np.random.Generator, plates: Plates, bottom: float) -> None:
    """Long bare stems, cupped flowers, and cut leaves at the foot."""
    flower, leaf = plates
    count = int(random.integers(3, 6))
    for index in range(count):
        foot = 0.5 + (index - (count - 1) / 2) * 0.09
        lean = (index - (count - 1) / 2) * 0.16 + random.uniform(-0.08, 0.08)
        steps = int(random.integers(9, 13))
        spine = _stem((foot, bottom), -math.pi / 2 + lean, lean * 0.06, steps, 0.075)
        leaf.line(spine, 0.0065)
        heading = _heading(spine, len(spine) - 1)
        cup = random.uniform(0.085, 0.12)
        for petal in np.linspace(-0.95, 0.95, 5):
            tone = 255 if abs(petal) < 0.6 else 185
            flower.leaf(spine[-1], heading + petal, cup * 1.5, cup * 0.46, tone)
        leaf.dot(spine[-1], cup * 0.2)
        for ray in np.linspace(-1.1, 1.1, 9):
            tip = _along(spine[-1], heading + ray, cup * 0.52)
            leaf.line([spine[-1], tip], 0.0028)
            leaf.dot(tip, 0.0055)
        for at in range(1, 4):
            for side in (-1, 1):
                tilt = _heading(spine, at) + side * random.uniform(0.45, 0.85)
                reach = random.uniform(0.14, 0.22)
                leaf.leaf(spine[at], tilt, reach, reach * 0.13, 210)


def _umbels(random: np.random.Generator, plates: Plates, bottom: float) -> None:
    """Seed heads like fireworks: a ball of rays, a dot at the end of each."""
    flower, leaf = plates
    for index in range(int(random.integers(3, 5))):
        foot = (0.34, 0.66, 0.5, 0.2)[index] + random.uniform(-0.04, 0.04)
        steps = (10, 8, 12, 6)[index]
        lean = (foot - 0.5) * 0.5
        spine = _stem((foot, bottom), -math.pi / 2 + lean, -lean * 0.04, steps, 0.073)
        leaf.line(spine, 0.0065)
        ball = random.uniform(0.11, 0.17)
        for ring, rays in ((1.0, 34), (0.72, 22), (0.42, 13)):
            for turn in np.linspace(0, 2 * math.pi, rays, endpoint=False):
                tip = _along(spine[-1], turn + ring * 3, ball * ring * random.uniform(0.94, 1.04))
                leaf.line([spine[-1], tip], 0.0022)
                flower.dot(tip, 0.0095 * (0.7 + 0.4 * ring))
        for at in range(1, min(5, steps)):
            side = 1 if at % 2 else -1
            reach = 0.21 - at * 0.02
            leaf.leaf(spine[at], _heading(spine, at) + side * 0.5, reach, reach * 0.1, 225)


def _ginkgo(random: np.random.Generator, plates: Plates, bottom: float) -> None:
    """A branch with fan leaves, every fan split and ribbed."""
    flower, leaf = plates
    bend = random.choice([-1.0, 1.0])
    start = (0.5 - bend * 0.33, bottom * 0.96)
    spine = _stem(start, -math.pi / 2 + bend * 0.35, bend * 0.035, 15, 0.077)
    leaf.line(spine, 0.013)
    for at in range(2, len(spine)):
        side = 1 if at % 2 else -1
        heading = _heading(spine, at) + side * random.uniform(0.8, 1.25)
        stalk = _along(spine[at], heading, random.uniform(0.06, 0.09))
        pen = flower if at % 3 == 0 else leaf
        pen.line([spine[at], stalk], 0.005)
        reach, spread = random.uniform(0.12, 0.16), random.uniform(0.75, 0.95)
        for turn in np.linspace(-spread, spread, 12):
            if abs(turn) < 0.07:
                continue
            tone = 255 if int((turn + 2) * 9) % 2 else 190
            pen.leaf(stalk, heading + turn, reach, reach * 0.085, tone)


PLANTS: tuple[tuple[str, Callable[[np.random.Generator, Plates, float], None]], ...] = (
    ("Fern", _fern),
    ("Poppies", _poppies),
    ("Sprigs with berries", _sprigs),
    ("Seed heads", _umbels),
    ("Ginkgo branch", _ginkgo),
)


def _along(point: Point, heading: float, reach: float) -> Point:
    return point[0] + math.cos(heading) * reach, point[1] + math.sin(heading) * reach


def _stem(foot: Point, heading: float, bend: float, steps: int, reach: float) -> list[Point]:
    points = [foot]
    for _ in range(steps):
        points.append(_along(points[-1], heading, reach))
        heading += bend
    return points


def _heading(spine: list[Point], at: int) -> float:
    (x0, y0), (x1, y1) = spine[at - 1], spine[at]
    return math.atan2(y1 - y0, x1 - x0)
