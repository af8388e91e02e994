"""A picture of a dataset: where it came from, what it is like, and where its files lie."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from datasets.decoding import Developed
from datasets.folders import discard, found_its_owner
from datasets.framing import Framed
from datasets.retouches import Retouch

if TYPE_CHECKING:
    from wallets.http import Request
    from wallets.models import Wallet

CAPTION_LENGTH = 1000
NAME_LENGTH = 120
MAX_ATTEMPTS = 3
"""How often a picture is fetched before we say that it cannot be."""
ROTATIONS = (0, 90, 180, 270)


class PictureQuerySet(models.QuerySet["Picture"]):
    def chosen(self) -> Self:
        """Those to train with."""
        return self.filter(chosen=True)

    def uncaptioned(self) -> Self:
        """Those that have no caption at all."""
        return self.filter(caption="")

    def kept(self) -> Self:
        """Those that lie in our storage in full size."""
        return self.exclude(original="")

    def missing(self) -> Self:
        """Those that a worker should load: what is chosen in full, of all others a thumbnail."""
        unloaded = Q(chosen=True, original="") | Q(thumbnails="")
        return self.filter(unloaded, problem="").exclude(remote_url="")

    def blocks(self) -> Self:
        """Those that came from Are.na."""
        return self.exclude(block_id=None)

    def uploads(self) -> Self:
        """Those that somebody uploaded."""
        return self.filter(block_id=None)

    def in_folder(self, folder: str) -> Self:
        """Those whose files lie in this folder of the storage."""
        originals = [f"{folder}/original.{suffix}" for suffix in ("jpg", "png")]
        cutouts = [f"{folder}/cutout.{suffix}" for suffix in ("jpg", "png")]
        return self.filter(Q(original__in=originals) | Q(cutout__in=cutouts) | Q(thumbnails=folder))

    def mine(self, request: Request) -> Self:
        """Those in the datasets of this visitor."""
        from datasets.models import Dataset  # noqa: PLC0415 - the two need each other

        return self.filter(dataset__in=Dataset.objects.mine(request))


class Picture(Framed):
    """A picture of a dataset: an upload, or an image block of an Are.na channel."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    # The database deletes them with their dataset, so that its trigger can tell this from a change.
    dataset = models.ForeignKey(
        "datasets.Dataset", on_delete=models.DB_CASCADE, related_name="pictures"
    )
    position = models.PositiveIntegerField()
    chosen = models.BooleanField(default=True)
    caption = models.CharField(max_length=CAPTION_LENGTH, blank=True)
    """As it was typed, or as a retoucher wrote it."""
    caption_is_automatic = models.BooleanField(default=False)
    """Whether a retoucher wrote it, and nobody has changed it since."""
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    """Of the file that was uploaded; for display only."""
    problem = models.CharField(max_length=300, blank=True)
    """Why it cannot be used, in words; empty if it can."""

    original = models.CharField(max_length=120, blank=True)
    """Its name in the storage; empty until it is loaded."""
    thumbnails = models.CharField(max_length=100, blank=True)
    """The folder of its small versions in the storage; empty until there are any."""
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    """In pixels, of the original."""
    size = models.PositiveIntegerField(null=True)
    """Of the original in our storage, in bytes."""
    sha256 = models.CharField(max_length=64, blank=True)
    sharpness = models.FloatField(null=True)
    brightness = models.FloatField(null=True)
    contrast = models.FloatField(null=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    """What `datasets/quality.py` measured."""

    block_id = models.BigIntegerField(null=True)
    """The number of the block on Are.na."""
    block_url = models.URLField(max_length=300, blank=True)
    author = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=300, blank=True)
    source_url = models.URLField(max_length=2000, blank=True)
    source_title = models.CharField(max_length=300, blank=True)
    remote_url = models.TextField(blank=True)
    """Where the original lies on Are.na."""
    preview_url = models.TextField(blank=True)
    """Where a smaller version of it lies there."""
    attempts = models.PositiveSmallIntegerField(default=0)

    objects = PictureQuerySet.as_manager()
    advice: list[str] = []  # noqa: RUF012 - replaced, never filled
    """What `advise` says about it."""

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(
                fields=["dataset", "position"], name="one_picture_in_one_place"
            ),
            models.UniqueConstraint(
                fields=["dataset", "block_id"], name="a_block_once_in_a_dataset"
            ),
            models.CheckConstraint(
                condition=Q(rotation__in=ROTATIONS), name="pictures_turn_by_quarters"
            ),
            models.CheckConstraint(
                condition=Q(original="", sha256="", size=None) | ~Q(original="") & ~Q(sha256=""),
                name="a_kept_picture_has_a_hash",
            ),
            models.CheckConstraint(
                condition=Q(is_cut_out=False) | ~Q(cutout=""),
                name="what_is_cut_out_has_a_cutout",
            ),
        )
        indexes = (
            models.Index(fields=["original"], name="picture_by_original"),
            models.Index(fields=["cutout"], name="picture_by_cutout"),
            models.Index(fields=["thumbnails"], name="picture_by_thumbnails"),
        )

    def __str__(self) -> str:
        return self.name or self.title or str(self.pk)

    @property
    def is_kept(self) -> bool:
        """Whether it lies in our storage in full size."""
        return bool(self.original)

    @property
    def suffix(self) -> str:
        """Of the file that is trained with: ".jpg" or ".png"."""
        return PurePosixPath(self.source).suffix

    @property
    def square_url(self) -> str:
        """160 pixels square; the address changes with the picture, so that it can be cached."""
        return self._thumbnail_url("160")

    @property
    def fitted_url(self) -> str:
        """640 pixels on the longer side."""
        return self._thumbnail_url("640")

    def _thumbnail_url(self, size: str) -> str:
        url = reverse("datasets:picture", args=[self.pk, size])
        return f"{url}?v={self.thumbnails[-8:]}"

    @property
    def folders(self) -> set[str]:
        """Where its files lie in the storage."""
        files = (self.original, self.cutout)
        return {*(file.rpartition("/")[0] for file in files), self.thumbnails} - {""}

    def remove_background(self, wallet: Wallet) -> None:
        """Show and train with it without its background; a retoucher cuts it out the first time.

        That counts for the limit of this wallet. Raises `LimitReached`, and like `cut`.
        """
        if self.cutout:
            self.cut_out()
            return
        with self.dataset.editing():
            Retouch.begin(wallet, Retouch.Kind.CUTOUT, [self])

    def describe(self, text: str) -> None:
        """Write an automatic caption, where nobody has written one. To be called while editing."""
        mine = Picture.objects.uncaptioned().filter(pk=self.pk)
        mine.update(caption=text, caption_is_automatic=True)

    def move(self, by: int) -> None:
        """Change places with the next chosen picture (1) or the one before (-1), if there is one.

        Raises `Frozen`.
        """
        with self.dataset.editing():
            self.refresh_from_db(fields=["position"])
            chosen = self.dataset.pictures.chosen()
            behind = chosen.filter(position__gt=self.position).first()
            before = chosen.filter(position__lt=self.position).last()
            if other := behind if by > 0 else before:
                free, mine = self.dataset.next_position(), self.position
                for picture, position in ((self, free), (other, mine), (self, other.position)):
                    Picture.objects.filter(pk=picture.pk).update(position=position)

    def remove(self) -> None:
        """Take it out of its dataset. Raises `Frozen`."""
        with self.dataset.editing():
            Picture.objects.filter(pk=self.pk).delete()
            discard(self.folders)

    def kept_as(self, developed: Developed, folder: str) -> None:
        """Fill in what was developed and kept in the folder. To be called while editing."""
        before = self.folders
        self.original = f"{folder}/original.{developed.suffix}"
        self.thumbnails = folder
        self.width, self.height = developed.width, developed.height
        self.size = len(developed.file)
        self.sha256 = hashlib.sha256(developed.file).hexdigest()
        self.sharpness, self.brightness = developed.sharpness, developed.brightness
        self.contrast, self.fingerprint = developed.contrast, developed.fingerprint
        self.problem = ""
        self.save()
        found_its_owner(folder)
        discard(before)

    def previewed_as(self, folder: str) -> None:
        """Fill in that its thumbnails are kept in the folder. To be called while editing."""
        before = self.folders
        self.thumbnails = folder
        self.save(update_fields=["thumbnails"])
        found_its_owner(folder)
        discard(before)

    def give_up(self, problem: str) -> None:
        """It cannot be used, for this reason. To be called while editing."""
        self.problem, self.chosen = problem[:300], False
        self.save(update_fields=["problem", "chosen"])

    def count_attempt(self) -> None:
        """It did not arrive this time; after the third it is given up. While editing."""
        self.attempts += 1
        self.save(update_fields=["attempts"])
        if self.attempts >= MAX_ATTEMPTS:
            self.give_up(_("Are.na did not hand this picture out. Load the channel again later."))


def files_of(developed: Developed) -> dict[str, bytes]:
    """The files of a picture by their names, as they lie in its folder."""
    return {f"original.{developed.suffix}": developed.file, **developed.thumbnails}
