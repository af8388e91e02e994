"""Many rows at once: drawn by the database, into tables that get their indexes afterwards."""

# ruff: noqa: S608 - only constants of ours are put into SQL, everything else is a value.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models
from django.db.models.fields import NOT_PROVIDED

DEFINITIONS = """
    SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE indrelid = %(table)s::regclass
      AND indexrelid NOT IN (SELECT conindid FROM pg_constraint)
    UNION ALL
    SELECT format('ALTER TABLE %%I DROP CONSTRAINT %%I', %(table)s::text, conname),
      format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', %(table)s::text, conname,
        pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE conrelid = %(table)s::regclass
      AND (contype = 'f' OR contype = 'p' AND conindid NOT IN (
        SELECT conindid FROM pg_constraint WHERE contype = 'f'))
"""
"""How to drop its indexes and foreign keys, and how to make them again.

What a foreign key points to stays, and so does what keeps rows apart.
"""


@contextmanager
def without_indexes(*filled: type[models.Model]) -> Iterator[None]:
    """Take indexes and foreign keys away while a transaction fills tables; then make them again.

    An index that is built from all rows takes a fraction of what adding every row to it takes.
    """
    definitions: list[tuple[str, str]] = []
    with connection.cursor() as cursor:
        for model in filled:
            cursor.execute(DEFINITIONS, {"table": model._meta.db_table})
            definitions += cursor.fetchall()
        for drop, _make in definitions:
            cursor.execute(drop)
        yield
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        for _drop, make in definitions:
            cursor.execute(make)


def insert(model: type[models.Model], select: str, values: dict[str, Any]) -> None:
    """Write the rows of a SELECT; the columns it does not name get the model's defaults."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({select}) AS drawn LIMIT 0", values)
        given = [column.name for column in cursor.description]
        others = {
            field.attname: field.get_db_prep_save(field.get_default(), connection)
            for field in model._meta.concrete_fields
            if field.attname not in given
            and not field.generated
            and not isinstance(field, models.AutoField)
            and field.db_default is NOT_PROVIDED
        }
        columns = ", ".join(f'"{name}"' for name in (*given, *others))
        rest = "".join(f", %(default_{name})s" for name in others)
        values = values | {f"default_{name}": value for name, value in others.items()}
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({columns}) SELECT drawn.*{rest} "
            f"FROM ({select}) AS drawn",
            values,
        )
