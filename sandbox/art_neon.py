"""A city street at night, seen through the wet window of a bus."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sandbox.art_brush import (
    Array,
    blurred,
    colour,
    fractal,
    grained,
    grid,
    printed,
    ramp,
    step,
    unprinted,
)

PALETTES = (
    # A title, and the colours of the lamps.
    ("Magenta and cyan", "#ff2e88", "#19d3ff", "#ffb347", "#7d5cff"),
    ("Red lamps, green signs", "#ff5a36", "#ffd166", "#3ddc97", "#ff9a8b"),
    ("Violet hour", "#8a5cff", "#ff4fd8", "#49f2ff", "#ffd27a"),
    ("Last bus, amber", "#ff3b3b", "#ff9f1c", "#7ae7ff", "#f7f0d0"),
)


def title(seed: int) -> str:
    """Name the light of a picture."""
    return f"{_palette(seed)[0]}, stop {seed + 1}"


def _palette(seed: int) -> tuple[str, str, str, str, str]:
    return PALETTES[(seed + seed // 4) % len(PALETTES)]


def draw(random: np.random.Generator, seed: int, width: int, height: int) -> Array:
    """Draw the street, throw it out of focus, and hang drops on the glass."""
    palette = [colour(code) for code in _palette(seed)[1:]]
    kerb = random.uniform(0.56, 0.64)
    # What is out of focus is drawn at half the size: nobody can see the difference.
    street = _street(random, palette, kerb, width // 2, height // 2)
    street = _reflected(random, street, kerb)
    glow = blurred(street, width / 40)
    street = 1 - (1 - street) * (1 - 0.95 * glow)
    far = printed(street).resize((width, height), Image.Resampling.BICUBIC)
    street = _bokeh(random, unprinted(far), palette, kerb)
    wet = unprinted(_drops(random, printed(street), width, height))
    x, y = grid(width, height)
    corner = 1.06 - 0.7 * ((x - 0.5) ** 2 + (y * width / height - 0.5) ** 2)
    return grained(random, wet**1.12 * 1.18 * corner[..., None], 0.014)


def _street(
    random: np.random.Generator, palette: list[Array], kerb: float, width: int, height: int
) -> Array:
    """Draw houses with lit windows and upright signs, from the far ones to the near."""
    _, y = grid(width, height)
    sky = ramp(y * width / height, ["#060816", "#141a38", "#2c2048", "#0c0d16"])
    image = printed(sky)
    pen = ImageDraw.Draw(image)
    ground = kerb * height
    for row in range(3):
        left = random.uniform(-0.15, 0)
        while left < 1:
            wide = random.uniform(0.14, 0.3)
            top = ground * (random.uniform(0.12, 0.5) + (2 - row) * 0.1)
            box = (left * width, top, (left + wide) * width, ground)
            pen.rectangle(box, fill=(8 + 4 * row, 9 + 4 * row, 18 + 5 * row))
            _windows(random, pen, box, palette)
            if random.random() < 0.45:
                _sign(random, pen, box, palette)
            left += wide * random.uniform(0.75, 1.25)
    _shops(random, pen, palette, ground, width)
    lit = unprinted(image.filter(ImageFilter.GaussianBlur(width / 180)))
    vivid: Array = lit**1.25 * 1.6
    return vivid


def _shops(
    random: np.random.Generator,
    pen: ImageDraw.ImageDraw,
    palette: list[Array],
    ground: float,
    width: int,
) -> None:
    """Draw the lit shop fronts along the kerb: a bright sign above a paler window."""
    high = width * 0.085
    pen.rectangle((0, ground - high, width, ground), fill=(8, 8, 14))
    at = random.uniform(-0.05, 0.05)
    while at < 1:
        wide = random.uniform(0.05, 0.13)
        left, right = at * width, (at + wide) * width
        tone = palette[random.integers(4)]
        pen.rectangle((left, ground - high * 0.95, right, ground - high * 0.7), fill=_ink(tone))
        pane = _ink(tone * 0.3 + colour("#ffdca8") * random.uniform(0.1, 0.45))
        pen.rectangle((left, ground - high * 0.6, right, ground - 2), fill=pane)
        for post in np.arange(left, right, max(6.0, wide * width / random.integers(2, 5))):
            pen.line((post, ground - high * 0.6, post, ground), fill=(8, 8, 14), width=2)
        at += wide + random.uniform(0.015, 0.12)


def _windows(
    random: np.random.Generator,
    pen: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    palette: list[Array],
) -> None:
    left, top, right, bottom = box
    step_x, step_y = (right - left) / random.integers(3, 6), random.uniform(11, 17)
    warm = colour("#ffcf8a")
    for x in np.arange(left + step_x * 0.25, right - step_x * 0.4, step_x):
        for y in np.arange(top + step_y * 0.5, bottom - step_y, step_y):
            if random.random() < 0.34:
                light = warm if random.random() < 0.75 else palette[random.integers(4)]
                tone = _ink(light * random.uniform(0.25, 0.85))
                pen.rectangle((x, y, x + step_x * 0.5, y + step_y * 0.55), fill=tone)


def _sign(
    random: np.random.Generator,
    pen: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    palette: list[Array],
) -> None:
    left, top, right, bottom = box
    tall = (bottom - top) * random.uniform(0.3, 0.62)
    wide = random.uniform(13, 22)
    x = random.uniform(left, max(left + 1, right - wide))
    y = random.uniform(top, bottom - tall)
    tone = palette[random.integers(4)]
    pen.rounded_rectangle((x, y, x + wide, y + tall), 4, fill=_ink(tone * 0.28), outline=_ink(tone))
    pen.rounded_rectangle((x + 1, y + 1, x + wide - 1, y + tall - 1), 3, None, _ink(tone), 2)
    for mark in np.arange(y + 6, y + tall - wide * 0.6, wide * 0.82):
        inner = (x + 4, mark, x + wide - 4, mark + wide * 0.55)
        for _ in range(3):
            a, b = sorted(random.uniform(inner[0], inner[2], 2))
            c = random.uniform(inner[1], inner[3])
            pen.line((a, c, b + 2, c), fill=_ink(tone * 0.4 + 0.6), width=2)


def _ink(tone: Array) -> tuple[int, int, int]:
    red, green, blue = (int(255 * min(1.0, float(part))) for part in tone)
    return red, green, blue


def _reflected(random: np.random.Generator, street: Array, kerb: float) -> Array:
    """Mirror the street in the wet asphalt below the kerb, drawn out and rippled."""
    height, width = street.shape[:2]
    ground = round(kerb * height)
    below = height - ground
    rows = np.minimum(ground - 1, np.arange(below) * 0.82).astype(int)
    mirror = street[:ground][::-1][rows]
    tall = blurred(mirror, 3)
    depth = np.arange(below, dtype=np.float32)[:, None] / below
    ripple = (fractal(random, width, below, 9, 4) - 0.5) * 50 * (0.15 + depth)
    columns = np.clip(np.arange(width) + ripple, 0, width - 1).astype(int)
    wet = np.take_along_axis(tall, columns[..., None], axis=1)
    puddle = 0.5 + 0.5 * step(fractal(random, width, below, 3, 4), 0.35, 0.6)
    shine = wet * (puddle * (1.0 - 0.5 * depth))[..., None] + colour("#05060c")
    return np.concatenate([street[:ground], shine.astype(np.float32)])


def _bokeh(random: np.random.Generator, street: Array, palette: list[Array], kerb: float) -> Array:
    """Add the discs of lamps that are far out of focus."""
    height, width = street.shape[:2]
    lit = street.copy()
    for _ in range(64):
        radius = width * random.uniform(0.014, 0.05) * (1.7 if random.random() < 0.12 else 1)
        x = random.uniform(-0.02, 1.02) * width
        y = (kerb - 0.02 - abs(random.normal(0, 0.15))) * height
        x0, x1 = (int(np.clip(x + s * (radius + 2), 0, width)) for s in (-1, 1))
        y0, y1 = (int(np.clip(y + s * (radius + 2), 0, height)) for s in (-1, 1))
        if x0 == x1 or y0 == y1:
            continue
        across, down = np.meshgrid(np.arange(x0, x1) - x, np.arange(y0, y1) - y)
        off = np.hypot(across, down).astype(np.float32)
        disc = np.clip((radius - off) / 1.6, 0, 1) * (0.6 + 0.4 * np.clip(off / radius, 0, 1) ** 4)
        tone = palette[random.integers(4)] * random.uniform(0.14, 0.7)
        lit[y0:y1, x0:x1] += disc[..., None] * tone
    lifted: Array = 1 - np.exp(-1.5 * lit)
    return lifted


def _drops(
    random: np.random.Generator, street: Image.Image, width: int, height: int
) -> Image.Image:
    """Hang drops on the glass: each is a lens that shows the street upside down."""
    wet = street.copy()
    small = street.resize((width // 4, height // 4), Image.Resampling.BILINEAR)
    small = small.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    sizes = np.sort(2 + 21 * random.random(260) ** 6)
    for size in sizes:
        x, y = random.uniform(0, width), random.uniform(0, height)
        tall = size * random.uniform(1, 1.25)
        box = (round(x - size), round(y - tall), round(x + size), round(y + tall))
        wide, high = box[2] - box[0], box[3] - box[1]
        reach = min(small.width // 2, max(12, round(size * 2.4)))
        centre_x = round(np.clip(x / 4, reach, small.width - reach))
        centre_y = round(np.clip((height - y) / 4, reach, small.height - reach))
        seen = (centre_x - reach, centre_y - reach, centre_x + reach, centre_y + reach)
        lens = small.resize((wide, high), Image.Resampling.BILINEAR, seen)
        wet.paste(_shaded(lens, size), box[:2], _round(wide, high))
    return wet


def _shaded(lens: Image.Image, size: float) -> Image.Image:
    """Darken a drop's rim and put a glint on it."""
    view = unprinted(lens)
    high, wide = view.shape[:2]
    x = np.linspace(-1, 1, wide, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, high, dtype=np.float32)[:, None]
    off = np.hypot(x, y)
    view = view * (1.5 - 1.05 * step(off, 0.5, 1.05))[..., None]
    if size > 5:
        glint = step(np.hypot(x + 0.3, y + 0.42), 0.26, 0.1) * 0.6
        view = view + glint[..., None]
    return printed(view)


def _round(wide: int, high: int) -> Image.Image:
    """Return the soft-edged mask of a drop."""
    mask = Image.new("L", (wide * 4, high * 4))
    ImageDraw.Draw(mask).ellipse((2, 2, wide * 4 - 3, high * 4 - 3), fill=255)
    return mask.resize((wide, high), Image.Resampling.BOX)
