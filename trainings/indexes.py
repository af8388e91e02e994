"""How the public wall finds its LoRAs among all trainings: an index for each way of looking at it.

Every index holds the public LoRAs only, in the very order of the pages, so that a page costs what
it shows however many there are. PostgreSQL uses them where a query repeats `PUBLIC` and the order.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.postgres.search import SearchVectorField
from django.core.checks import CheckMessage
from django.db import models
from django.db.models import F, Func, Q

from trainings.states import Kind, Status

PUBLIC = Q(status=Status.COMPLETED, is_private=False, hidden_at=None, deleted_at=None)
"""What hangs on the wall."""
PUBLIC_SQL = "status = 'completed' AND NOT is_private AND hidden_at IS NULL AND deleted_at IS NULL"
"""The same for SQL of our own."""
NEWEST = ("completed_at", "id")
MOST_GENERATED = ("image_count", *NEWEST)
"""The orders of the wall, each descending; the id tells apart what is otherwise the same."""
FILTERS = ((), ("kind",), ("service",), ("kind", "service"), ("wallet",), ("channel",))
"""What a view is filtered by; what else is asked of one wallet or channel is read off its index."""

WORDS = Func(
    F("name"),
    F("trigger_word"),
    arg_joiner=" || ' ' || ",
    template="to_tsvector('simple'::regconfig,"
    " regexp_replace(%(expressions)s, '[^[:alnum:]]+', ' ', 'g'))",
    output_field=SearchVectorField(),
)
"""Its words as they stand, in small letters: names and trigger words belong to no language.

Whatever is no letter or digit parts words: Postgres would keep "v1.2" whole and part "KILN_GLZ".
"""


class StoredField(models.GeneratedField):
    """A generated column that is stored; every PostgreSQL that Django supports has them.

    Django would ask the server for its version to find that out, and `manage.py check` must work
    where no database is, in the build of an image for example.
    """

    def _check_supported(self, databases: Sequence[str]) -> list[CheckMessage]:
        return []


def wall_indexes() -> tuple[models.Index, ...]:
    """One for each filter in each order.

    The words lie in them, so that a search which walks along an index need not leave it; what
    `trainings.search` cannot find by walking has an index of its own.
    """
    return tuple(
        models.Index(
            fields=[*names, *(f"-{field}" for field in order)],
            name="_".join(("wall", label, *names)),
            condition=PUBLIC,
            include=["words"],
        )
        for label, order in (("newest", NEWEST), ("most", MOST_GENERATED))
        for names in FILTERS
    )


def hash_indexes() -> tuple[models.Index, ...]:
    """The public LoRAs by the hashes of their files, the beginnings of these included."""
    return tuple(
        models.Index(
            fields=[f"{name}_sha256"],
            name=f"lora_by_{name}",
            # Compared as bytes: in the order of a language no index knows what begins with a text.
            opclasses=["varchar_pattern_ops"],
            condition=PUBLIC,
        )
        for name in ("weights", "tensors")
    )


class Word(models.Model):
    """A word, or two, that a LoRA on the wall is found by; a trigger of the database keeps them.

    All columns are its key, so that the index answers alone.
    """

    pk = models.CompositePrimaryKey(
        "text", "completed_at", "training_id", "image_count", "kind", "service"
    )
    text = models.TextField(db_collation="C")
    """In small letters and in the order of their bytes, so that a beginning is a range."""
    completed_at = models.DateTimeField()
    training = models.ForeignKey(
        "Training", models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    image_count = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    service = models.CharField(max_length=40)

    objects = models.Manager["Word"]()

    def __str__(self) -> str:
        return self.text
