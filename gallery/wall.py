"""The wall: which LoRAs hang on it in a view, page by page, each exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db import models
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext_lazy
from eth_utils.address import to_checksum_address

from trainings.indexes import MOST_GENERATED, NEWEST
from trainings.models import Training
from trainings.querysets import TrainingQuerySet
from trainings.search import Found, Search
from wallets.models import Wallet

PAGE = 20
"""How many LoRAs a page shows."""
COUNTED, COUNTED_IN_SEARCH = 1000, 100
"""Up to here a view's LoRAs are counted exactly: counting all of a million takes too long."""


class Sort(models.TextChoices):
    NEWEST = "newest", gettext_lazy("Newest")
    MOST_GENERATED = "generated", gettext_lazy("Most generated")


ORDERS: dict[str, Sequence[str]] = {Sort.NEWEST: NEWEST, Sort.MOST_GENERATED: MOST_GENERATED}


class BadCursor(Exception):
    """The place to go on from was not given out by us, or for another order."""


class Lora(NamedTuple):
    """What a row of the wall says."""

    id: UUID
    name: str
    trigger_word: str
    kind: str
    training_steps: int
    picture_count: int
    image_count: int
    channel: str
    completed_at: datetime
    weights_size: int | None
    channel_title: str
    hue: int | None
    placeholder: str
    digest: str
    address: bytes
    """Of the wallet."""

    @property
    def wallet(self) -> str:
        """The address in its EIP-55 spelling; finding that takes longer than reading the row."""
        return to_checksum_address(self.address)


FIELDS: tuple[str | Cast, ...] = (
    *Lora._fields[: Lora._fields.index("channel_title")],
    *(f"dataset__{field}" for field in ("channel_title", "hue", "placeholder", "digest")),
    Cast("wallet__address", models.BinaryField()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some LoRAs of a view, and how to go on behind them."""

    loras: list[Lora]
    count: int
    """How many there are in all; with `has_uncounted`, at least so many."""
    has_uncounted: bool
    shown: int
    """How many were shown up to here, those of the pages before included."""
    cursor: str
    """The place behind the last one; empty when there are no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """One view of the wall: what it is filtered by, and in which order."""

    q: str = ""
    kind: str = ""
    service: str = ""
    """Who trained it: fal.ai or Replicate."""
    wallet: str = ""
    """An address."""
    channel: str = ""
    """The slug of an Are.na channel."""
    sort: str = Sort.NEWEST

    @property
    def is_filtered(self) -> bool:
        """Whether some LoRAs are left out."""
        return self != Wall(sort=self.sort)

    def loras(self) -> TrainingQuerySet:
        """Return its LoRAs, in no order."""
        loras = Training.objects.public()
        if self.q:
            loras = loras.naming(self.q)
        if self.kind:
            loras = loras.filter(kind=self.kind)
        if self.service:
            loras = loras.filter(service=self.service)
        if self.wallet:
            # A join would have to be sorted; for one value the index is in order already.
            loras = loras.filter(wallet=Wallet.objects.filter(address=self.wallet).values("pk")[:1])
        if self.channel:
            loras = loras.filter(channel=self.channel)
        return loras

    def page(self, cursor: str = "") -> Page:
        """Return the LoRAs behind a cursor, or the first ones. Raises `BadCursor`.

        LoRAs that arrive meanwhile come before the first page, and push nothing onto the next.
        """
        shown, place = self._read(cursor) if cursor else (0, None)
        # One more than a page tells whether there is another.
        found = self.find(PAGE + 1, place)
        rows = [Lora(*values) for values in found.loras.values_list(*FIELDS)] if found.count else []
        shown += len(rows[:PAGE])
        return Page(
            loras=rows[:PAGE],
            count=found.count,
            has_uncounted=found.has_uncounted,
            shown=shown,
            cursor=self._write(shown, rows[PAGE - 1]) if len(rows) > PAGE else "",
        )

    def find(self, number: int, place: Sequence[Any] | None = None) -> Found:
        """Count its LoRAs up to a limit, and find so many behind a place, or the first ones."""
        order, most = ORDERS[self.sort], COUNTED_IN_SEARCH if self.q else COUNTED
        if self.q and not (self.wallet or self.channel):
            search = Search(self.q, kind=self.kind, service=self.service)
            return search.page(order, number, place=place, most=most)
        # Without an order Postgres would as soon count the oldest ones from the disk.
        count = self.loras().in_order(order)[: most + 1].count()
        if self.q:
            # One wallet or channel has not so many that walking along them takes long.
            loras = replace(self, q="").loras().walk(self.q, order, place, number)
        else:
            listed = self.loras().in_order(order)
            loras = (listed.behind(order, place) if place else listed)[:number]
        return Found(count=min(count, most), has_uncounted=count > most, loras=loras)

    def url(self, **changes: str) -> str:
        """Return the address of this view with some of its filters changed, or a `before`."""
        asked: dict[str, str] = {
            "q": self.q,
            "kind": self.kind,
            "service": self.service,
            "wallet": self.wallet,
            "channel": self.channel,
            "sort": "" if self.sort == Sort.NEWEST else str(self.sort),
        } | changes
        query = urlencode({name: value for name, value in asked.items() if value})
        return reverse("gallery:loras") + (f"?{query}" if query else "")

    def _write(self, shown: int, last: Lora) -> str:
        place = [str(getattr(last, field)) for field in ORDERS[self.sort]]
        return _signer().sign_object([self.sort, shown, *place])

    def _read(self, cursor: str) -> tuple[int, list[Any]]:
        try:
            sort, shown, *place = _signer().unsign_object(cursor)
        except BadSignature as error:
            raise BadCursor from error
        if sort != self.sort:
            raise BadCursor
        *count, completed_at, pk = place
        return shown, [*map(int, count), datetime.fromisoformat(completed_at), UUID(pk)]


def _signer() -> Signer:
    return Signer(salt="gallery.wall")
