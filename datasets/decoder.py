"""The process in which strangers' pictures are decoded: `python -m datasets.decoder`.

It reads orders from its standard input and answers on its standard output: a line of JSON with the
`sizes` of the files that follow it. It has little memory, may write no file, and is killed when it
takes too long; it knows no settings, no database, no key. Its other end is `datasets/decoding.py`.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

from PIL import AvifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401

from datasets import film, pixels, prints, quality
from datasets.pixels import Limits, Unusable

MEMORY_BYTES = 1_000_000_000
"""Of addresses: enough for 40 million pixels with transparency, twice."""
OURS = Limits(max_pixels=10_000_000, max_side=pixels.LONGEST_SIDE, min_side=1)
"""What the pictures that we have kept ourselves keep to."""

type Answer = tuple[dict[str, Any], list[bytes]]


def develop(files: list[bytes], limits: dict[str, int]) -> Answer:
    """The picture to keep, its thumbnails, and what it is like."""
    opened = pixels.open_picture(files[0], Limits(**limits))
    suffix = "png" if opened.format == "PNG" else "jpg"
    image = pixels.upright(opened, pixels.LONGEST_SIDE)
    facts = {"width": image.width, "height": image.height, "suffix": suffix}
    facts |= quality.measured(image)
    return facts, [pixels.encoded(image, suffix), *pixels.thumbnails(image)]


def preview(files: list[bytes], limits: dict[str, int]) -> Answer:
    """The thumbnails of a picture that is not kept."""
    image = pixels.upright(pixels.open_picture(files[0], Limits(**limits)), pixels.FITTED_SIDE)
    return {}, list(pixels.thumbnails(image))


def small(files: list[bytes], rotation: int, crop: list[float]) -> Answer:
    """The thumbnails of a picture of ours, turned and cut."""
    return {}, list(pixels.thumbnails(_framed(files[0], rotation, crop, pixels.FITTED_SIDE)))


def full(files: list[bytes], rotation: int, crop: list[float]) -> Answer:
    """A picture of ours as a trainer shall see it: turned and cut, in full size."""
    suffix = "png" if pixels.open_picture(files[0], OURS).format == "PNG" else "jpg"
    image = _framed(files[0], rotation, crop, pixels.LONGEST_SIDE)
    return {}, [pixels.encoded(image, suffix)]


def _framed(file: bytes, rotation: int, crop: list[float], longest_side: int) -> Image.Image:
    # A part is taken from all the pixels that there are: it may be a small one.
    side = pixels.LONGEST_SIDE if crop else longest_side
    return pixels.framed(pixels.upright(pixels.open_picture(file, OURS), side), rotation, crop)


def strip(files: list[bytes], rotations: list[int], crops: list[list[float]]) -> Answer:
    """The contact strip of up to four pictures of ours as AVIF and WebP, and its colours."""
    pictures = [
        _framed(file, rotation, crop, 2 * film.FRAME_SIDE)
        for file, rotation, crop in zip(files, rotations, crops, strict=True)
    ]
    made = film.strip(pictures)
    facts = film.colours(pictures) | {"placeholder": film.placeholder(made)}
    return facts, list(pixels.both_formats(made))


def print_image(
    files: list[bytes], limits: dict[str, int], sides: list[int], parameters: str
) -> Answer:
    """A generated image as we keep it, its thumbnails, its size, and a placeholder.

    `files` are the image, and the EXIF and XMP that it gets instead of its own; `sides` are the
    longer sides of the thumbnails, in pixels.
    """
    source, exif, xmp = files
    opened = pixels.open_picture(source, Limits(**limits))
    image = pixels.upright(opened, pixels.LONGEST_SIDE)
    suffix = "png" if opened.format == "PNG" else "jpg"
    small = [pixels.fitted(image, side) for side in sides]
    facts = {"width": image.width, "height": image.height, "suffix": suffix}
    facts |= {"placeholder": film.placeholder(image, pixels.fitting(image.size, prints.DOTS))}
    kept = prints.encoded(image, opened, parameters=parameters, exif=exif, xmp=xmp)
    return facts, [kept, *(file for each in small for file in pixels.both_formats(each, xmp=xmp))]


TASKS: dict[str, Callable[..., Answer]] = {
    task.__name__: task for task in (develop, preview, small, full, strip, print_image)
}


def answer(order: dict[str, Any], files: list[bytes]) -> Answer:
    """Do what was ordered; what is wrong with a picture is an answer too."""
    try:
        return TASKS[order["task"]](files, **order["arguments"])
    except Unusable as refusal:
        return {"refused": refusal.code, "facts": refusal.facts}, []
    except MemoryError:
        return {"refused": "broken", "facts": {}}, []


def limit() -> None:
    """Give up what a decoder does not need."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever started us also ends us.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Answer until nobody asks any more."""
    limit()
    source = sys.stdin.buffer
    # A library that prints would spoil the answers, so that only this copy leads to our parent.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while line := source.readline():
        order = json.loads(line)
        facts, files = answer(order, [source.read(size) for size in order["sizes"]])
        sink.write(json.dumps(facts | {"sizes": [len(file) for file in files]}).encode() + b"\n")
        sink.writelines(files)
        sink.flush()


if __name__ == "__main__":
    main()
