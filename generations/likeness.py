"""At which strength images look most like the training pictures without burning out. Pillow only.

Plain statistics, no eye: colours, fine detail, what is pure black or white. A LoRA that is too weak
has other colours and another grain than its pictures; one that is too strong clips, glows, and
covers everything with noise. What the images show is not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean

from PIL import Image, ImageChops, ImageStat
from PIL.Image import Resampling

from datasets.quality import LAPLACIAN, SIDE

LEVELS = 256
CLIPPED_WITHIN = 3
"""So many levels at either end count as pure black and pure white; compression moves them."""
COLOUR_STEP = 32.0
"""Levels by which colours may lie apart to count as much as a doubling of fine detail."""
CLIPPED_ROOM = 0.06
"""By how much more of an image may be clipped than is usual (0 to 1)."""
COLOUR_ROOM = 0.10
"""By how much more colourful it may be (0 to 1)."""
DETAIL_ROOM = 1.6
"""How many times as much fine detail it may have; noise has more."""
LEAST_DETAIL = 0.5
"""Of a picture without any: smaller differences are those of the compression."""


@dataclass(frozen=True, slots=True)
class Look:
    """How an image looks, or several together."""

    colours: tuple[float, ...]
    """Of Y, Cb and Cr, which share of the pixels is at most at each level: 3 times 256 numbers."""
    detail: float
    """The standard deviation of the Laplacian, in levels; see `datasets.quality`."""
    clipped: float
    """Which share of all values of R, G and B is pure black or pure white."""
    colourfulness: float
    """The mean difference between the strongest and the weakest of R, G and B, from 0 to 1."""


def look_of(image: Image.Image) -> Look:
    """Measure an image; its longer side is reduced to 512 pixels, so that sizes do not matter."""
    image = image.convert("RGB")
    image.thumbnail((SIDE, SIDE), Resampling.BILINEAR)
    bands = image.split()
    ends = (*range(CLIPPED_WITHIN), *range(LEVELS - CLIPPED_WITHIN, LEVELS))
    clipped = sum(band.histogram()[level] for band in bands for level in ends)
    strongest = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    weakest = ImageChops.darker(ImageChops.darker(bands[0], bands[1]), bands[2])
    # The filter copies the outermost pixels, which are no edges.
    inner = (1, 1, max(2, image.width - 1), max(2, image.height - 1))
    edges = image.convert("L").filter(LAPLACIAN).crop(inner)
    return Look(
        colours=_colours(image.convert("YCbCr")),
        detail=max(LEAST_DETAIL, ImageStat.Stat(edges).stddev[0]),
        clipped=clipped / (3 * image.width * image.height),
        colourfulness=ImageStat.Stat(ImageChops.subtract(strongest, weakest)).mean[0] / 255,
    )


def suggest(
    given: Sequence[Look], drawn: Mapping[float, Sequence[Look]], *, of: int
) -> float | None:
    """The strength whose images look most like the training pictures and are not burnt out.

    `given` are the training pictures, `drawn` the images of each strength, of `of` that were
    ordered: with less than half of them a strength is not judged. Of equals the weakest; None when
    there is none to choose from.

    A prompt may ask for more detail and other light than any training picture has. What the images
    of the weakest strength have already is therefore the prompts' doing, and no fault.
    """
    judged = {
        strength: together(looks)
        for strength, looks in drawn.items()
        if looks and 2 * len(looks) >= of
    }
    if not given or not judged:
        return None
    like, usual = together(given), [*given, judged[min(judged)]]
    sound = {strength: look for strength, look in judged.items() if not is_burnt(look, usual)}
    return min(sound, key=lambda strength: (distance(sound[strength], like), strength))


def together(looks: Sequence[Look]) -> Look:
    """The mean look of several images."""
    return Look(
        colours=tuple(
            fmean(level) for level in zip(*(look.colours for look in looks), strict=True)
        ),
        detail=fmean(look.detail for look in looks),
        clipped=fmean(look.clipped for look in looks),
        colourfulness=fmean(look.colourfulness for look in looks),
    )


def distance(one: Look, other: Look) -> float:
    """How far two looks lie apart; 1 is a doubling of fine detail, or colours 32 levels off.

    Colours are compared by the earth mover's distance (Rubner et al., 2000) of each channel, which
    in one dimension is the area between the two cumulative histograms.
    """
    apart = (abs(a - b) for a, b in zip(one.colours, other.colours, strict=True))
    return sum(apart) / 3 / COLOUR_STEP + abs(math.log2(one.detail / other.detail))


def is_burnt(look: Look, usual: Sequence[Look]) -> bool:
    """Whether it clips, glows or is noisy far beyond the most extreme of what is usual."""
    return (
        look.clipped > max(each.clipped for each in usual) + CLIPPED_ROOM
        or look.colourfulness > max(each.colourfulness for each in usual) + COLOUR_ROOM
        or look.detail > max(each.detail for each in usual) * DETAIL_ROOM
    )


def _colours(image: Image.Image) -> tuple[float, ...]:
    """The cumulative histogram of each channel, the last number of each being 1."""
    counts, pixels = image.histogram(), image.width * image.height
    channels = (counts[start : start + LEVELS] for start in range(0, len(counts), LEVELS))
    return tuple(sum_ / pixels for channel in channels for sum_ in accumulate(channel))
