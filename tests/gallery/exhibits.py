"""LoRAs with real files: training pictures, strip, generated images, weights."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from datasets.film import strip
from generations.models import Generation
from tests.datasets.photographs import drawing, jpeg
from tests.factories import create_generation, create_training
from trainings.models import Training

PALETTE = ["#2f6f73", "#a8443b", "#24405e", "#6b7f4f", "#c9a26b", "#e8e4dc"]


def hang(*, batches: int = 0, images: int = 4, **fields: Any) -> Training:
    """A completed LoRA whose files are all there, and so many batches of images, oldest first."""
    training = create_training(status="completed", **fields)
    keep(training.weights, b"not really weights")
    keep(training.config, b"{}")
    training.dataset.strip = f"strips/{training.pk.hex}"
    training.dataset.palette = PALETTE
    training.dataset.save(update_fields=["strip", "palette"])
    for suffix in ("avif", "webp"):
        keep(f"{training.dataset.strip}/strip.{suffix}", drawn_strip(suffix))
    for picture in training.dataset.pictures.all():
        keep(picture.original, jpeg(picture.position))
        keep_thumbnails(picture.thumbnails, {160: 160, 640: 320}, seed=picture.position)
    for number in range(batches):
        keep_images(create_generation(training=training, images=images), seed=100 + number * 10)
    training.refresh_from_db()
    return training


def keep_images(batch: Generation, *, seed: int = 100) -> None:
    """Write the files of a batch's images."""
    for image in batch.images.all():
        keep(image.file, jpeg(seed + image.number))
        keep_thumbnails(image.thumbnails, {320: 160, 640: 320}, seed=seed + image.number)


def keep_thumbnails(folder: str, sides: dict[int, int], *, seed: int) -> None:
    """Write a drawing under the names of some sizes, in other sizes: small ones, to be quick."""
    for size, side in sides.items():
        for suffix in ("avif", "webp"):
            keep(f"{folder}/{size}.{suffix}", encoded(seed, side, suffix))


@cache
def encoded(seed: int, side: int, suffix: str) -> bytes:
    return file_of(drawing(seed, (side, side)), suffix)


@cache
def drawn_strip(suffix: str) -> bytes:
    return file_of(strip([drawing(seed) for seed in range(4)]), suffix)


def file_of(image: Any, suffix: str) -> bytes:
    file = io.BytesIO()
    quick = {"speed": 10, "max_threads": 1} if suffix == "avif" else {"method": 0}
    image.save(file, suffix.upper(), quality=40, **quick)
    return file.getvalue()


def keep(name: str, content: bytes) -> None:
    """Write a file, unless there is one of that name: the factory gives all weights the same."""
    if name and not default_storage.exists(name):
        default_storage.save(name, ContentFile(content))
