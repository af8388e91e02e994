"""Asks the decoder's processes about pictures, and survives whatever happens to them.

Each process of the site has up to `DECODERS` decoders, started when they are first needed and kept.
One that crashes, runs out of memory or takes too long is replaced, and its picture is unreadable.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import LifoQueue
from threading import Timer
from typing import Any, ClassVar

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loratrainer.outcomes import GiveUp

logger = logging.getLogger(__name__)

DECODERS = 2
ANSWER_SECONDS = 20.0
"""A picture that takes longer is one that was made to."""
ORDERS_PER_DECODER = 500
"""Then it is replaced, so that what libraries leak stays small."""
ENVIRONMENT = {"PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH"}
"""All that a decoder learns of our environment: it holds keys, and a decoder meets strangers."""

REASONS: dict[str, str | Promise] = {
    "unknown": _("This is not a JPEG, PNG or WebP picture."),
    "moving": _("This picture moves. Choose a still one."),
    "vast": _("This picture is too large: {width} × {height} pixels."),  # noqa: RUF001
    "tiny": _(
        "This picture is too small: {width} × {height} pixels. "  # noqa: RUF001
        "It needs {least} on its shorter side."
    ),
    "broken": _("This picture is damaged and cannot be read."),
}


class Unreadable(GiveUp):
    """The picture cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Developed:
    """A picture as we keep it: upright, sRGB, at most 2048 pixels, without metadata."""

    file: bytes
    suffix: str
    """"jpg" or "png"."""
    width: int
    height: int
    thumbnails: dict[str, bytes]
    """The files by their names: `THUMBNAILS`."""
    sharpness: float
    brightness: float
    contrast: float
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The contact strip of a dataset; see `datasets/film.py`."""

    avif: bytes
    webp: bytes
    palette: list[str]
    hue: int | None
    placeholder: str


@dataclass(frozen=True, slots=True)
class Print:
    """A generated image as we keep it: its pixels as they were, its metadata ours."""

    file: bytes
    suffix: str
    """"jpg" or "png"."""
    width: int
    height: int
    placeholder: str
    """A few pixels as a data: address."""
    thumbnails: dict[str, bytes]
    """The files by their names: each of `PRINT_SIDES` as `….avif` and `….webp`."""


type Crop = Sequence[float]
"""Left, top, right and bottom edge in fractions of the turned picture; empty: all of it."""

THUMBNAILS = ("160.avif", "160.webp", "640.avif", "640.webp")
PRINT_SIDES = (320, 640)
"""The longer sides of a generated image's thumbnails, in pixels."""


def develop(source: bytes) -> Developed:
    """Decode a file that somebody gave us. Raises `Unreadable`."""
    facts, files = _ask("develop", [source], limits=_limits())
    thumbnails = dict(zip(THUMBNAILS, files[1:], strict=True))
    return Developed(file=files[0], thumbnails=thumbnails, **facts)


def preview(source: bytes) -> dict[str, bytes]:
    """Only the thumbnails of a file that somebody gave us. Raises `Unreadable`."""
    _facts, files = _ask("preview", [source], limits=_limits() | {"min_side": 1})
    return dict(zip(THUMBNAILS, files, strict=True))


def small(source: bytes, rotation: int, crop: Crop = ()) -> dict[str, bytes]:
    """The thumbnails of a file of ours, turned clockwise by so many degrees, then cut."""
    _facts, files = _ask("small", [source], rotation=rotation, crop=list(crop))
    return dict(zip(THUMBNAILS, files, strict=True))


def full(source: bytes, rotation: int, crop: Crop = ()) -> bytes:
    """A file of ours, turned clockwise by so many degrees, then cut and encoded again."""
    _facts, files = _ask("full", [source], rotation=rotation, crop=list(crop))
    return files[0]


def strip(sources: Sequence[bytes], rotations: Sequence[int], crops: Sequence[Crop]) -> Strip:
    """The contact strip of one to four files of ours, each turned and cut."""
    arguments = {"rotations": list(rotations), "crops": [list(crop) for crop in crops]}
    facts, (avif, webp) = _ask("strip", list(sources), **arguments)
    return Strip(avif=avif, webp=webp, **facts)


def print_image(source: bytes, *, parameters: str, exif: bytes, xmp: bytes) -> Print:
    """Decode an image that a provider made, and write our metadata into it.

    `parameters` is the text of a PNG; `exif` and `xmp` are written as they are. Raises
    `Unreadable`.
    """
    limits = _limits() | {"min_side": 1}
    files = [source, exif, xmp]
    facts, (kept, *small) = _ask(
        "print_image", files, limits=limits, sides=PRINT_SIDES, parameters=parameters
    )
    names = [f"{side}.{suffix}" for side in PRINT_SIDES for suffix in ("avif", "webp")]
    thumbnails = dict(zip(names, small, strict=True))
    return Print(file=kept, thumbnails=thumbnails, **facts)


def _limits() -> dict[str, int]:
    return {
        "max_pixels": settings.PICTURE_MAX_PIXELS,
        "max_side": settings.PICTURE_MAX_SIDE,
        "min_side": settings.PICTURE_MIN_SIDE,
    }


class Decoder:
    """One process of `datasets.decoder`."""

    def __init__(self) -> None:
        self.orders = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "datasets.decoder"],
            cwd=settings.BASE_DIR,
            env={name: value for name, value in os.environ.items() if name in ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(
        self, task: str, files: list[bytes], arguments: dict[str, Any]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Return the facts and files of the answer. Raises `OSError` or `ValueError` when none
        comes; the process is of no use then.
        """
        self.orders += 1
        source, sink = self.process.stdin, self.process.stdout
        if source is None or sink is None:
            raise OSError("The decoder has no pipes.")
        order = {"task": task, "arguments": arguments, "sizes": [len(file) for file in files]}
        # Closing the process ends every read and write that waits for it.
        watch = Timer(ANSWER_SECONDS, self.process.kill)
        watch.daemon = True
        watch.start()
        try:
            source.write(json.dumps(order).encode() + b"\n")
            source.writelines(files)
            source.flush()
            facts = json.loads(sink.readline())
            answers = [sink.read(size) for size in facts["sizes"]]
            if [len(each) for each in answers] != facts.pop("sizes"):
                raise ValueError("The answer is cut off.")
        finally:
            watch.cancel()
        return facts, answers

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # What was not yet written is of no use any more.
                    pipe.close()


class Decoders:
    """The decoders of this process. As many threads as there are decoders work at a time."""

    current: ClassVar[Decoders]

    def __init__(self) -> None:
        self._free: LifoQueue[Decoder | None] = LifoQueue()
        for _place in range(DECODERS):
            self._free.put(None)

    def ask(
        self, task: str, files: list[bytes], arguments: dict[str, Any]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """As `Decoder.ask`, with the next free one."""
        decoder = self._free.get()
        try:
            if decoder is None:
                decoder = Decoder()
            answer = decoder.ask(task, files, arguments)
        except BaseException:
            if decoder is not None:
                decoder.close()
                decoder = None
            raise
        else:
            if decoder.orders >= ORDERS_PER_DECODER:
                decoder.close()
                decoder = None
            return answer
        finally:
            self._free.put(decoder)

    def close(self) -> None:
        """End them all; the next question starts new ones."""
        for _place in range(DECODERS):
            decoder = self._free.get()
            if decoder is not None:
                decoder.close()
        for _place in range(DECODERS):
            self._free.put(None)


def _ask(task: str, files: list[bytes], **arguments: Any) -> tuple[dict[str, Any], list[bytes]]:
    try:
        facts, answers = Decoders.current.ask(task, files, arguments)
    except (OSError, ValueError) as error:
        logger.warning("A decoder did not survive %s: %r", task, error)
        raise Unreadable(str(REASONS["broken"])) from error
    if "refused" in facts:
        raise Unreadable(str(REASONS[facts["refused"]]).format(**facts["facts"]))
    return facts, answers


def _start_anew() -> None:
    Decoders.current = Decoders()


_start_anew()
# The processes of a parent are not ours to talk to.
os.register_at_fork(after_in_child=_start_anew)
atexit.register(lambda: Decoders.current.close())  # noqa: PLW0108 - the current one, then
