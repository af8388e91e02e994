"""Bringing images home: streamed, decoded apart from us, written anew, kept under our own names."""

from __future__ import annotations

import hashlib
import io
from uuid import uuid4

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from datasets.decoding import Print, print_image
from datasets.folders import UNUSED_EXPIRE_IN, TemporaryFolder, fill
from generations.images import GeneratedImage
from generations.models import Generation
from generations.parameters import XMP, exif, parameters
from loratrainer.fetching import expect_picture, fetch
from loratrainer.outcomes import GiveUp, TryAgainLater
from providers import get_provider
from providers.base import RemoteImage

MAX_BYTES = 30_000_000
"""Of an image at the provider: more than any PNG of the largest size has."""
TRANSFER_SECONDS = 120.0
PATIENCE = 4
"""At so many tries in a row, an image that still does not come is given up for the others' sake."""
LARGEST_SEED = 2**63 - 1
"""That the database can keep."""


class Lost(GiveUp):
    """None of the images could be kept."""


def bring_home(batch: Generation, remote: list[RemoteImage]) -> tuple[list[GeneratedImage], str]:
    """Keep the images of a batch; return their rows, and in words what is missing.

    Each lies in a folder of its own that the sweep removes unless the rows are saved. Raises
    `StaleJob`, `Lost`, and `TryAgainLater` while waiting may still help.
    """
    images: list[GeneratedImage] = []
    for number, found in enumerate(remote[: batch.images_asked], 1):
        batch.renew(note=_("Image %(number)d of %(all)d.") % {"number": number, "all": len(remote)})
        image = GeneratedImage(generation=batch, number=number, seed=_seed_of(batch, found))
        if found.is_filtered:
            image.is_filtered = True
        else:
            try:
                made = develop(batch, image, found)
            except (GiveUp, TryAgainLater) as exc:
                if batch.tries < PATIENCE:
                    raise TryAgainLater(str(exc)) from exc
                continue
            keep(image, made)
        images.append(image)
    if not images:
        raise Lost(_("The images were made, but they could not be brought here."))
    return images, missing(batch.images_asked, images)


def develop(batch: Generation, image: GeneratedImage, found: RemoteImage) -> Print:
    """Fetch an image and write it anew, with its parameters. Raises `GiveUp`, `TryAgainLater`."""
    source = io.BytesIO()
    fetch(
        found.url,
        into=source,
        allowed=settings.FETCH_HOSTS[get_provider(batch.provider).files_at],
        max_bytes=MAX_BYTES,
        timeout_in=TRANSFER_SECONDS,
        expect=expect_picture,
    )
    text = parameters(
        batch, number=image.number, seed=image.seed, width=found.width, height=found.height
    )
    return print_image(source.getvalue(), parameters=text, exif=exif(text), xmp=XMP)


def keep(image: GeneratedImage, made: Print) -> None:
    """Write the files into a folder of their own, and what they are into the row."""
    folder = f"images/{uuid4().hex}"
    TemporaryFolder.expire([folder], expires_in=UNUSED_EXPIRE_IN)
    fill(folder, {f"image.{made.suffix}": made.file, **made.thumbnails})
    image.file, image.thumbnails = f"{folder}/image.{made.suffix}", folder
    image.width, image.height, image.placeholder = made.width, made.height, made.placeholder
    image.size, image.sha256 = len(made.file), hashlib.sha256(made.file).hexdigest()


def missing(asked: int, images: list[GeneratedImage]) -> str:
    """What a person should know of the images that they asked for and do not get; else nothing."""
    filtered = sum(image.is_filtered for image in images)
    words = []
    if len(images) < asked:
        words.append(
            _("%(made)d of %(asked)d images arrived.") % {"made": len(images), "asked": asked}
        )
    if filtered:
        words.append(
            ngettext(
                "The safety checker held %(number)d image back.",
                "The safety checker held %(number)d images back.",
                filtered,
            )
            % {"number": filtered}
        )
    return " ".join(words)


def _seed_of(batch: Generation, found: RemoteImage) -> int:
    seed = found.seed
    return seed if seed is not None and 0 <= seed <= LARGEST_SEED else batch.seed
