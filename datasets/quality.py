"""How a picture looks as training material: sharp, well exposed, like another one. Pillow only."""

from __future__ import annotations

from PIL import Image, ImageFilter, ImageStat
from PIL.Image import Resampling

SIDE = 512
"""Sharpness depends on the size, so that every picture is measured at this longest side."""
HASH_SIDE = 16
LAPLACIAN = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)


def measured(image: Image.Image) -> dict[str, float | str]:
    """Sharpness, brightness, contrast and fingerprint of an upright picture in RGB.

    Sharpness is the variance of the Laplacian (Pech-Pacheco et al., 2000); brightness (0 to 255)
    and contrast are mean and standard deviation of the luma; the fingerprint is the difference
    hash.
    """
    grey = image.convert("L")
    grey.thumbnail((SIDE, SIDE), Resampling.BILINEAR)
    # The filter copies the outermost pixels, which are no edges.
    edges = grey.filter(LAPLACIAN).crop((1, 1, grey.width - 1, grey.height - 1))
    statistics = ImageStat.Stat(grey)
    return {
        "sharpness": round(ImageStat.Stat(edges).var[0], 2),
        "brightness": round(statistics.mean[0], 2),
        "contrast": round(statistics.stddev[0], 2),
        "fingerprint": fingerprint(grey),
    }


def fingerprint(grey: Image.Image) -> str:
    """The difference hash of 256 bits, as 64 hexadecimal digits: is each pixel brighter than the
    one at its right, in a picture of 17 by 16 pixels (Krawetz, "Kind of Like That", 2013).
    """
    pixels = grey.resize((HASH_SIDE + 1, HASH_SIDE), Resampling.BOX).tobytes()
    bits = 0
    for row in range(HASH_SIDE):
        first = row * (HASH_SIDE + 1)
        for place in range(first, first + HASH_SIDE):
            bits = bits << 1 | (pixels[place] > pixels[place + 1])
    return f"{bits:064x}"


def distance(one: str, other: str) -> int:
    """In how many of their 256 bits two fingerprints differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
