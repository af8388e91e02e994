"""The part of a dataset that is words: the captions of its pictures."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from datasets.pictures import CAPTION_LENGTH
from datasets.retouches import Retouch

if TYPE_CHECKING:
    from datasets.models import Dataset
    from datasets.pictures import PictureQuerySet
    from wallets.models import Wallet


class Captioned(models.Model):
    """Pictures with captions, written one by one or changed together."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:

        @property
        def pictures(self) -> PictureQuerySet:
            """The pictures of the dataset."""
            ...

        def editing(self) -> AbstractContextManager[None]:
            """See `Dataset.editing`."""
            ...

    def write_captions(self, captions: dict[UUID, str]) -> None:
        """Keep what was typed, by picture; strangers' pictures are passed over.

        A caption that was changed is not automatic any more. Raises `Frozen`.
        """
        with self.editing():
            for picture in self.pictures.filter(pk__in=captions):
                if captions[picture.pk] != picture.caption:
                    picture.caption = captions[picture.pk]
                    picture.caption_is_automatic = False
                    picture.save(update_fields=["caption", "caption_is_automatic"])

    def describe_rest(self, wallet: Wallet) -> tuple[int, int]:
        """Have the chosen pictures described that have no caption.

        Returns for how many that was asked now, and how many lacked one: the limit of the wallet
        may be smaller. Raises `LimitReached` and `Frozen`.
        """
        with self.editing():
            busy = Retouch.objects.under_way().captions().of(cast("Dataset", self))
            lacking = self.pictures.chosen().kept().uncaptioned()
            wanted = list(lacking.exclude(pk__in=busy.values("picture")))
            return Retouch.begin(wallet, Retouch.Kind.CAPTION, wanted), len(wanted)

    def find_in_captions(self, text: str) -> tuple[int, int]:
        """How often a text stands in the captions of the chosen pictures, and in how many."""
        captions = self.pictures.chosen().values_list("caption", flat=True)
        found = [number for caption in captions if (number := caption.count(text))]
        return sum(found), len(found)

    def replace_in_captions(self, text: str, by: str) -> None:
        """Put something else in place of a text in the captions of the chosen pictures.

        All of them or none. Raises `ValidationError` when one would become too long, and `Frozen`.
        """
        with self.editing():
            changed = {}
            for number, picture in enumerate(self.pictures.chosen(), 1):
                changed[picture.pk] = picture.caption.replace(text, by)
                if len(changed[picture.pk]) > CAPTION_LENGTH:
                    words = _(
                        "The caption of image {number} would have more than {most} characters."
                    )
                    raise ValidationError(words.format(number=number, most=CAPTION_LENGTH))
            self.write_captions(changed)
