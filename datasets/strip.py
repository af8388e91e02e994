"""The part of a dataset that is its face: the contact strip and its colours."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from django.db import models

from datasets import decoding, storage
from datasets.folders import discard, found_its_owner, keep

if TYPE_CHECKING:
    from datasets.pictures import PictureQuerySet

FRAMES = 4


class ContactStrip(models.Model):
    """Four frames of film in one file, made from the first chosen pictures when it is needed."""

    strip = models.CharField(max_length=100, blank=True)
    """The folder in the storage where `strip.avif` and `strip.webp` lie."""
    strip_key = models.CharField(max_length=64, blank=True)
    """What the strip was made of."""
    palette = models.JSONField(default=list, blank=True)
    """Six colours as #rrggbb, the most frequent first."""
    hue = models.PositiveSmallIntegerField(null=True)
    """0 to 23, for the look's hue classes; empty for pictures without colour."""
    placeholder = models.TextField(blank=True)
    """A tiny strip as a data: address."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:

        @property
        def pictures(self) -> PictureQuerySet:
            """The pictures of the dataset."""
            ...

        def holding(self) -> AbstractContextManager[None]:
            """See `Dataset.holding`."""
            ...

    def develop_strip(self) -> None:
        """Make the strip unless it is there already; it takes about 0.2 s.

        Nothing happens while no chosen picture is kept. Raises `Missing` and `TryAgainLater`.
        """
        pictures = list(self.pictures.chosen().kept()[:FRAMES])
        facts = "".join("{}:{}:{} ".format(*picture.look) for picture in pictures)
        key = hashlib.sha256(facts.encode()).hexdigest()
        if not pictures or key == self.strip_key:
            return
        made = decoding.strip(
            [storage.read(picture.source) for picture in pictures],
            [picture.rotation for picture in pictures],
            [picture.crop for picture in pictures],
        )
        folder = keep({"strip.avif": made.avif, "strip.webp": made.webp})
        with self.holding():
            discard([self.strip])
            self.strip, self.strip_key = folder, key
            self.palette, self.hue, self.placeholder = made.palette, made.hue, made.placeholder
            self.save(update_fields=["strip", "strip_key", "palette", "hue", "placeholder"])
            found_its_owner(folder)
