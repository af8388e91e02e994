"""The part of a dataset that comes from an Are.na channel, and the job of reading it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models

from datasets.arena import Block
from datasets.folders import discard
from loratrainer.jobs import Job
from loratrainer.tasks import nudge

if TYPE_CHECKING:
    from datasets.pictures import PictureQuerySet

IMPORT_LASTS = timedelta(minutes=15)
"""How long a channel may take from the first page to the last picture."""


class ChannelImport(Job):
    """Reads a channel page by page (listing), then its pictures (loading); else nothing is due."""

    status = models.CharField(max_length=20, default="ready")
    channel = models.CharField(max_length=200, blank=True)
    """The slug of the Are.na channel that its pictures came from."""
    typed = models.CharField(max_length=500, blank=True)
    """The address of the channel, as somebody wrote it."""
    channel_url = models.URLField(max_length=500, blank=True)
    channel_title = models.CharField(max_length=300, blank=True)
    channel_owner = models.CharField(max_length=200, blank=True)
    channel_total = models.PositiveIntegerField(default=0)
    """Blocks in the channel, of every type, as Are.na counts them."""
    skipped = models.PositiveIntegerField(default=0)
    """Blocks that are no pictures."""
    next_page = models.PositiveIntegerField(default=1)

    steps: ClassVar[dict[str, str]] = {
        "listing": "datasets.steps.list_channel",
        "loading": "datasets.steps.load_pictures",
    }

    class Meta(Job.Meta):
        abstract = True

    if TYPE_CHECKING:

        @property
        def pictures(self) -> PictureQuerySet:
            """The pictures of the dataset."""
            ...

        def editing(self) -> AbstractContextManager[None]:
            """See `Dataset.editing`."""
            ...

        def next_position(self) -> int:
            """See `Dataset.next_position`."""
            ...

    def open_channel(self, slug: str, *, typed: str = "") -> None:
        """Have a worker read the channel, whose address was `typed` so. Raises `Frozen`.

        The pictures of another channel go, those of the same one stay with their captions.
        """
        with self.editing():
            others = self.pictures.blocks()
            facts: dict[str, Any] = {}
            if slug == self.channel:
                # What could not be fetched the last time gets another chance.
                others.filter(original="").update(attempts=0, problem="")
            else:
                discard({folder for picture in others for folder in picture.folders})
                others.delete()
                facts = {"channel_url": "", "channel_title": "", "channel_owner": ""}
            facts |= {"channel": slug, "typed": typed or slug, "channel_total": 0}
            facts |= {"skipped": 0, "next_page": 1}
            self.move("listing", deadline_in=IMPORT_LASTS, why=slug, error="", **facts)
            nudge(self)

    def add_blocks(self, blocks: Sequence[Block], *, at_most: int) -> None:
        """Take up image blocks that are new, as long as there are fewer than `at_most` of them.

        To be called in a transaction that holds the row.
        """
        known = {picture.block_id: picture for picture in self.pictures.blocks()}
        position = self.next_position()
        new = [block for block in blocks if block.id not in known][: at_most - len(known)]
        self.pictures.bulk_create(
            [
                self.pictures.model(
                    dataset_id=self.pk,
                    position=position + place,
                    chosen=False,
                    name=block.filename,
                    block_id=block.id,
                    block_url=block.url,
                    author=block.author,
                    title=block.title,
                    source_url=block.source_url,
                    source_title=block.source_title,
                    remote_url=block.original_url,
                    preview_url=block.preview_url,
                )
                for place, block in enumerate(new)
            ]
        )

    def choose_first(self) -> None:
        """Choose the first pictures of the channel, unless some of it are chosen already."""
        if self.pictures.blocks().chosen().exists():
            return
        places = max(0, settings.PICTURES_MAX - self.pictures.chosen().count())
        first = self.pictures.blocks().filter(problem="")[:places]
        self.pictures.filter(pk__in=list(first.values_list("pk", flat=True))).update(chosen=True)

    def load(self) -> None:
        """Have a worker load the pictures that are missing, if there are any. While editing."""
        if not self.is_working and self.pictures.missing().exists():
            self.move("loading", deadline_in=IMPORT_LASTS, error="")
            nudge(self)
