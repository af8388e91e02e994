"""The work of a job, the same for both providers: train on an archive, make images from weights."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from PIL import Image

from sandbox import archives, pictures, weights
from sandbox.config import CONFIG
from sandbox.fetching import SESSION, fetch
from sandbox.pictures import Wish


class TooFew(Exception):
    """The archive has fewer pictures than the trainer needs; the message counts them."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training made."""

    weights: bytes
    captions: dict[str, str]
    """The caption of each picture by the stem of its file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a training is to be done."""

    trigger_word: str
    steps: int
    fewest: int
    """How many pictures the trainer needs at least."""
    job: str
    """The job's id: two trainings on the same pictures make different weights."""


async def train(app: web.Application, source: str | Path, course: Course) -> Trained:
    """Read the archive at a URL or path and make weights of it.

    Raises `CannotFetch`, `Unreadable` and `TooFew`.
    """

    def trained(path: Path) -> Trained:
        found = archives.read(path)
        if len(found) < course.fewest:
            raise TooFew(
                f"The archive has {len(found)} pictures, the trainer needs {course.fewest}"
            )
        made = weights.make(
            found, trigger_word=course.trigger_word, steps=course.steps, lead=course.job
        )
        weights.remember(_shelf(app), weights.digest(made), found)
        captions = {
            Path(picture.name).stem: picture.caption or pictures.describe(picture.image)
            for picture in found
        }
        return Trained(made, captions)

    return await _with_file(app, source, trained)


async def learned(app: web.Application, source: str | Path) -> list[Image.Image]:
    """Return what the weights at a URL or path stand for: their pictures, or invented ones.

    A name like `owner/model` is of another house, and invented likewise. Raises `CannotFetch` and
    `NotWeights`.
    """

    def recalled(path: Path) -> list[Image.Image]:
        key = weights.digest(weights.read(path))
        return weights.recall(_shelf(app), key) or pictures.invented(key)

    if isinstance(source, Path) or "://" in source:
        return await _with_file(app, source, recalled)
    return pictures.invented(source)


async def draw(sources: list[Image.Image], wish: Wish) -> list[bytes]:
    """Make the images that are wished for, as files."""
    return await asyncio.to_thread(_draw, sources, wish)


async def edit[T](app: web.Application, url: str, change: Callable[[Image.Image], T]) -> T:
    """Do something with the picture at a URL. Raises `CannotFetch` and `OSError` for no picture."""

    def opened(path: Path) -> T:
        with Image.open(path) as image:
            return change(image.convert("RGB"))

    return await _with_file(app, url, opened)


def random_seed() -> int:
    """Return a seed for a request that names none."""
    return random.getrandbits(31)


async def _with_file[T](app: web.Application, source: str | Path, use: Callable[[Path], T]) -> T:
    if isinstance(source, Path):
        return await asyncio.to_thread(use, source)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        await fetch(app[SESSION], source, path)
        return await asyncio.to_thread(use, path)


def _shelf(app: web.Application) -> Path:
    return app[CONFIG].var / "learned"


def _draw(sources: list[Image.Image], wish: Wish) -> list[bytes]:
    images = [
        pictures.black(wish.size) if wish.held_back else pictures.compose(sources, wish, number)
        for number in range(wish.number)
    ]
    return [pictures.encode(image, wish.form, wish.prompt, wish.quality) for image in images]
