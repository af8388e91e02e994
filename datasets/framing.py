"""The part of a picture that is how it is shown: turned, cut, without its background.

Nothing of it touches the original: each change is undone by the opposite one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models

from datasets import decoding, storage
from datasets.decoding import Crop, Developed
from datasets.folders import discard, found_its_owner, keep

if TYPE_CHECKING:
    from datasets.models import Dataset


class Framed(models.Model):
    """What a trainer gets of a picture, and the thumbnails of that."""

    rotation = models.PositiveSmallIntegerField(default=0)
    """Degrees clockwise, applied to the thumbnails and in the archive; the original stays."""
    crop = models.JSONField(default=list, blank=True)
    """What is left of the turned picture, as `decoding.Crop`; applied likewise."""
    cutout = models.CharField(max_length=120, blank=True)
    """The name in the storage of the original without its background, on white, in its size.

    Empty until somebody wished for it; kept when the background is put back.
    """
    cutout_size = models.PositiveIntegerField(null=True)
    """Of the cut-out, in bytes."""
    cutout_sha256 = models.CharField(max_length=64, blank=True)
    is_cut_out = models.BooleanField(default=False)
    """Whether the cut-out is shown and trained with instead of the original."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        pk: UUID
        dataset: Dataset
        original: str
        thumbnails: str
        width: int | None
        height: int | None
        size: int | None
        sha256: str

    @property
    def source(self) -> str:
        """The name of what is turned, cut and trained with: the original, or the cut-out."""
        return self.cutout if self.is_cut_out else self.original

    @property
    def source_size(self) -> int | None:
        """Of that, in bytes."""
        return self.cutout_size if self.is_cut_out else self.size

    @property
    def look(self) -> tuple[str, int, list[float]]:
        """All that decides the pixels that a trainer gets."""
        sha256 = self.cutout_sha256 if self.is_cut_out else self.sha256
        return sha256, self.rotation, self.crop

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height in pixels as a trainer gets it: turned and cut."""
        return self.size_within(self.crop)

    def size_within(self, crop: Crop) -> tuple[int, int]:
        """Width and height in pixels of a part of the turned picture."""
        left, top, right, bottom = crop or (0, 0, 1, 1)
        width, height = self.width or 0, self.height or 0
        if self.rotation % 180:
            width, height = height, width
        return (
            round(right * width) - round(left * width),
            round(bottom * height) - round(top * height),
        )

    def rotate(self) -> None:
        """Turn it, and what is left of it, clockwise by 90 degrees. Raises like `cut`."""
        turned: Crop = ()
        if self.crop:
            left, top, right, bottom = self.crop
            turned = (1 - bottom, left, 1 - top, right)
        self._frame(rotation=(self.rotation + 90) % 360, crop=list(turned))

    def cut(self, crop: Crop) -> None:
        """Show and train with a part of it only, or all of it again.

        Raises `Frozen`, and what reading and keeping raise.
        """
        self._frame(crop=list(crop))

    def cut_out(self) -> bool:
        """Show and train with the cut-out that is kept. Raises like `cut`.

        False when somebody changed the picture at the same moment, and so nothing came of it.
        """
        return self._frame(is_cut_out=True)

    def put_background_back(self) -> None:
        """Show and train with the original again; the cut-out is kept. Raises like `cut`."""
        self._frame(is_cut_out=False)

    def keep_cutout(self, made: Developed) -> None:
        """Keep the picture without its background beside the original; it is not shown yet.

        Raises `Frozen` and `TryAgainLater`.
        """
        folder = keep({f"cutout.{made.suffix}": made.file})
        kept = {
            "cutout": f"{folder}/cutout.{made.suffix}",
            "cutout_size": len(made.file),
            "cutout_sha256": hashlib.sha256(made.file).hexdigest(),
        }
        with self.dataset.editing():
            if self._row().filter(cutout="").update(**kept):
                found_its_owner(folder)
        self.refresh_from_db(fields=list(kept))

    def _frame(
        self,
        *,
        rotation: int | None = None,
        crop: Crop | None = None,
        is_cut_out: bool | None = None,
    ) -> bool:
        """Change what is not None, and say whether that was done."""
        rotation = self.rotation if rotation is None else rotation
        crop = self.crop if crop is None else list(crop)
        is_cut_out = self.is_cut_out if is_cut_out is None else is_cut_out
        # The thumbnails are made before: that takes longer than the database should be held.
        source = storage.read(self.cutout if is_cut_out else self.original)
        folder = keep(decoding.small(source, rotation, crop))
        with self.dataset.editing():
            as_seen = self._row().filter(thumbnails=self.thumbnails)
            is_ours = as_seen.update(
                rotation=rotation, crop=crop, is_cut_out=is_cut_out, thumbnails=folder
            )
            if is_ours:
                found_its_owner(folder)
                discard([self.thumbnails])
        return bool(is_ours)

    def _row(self) -> models.QuerySet[Any]:
        return type(self)._default_manager.filter(pk=self.pk)
