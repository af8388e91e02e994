"""Which trainings, and who may see them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.search import SearchQuery
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from django.db.models.functions import Cast, Coalesce, Concat

from loratrainer.jobs import JobQuerySet
from payments.fields import WholeField
from payments.models import Entry
from trainings.indexes import PUBLIC
from trainings.states import Status

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from trainings.models import Training  # noqa: F401 - named in the base class
    from wallets.models import Wallet

HEXADECIMAL = re.compile(r"[0-9a-f]+")
LETTERS_AND_DIGITS = re.compile(r"[^\W_]+")


def raw_query(text: str) -> str:
    """Return a tsquery for all words of a text, the last one as a beginning; empty without words.

    PostgreSQL, "Text search types", tsquery. The words have no signs that could mean anything.
    """
    words = LETTERS_AND_DIGITS.findall(text)
    return " & ".join(words) + ":*" if words else ""


class TrainingQuerySet(JobQuerySet["Training"]):
    """Which trainings. "A LoRA" is one that is completed and may be seen."""

    def public(self) -> Self:
        """What hangs on the wall: completed, and neither private, hidden nor deleted."""
        return self.filter(PUBLIC)

    def naming(self, text: str) -> Self:
        """Those with all these words in name or trigger word; the last may be its beginning only.

        Case does not matter, and nothing but letters and digits counts. It looks at one after the
        other; `trainings.search` finds them among all that are public.
        """
        query = raw_query(text)
        if not query:
            return self.none()
        return self.filter(words=SearchQuery(query, config="simple", search_type="raw"))

    def with_moved(self) -> Self:
        """With what the present charge of each moved on a balance, as `moved_cents`.

        It is negative, and 0 where nothing was charged or where it has come back. The ledger has an
        index for the cause of a charge, so a page of trainings costs little.
        """
        cause = Concat(
            Value("training:"),
            Cast(OuterRef("pk"), models.CharField()),
            Value(":"),
            Cast(OuterRef("charges"), models.CharField()),
        )
        entries = Entry.objects.filter(kind__in=("charge", "refund"), cause=cause)
        # Grouped by the cause, so that the sum is of all its entries.
        sums = entries.order_by().values("cause").annotate(sum=Sum("cents")).values("sum")
        none = Value(0, output_field=WholeField())
        return self.annotate(moved_cents=Coalesce(Subquery(sums), none))

    def with_file(self, digest: str) -> Self:
        """Those whose file has this hash, in hexadecimal digits of any case.

        As tools write it: SHA-256 of the file, AutoV2 (its first 10 digits), or AutoV3 (the first
        12 of that of the tensors).
        """
        digest = digest.lower()
        if not HEXADECIMAL.fullmatch(digest):
            return self.none()
        match len(digest):
            case 10:
                return self.filter(weights_sha256__startswith=digest)
            case 12:
                return self.filter(tensors_sha256__startswith=digest)
            case 64:
                return self.filter(weights_sha256=digest)
        return self.none()

    def in_order(self, order: Sequence[str]) -> Self:
        """The greatest first, by these fields."""
        return self.order_by(*(f"-{field}" for field in order))

    def behind(self, order: Sequence[str], place: Sequence[object]) -> Self:
        """Those that come after these values of the fields, in that order.

        It is one comparison of rows, which an index answers from the place on; an OR of
        comparisons would first read everything that has the same first value.
        """
        fields = Tuple(*(F(field) for field in order))
        return self.filter(TupleLessThan(fields, tuple(place)))

    def walk(
        self, text: str, order: Sequence[str], place: Sequence[object] | None, number: int
    ) -> TrainingQuerySet:
        """The first of these with all these words, behind a place if there is one.

        It looks at one after the other in the order of the wall, within an index; only what is
        found is then looked up.
        """
        named = self.naming(text).in_order(order)
        page = (named.behind(order, place) if place else named).values("pk")[:number]
        return self.model.objects.filter(pk__in=page).in_order(order)

    def visible_to(self, user: Wallet | AnonymousUser) -> Self:
        """The LoRAs that this visitor may look at and take: the public ones, and their own.

        Admins also see what is hidden, because they can show it again; nobody sees what others
        keep private.
        """
        completed = self.filter(status=Status.COMPLETED, deleted_at=None)
        seen = Q(is_private=False, hidden_at=None)
        if user.is_authenticated:
            seen |= Q(wallet=user)
            if user.is_admin:
                seen |= Q(is_private=False)
        return completed.filter(seen)

    def owned_by(self, wallet: Wallet) -> Self:
        """The LoRAs of this wallet: what they say of themselves is its to change."""
        return self.filter(status=Status.COMPLETED, deleted_at=None, wallet=wallet)

    def curated_by(self, wallet: Wallet) -> Self:
        """The LoRAs that this wallet may hide and show: its own, and for admins all they see."""
        return self.visible_to(wallet) if wallet.is_admin else self.owned_by(wallet)

    def unfinished(self) -> Self:
        """Those that still wait, work or failed: the owner's business."""
        return self.exclude(status__in=(Status.COMPLETED, Status.CANCELLED))

    def newest(self) -> Self:
        """The latest first; two of the same moment in the order of their ids."""
        return self.order_by("-created_at", "-id")
