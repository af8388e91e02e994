"""Ways to make one image out of several pictures; each takes the pictures, a dice and a size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps, ImageStat

type Size = tuple[int, int]
type Colour = tuple[int, int, int]
type Technique = Callable[[Sequence[Image.Image], Random, Size], Image.Image]


def crop(source: Image.Image, draw: Random, size: Size, closest: float = 1.6) -> Image.Image:
    """Return a part of a picture in the given size, at most `closest` times enlarged."""
    zoom = draw.uniform(1.0, closest)
    scale = min(source.width / size[0], source.height / size[1]) / zoom
    width, height = size[0] * scale, size[1] * scale
    left, top = draw.random() * (source.width - width), draw.random() * (source.height - height)
    box = (left, top, left + width, top + height)
    return source.resize(size, Image.Resampling.BICUBIC, box=box)


def palette(sources: Sequence[Image.Image], count: int = 6) -> list[Colour]:
    """Return the pictures' main colours, from dark to light."""
    strip = Image.new("RGB", (48 * len(sources), 48))
    for number, source in enumerate(sources):
        strip.paste(source.resize((48, 48)), (48 * number, 0))
    reduced = strip.quantize(count, Image.Quantize.MEDIANCUT).getpalette() or []
    colours = [(r, g, b) for r, g, b in zip(*[iter(reduced[: 3 * count])] * 3, strict=True)]
    return sorted(colours, key=sum)


def double_exposure(sources: Sequence[Image.Image], draw: Random, size: Size) -> Image.Image:
    """Let the shadows of one picture show another."""
    one, two = _pair(sources, draw)
    below, above = crop(one, draw, size), crop(two, draw, size)
    mask = ImageOps.autocontrast(below.convert("L").filter(ImageFilter.GaussianBlur(6)))
    mixed = Image.composite(below, ImageChops.screen(below, above), mask)
    return ImageOps.autocontrast(mixed, cutoff=0.5)


def duotone(sources: Sequence[Image.Image], draw: Random, size: Size) -> Image.Image:
    """Print one picture in a dark and a light ink of the palette, with a disc in a third."""
    inks = palette(sources)
    dark, light = _shade(inks[0], 0.55), _shade(inks[-1], 1.15)
    middle = _vivid(draw.choice(inks[1:-1]))
    source = crop(_lively(sources, draw), draw, size)
    grey = ImageOps.autocontrast(source.convert("L"), cutoff=1)
    plain = ImageOps.colorize(grey, dark, light, mid=_mix(dark, light, 0.45))
    accent = ImageOps.colorize(grey, _shade(middle, 0.35), _mix(light, middle, 0.2), mid=middle)
    disc = Image.new("L", size)
    radius = min(size) * draw.uniform(0.26, 0.36)
    x, y = size[0] * draw.uniform(0.35, 0.65), size[1] * draw.uniform(0.35, 0.65)
    ImageDraw.Draw(disc).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return Image.composite(accent, plain, disc.filter(ImageFilter.GaussianBlur(1)))


def halftone(sources: Sequence[Image.Image], draw: Random, size: Size) -> Image.Image:
    """Print a picture with dots on paper, each as large as the place is dark."""
    source = crop(_lively(sources, draw), draw, size, 1.2)
    cell = max(6, min(size) // draw.choice((52, 64, 76)))
    small = ImageOps.autocontrast(source, cutoff=1).resize(
        (-(-size[0] // cell), -(-size[1] // cell)), Image.Resampling.BOX
    )
    grey = np.asarray(small.convert("L"), np.float32) / 255
    radius = np.sqrt(1 - grey * 0.92).repeat(cell, 0).repeat(cell, 1)[: size[1], : size[0]]
    axis = (np.arange(cell) + 0.5) / cell - 0.5
    tile = np.hypot(*np.meshgrid(axis, axis)).astype(np.float32)
    distance = np.tile(tile, (small.height, small.width))[: size[1], : size[0]]
    dots = np.clip((radius * 0.68 - distance) * cell, 0, 1) * 255
    ink = ImageEnhance.Color(small).enhance(1.5).resize(size, Image.Resampling.NEAREST)
    ink = ImageChops.multiply(ink, Image.new("RGB", size, (225, 225, 225)))
    paper = Image.new("RGB", size, _mix(palette(sources)[-1], (250, 246, 238), 0.75))
    return Image.composite(ink, paper, Image.fromarray(dots.astype(np.uint8)))


def collage(sources: Sequence[Image.Image], draw: Random, size: Size) -> Image.Image:
    """Lay cut pieces of several pictures over each other, with soft shadows."""
    inks = palette(sources)
    sheet = crop(draw.choice(sources), draw, size, 2.4).filter(ImageFilter.GaussianBlur(28))
    sheet = Image.blend(sheet, Image.new("RGB", size, _shade(inks[-2], 1.1)), 0.4)
    for number in range(7):
        side = draw.uniform(0.3, 0.62) * (1 - number * 0.055)
        piece = (int(size[0] * side), int(size[1] * side * draw.uniform(0.75, 1.2)))
        shape = _shape(draw, piece)
        x = int(draw.uniform(-0.08, 1.08 - side) * size[0])
        y = int(draw.uniform(-0.08, 1.08 - side) * size[1])
        shadow = Image.new("L", size)
        shadow.paste(shape.point(lambda value: value * 0.45), (x + 6, y + 12))
        sheet.paste((10, 10, 20), mask=_soften(shadow, 14))
        if number % 3 == 2:
            sheet.paste(_vivid(draw.choice(inks[1:])), (x, y), shape)
        else:
            sheet.paste(crop(draw.choice(sources), draw, piece, 2.0), (x, y), shape)
    return sheet


def slices(sources: Sequence[Image.Image], draw: Random, size: Size) -> Image.Image:
    """Weave two pictures of the set together in strips that shift against each other."""
    one, two = _pair(sources, draw)
    first, second = crop(one, draw, size, 1.3), crop(two, draw, size, 1.3)
    upright = draw.random() < 0.5
    length = size[0] if upright else size[1]
    count = draw.choice((18, 26, 34))
    step = length / count
    phase = draw.uniform(0, math.tau)
    for number in range(0, count, 2):
        share = 0.5 + 0.5 * math.sin(phase + number / count * math.tau)
        start, end = int(number * step), int((number + 0.45 + 1.1 * share) * step)
        box = (start, 0, end, size[1]) if upright else (0, start, size[0], end)
        first.paste(second.crop(box), box[:2])
    return first


def mirrors(sources: Sequence[Image.Image], draw: Random, size: Size) -> Image.Image:
    """Fold a detail twice, as a kaleidoscope does, and lay the whole picture into it."""
    quarter = (-(-size[0] // 2), -(-size[1] // 2))
    one, two = _pair(sources, draw)
    detail = crop(one, draw, quarter, 2.2)
    sheet = Image.new("RGB", (quarter[0] * 2, quarter[1] * 2))
    sheet.paste(detail, (0, 0))
    sheet.paste(ImageOps.mirror(detail), (quarter[0], 0))
    sheet.paste(ImageOps.flip(sheet.crop((0, 0, sheet.width, quarter[1]))), (0, quarter[1]))
    sheet = sheet.crop((0, 0, *size))
    lozenge = Image.new("L", size)
    half = draw.uniform(0.3, 0.38)
    w, h = size
    points = [(w * 0.5, h * (0.5 - half)), (w * (0.5 + half), h * 0.5)]
    points += [(w * 0.5, h * (0.5 + half)), (w * (0.5 - half), h * 0.5)]
    ImageDraw.Draw(lozenge).polygon(points, fill=255)
    sheet.paste((8, 8, 12), mask=_soften(lozenge.point(lambda value: value * 0.6), 24))
    sheet.paste(crop(two, draw, size, 1.1), mask=lozenge.filter(ImageFilter.GaussianBlur(0.8)))
    return sheet


def liquid(sources: Sequence[Image.Image], draw: Random, size: Size) -> Image.Image:
    """Stir a picture with slow waves, so that only its colours and streaks remain."""
    source = np.asarray(_soften(crop(_lively(sources, draw), draw, size, 1.2), 14))
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    for frequency in (1.3, 2.9, 5.2, 9.7):
        reach = min(size) * 0.3 / frequency
        turn = frequency * math.tau / min(size)
        x, y = (
            x + reach * np.sin(y * turn + np.float32(draw.uniform(0, 6))),
            y + reach * np.cos(x * turn + np.float32(draw.uniform(0, 6))),
        )
    rows = _folded(y, size[1])
    columns = _folded(x, size[0])
    return ImageEnhance.Contrast(Image.fromarray(source[rows, columns])).enhance(1.12)


def poster(sources: Sequence[Image.Image], draw: Random, size: Size) -> Image.Image:
    """Reduce a picture to flat areas of a few vivid colours, like a screen print."""
    small = (-(-size[0] // 4), -(-size[1] // 4))
    source = crop(_lively(sources, draw), draw, small, 1.25).filter(ImageFilter.MedianFilter(5))
    source = ImageEnhance.Color(ImageOps.autocontrast(source, cutoff=1)).enhance(1.4)
    flat = source.quantize(draw.choice((6, 7, 8)), Image.Quantize.MEDIANCUT)
    # Enlarged softly and reduced to the same inks again, the areas get round edges.
    soft = (
        flat.convert("RGB").filter(ImageFilter.ModeFilter(5)).resize(size, Image.Resampling.BICUBIC)
    )
    soft = soft.filter(ImageFilter.BoxBlur(5))
    return soft.quantize(palette=flat, dither=Image.Dither.NONE).convert("RGB")


ALL: tuple[Technique, ...] = (
    double_exposure,
    halftone,
    collage,
    duotone,
    liquid,
    mirrors,
    slices,
    poster,
)


def _pair(sources: Sequence[Image.Image], draw: Random) -> tuple[Image.Image, Image.Image]:
    if len(sources) == 1:
        return sources[0], ImageOps.mirror(sources[0])
    one, two = draw.sample(list(sources), 2)
    return one, two


def _lively(sources: Sequence[Image.Image], draw: Random) -> Image.Image:
    """Return the one of three drawn pictures with the most contrast: flat ones print dull."""
    drawn = draw.sample(list(sources), min(3, len(sources)))
    return max(drawn, key=lambda source: sum(ImageStat.Stat(source.resize((32, 32))).stddev))


def _soften(mask: Image.Image, radius: int) -> Image.Image:
    # A blur of this width is the same at a quarter of the size, and sixteen times faster.
    small = mask.resize((mask.width // 4, mask.height // 4), Image.Resampling.BOX)
    blurred = small.filter(ImageFilter.GaussianBlur(radius / 4))
    return blurred.resize(mask.size, Image.Resampling.BILINEAR)


def _shape(draw: Random, size: Size) -> Image.Image:
    shape = Image.new("L", size)
    pen = ImageDraw.Draw(shape)
    w, h = size[0] - 1, size[1] - 1
    kind = draw.randrange(3)
    if kind == 0:
        side = min(w, h)
        pen.ellipse((0, 0, side, side), fill=255)
    elif kind == 1:
        cut = [draw.uniform(0, 0.16) for _ in range(4)]
        corners = [(w * cut[0], 0), (w, h * cut[1]), (w * (1 - cut[2]), h), (0, h * (1 - cut[3]))]
        pen.polygon(corners, fill=255)
    else:
        pen.rounded_rectangle((0, 0, w, h), min(w, h) * 0.5, fill=255)
    return shape.filter(ImageFilter.GaussianBlur(0.8))


def _folded(
    places: np.ndarray[tuple[int, ...], np.dtype[np.float32]], length: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    wrapped = np.abs(places.astype(np.int32)) % (2 * length)
    folded: np.ndarray[tuple[int, ...], np.dtype[np.int32]]
    folded = np.minimum(wrapped, 2 * length - 1 - wrapped)
    return folded


def _mix(one: Colour, two: Colour, share: float) -> Colour:
    r, g, b = (int(a + (b - a) * share) for a, b in zip(one, two, strict=True))
    return r, g, b


def _shade(colour: Colour, factor: float) -> Colour:
    r, g, b = (min(255, int(value * factor)) for value in colour)
    return r, g, b


def _vivid(colour: Colour) -> Colour:
    grey = sum(colour) / 3
    r, g, b = (max(0, min(255, int(grey + (value - grey) * 1.8))) for value in colour)
    return r, g, b
