"""How a search finds its page of the wall: by words that are kept in the wall's own order.

A row of `Word` is a word of a public LoRA, or two of them ("+glazed vases"). What is searched for
is a range of its index: the newest LoRAs of a word lie side by side, and two frequent words that
never meet are no row at all. An index of words alone has no order; for each page all LoRAs that
have a word would be read and sorted.

 * One range of few texts: the newest of each text are read from the index, and merged.
 * What is frequent in another way is met by a few steps along the wall.
 * Few rows: all are read from the index, and sorted.
 * Many rows, of which none is near: a long walk along the wall meets them.
"""

# ruff: noqa: S608 - only constants of ours are put into SQL, everything else is a value.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from trainings.indexes import NEWEST, PUBLIC_SQL
from trainings.models import Training
from trainings.querysets import LETTERS_AND_DIGITS, TrainingQuerySet, raw_query

TEXTS = 20
"""So many different texts are merged; a beginning of one or two letters may fit thousands."""
NEAR = 2_000
"""So many LoRAs are looked at before anything is counted."""
FEW = 3_000
"""So many rows are sooner sorted than met on a long walk along the wall."""
GREATEST = chr(0x10FFFF)
"""No text has a letter behind this one."""

FITS = "text BETWEEN lower(%(first)s) AND lower(%(first)s) || %(end)s"
HAS_TOO = """ AND training_id IN (
        SELECT training_id FROM trainings_word WHERE text = lower(%(other{})s))"""
"""The third word and those behind it."""
REACHED = """
    reached AS {materialized} (SELECT * FROM trainings_word WHERE {fits} LIMIT %(few)s)
"""
STEPS = """
    SELECT id FROM (
      SELECT {order}, words FROM trainings_training
      WHERE {public} AND {chosen} AND {behind} ORDER BY {descending} LIMIT %(near)s
    ) AS passed
    WHERE words @@ to_tsquery('simple', %(query)s) ORDER BY {descending} LIMIT %(number)s
"""
"""The first steps of a walk along the wall."""
SORT = f"""
    SELECT
      CASE WHEN part.number > %(most)s THEN part.number
      ELSE (SELECT count(DISTINCT training_id) FROM reached WHERE {{chosen}}) END,
      part.number <= %(most)s AND (SELECT count(*) FROM reached) = %(few)s,
      CASE
        WHEN cardinality(near.ids) = %(number)s THEN near.ids
        WHEN (SELECT count(*) FROM reached) < %(few)s THEN array(
          SELECT training_id FROM (
            SELECT DISTINCT {{columns}} FROM reached WHERE {{chosen}} AND {{columns_behind}}
            ORDER BY {{columns_descending}} LIMIT %(number)s
          ) AS page
        )
      END
    FROM (
      SELECT count(*) AS number FROM (
        SELECT DISTINCT training_id FROM (SELECT * FROM reached LIMIT %(few)s / 10) AS rows
        WHERE {{chosen}} LIMIT %(most)s + 1
      ) AS lora
    ) AS part
    CROSS JOIN (SELECT array({STEPS}) AS ids OFFSET 0) AS near
"""
"""Count the LoRAs, of which a tenth of the rows mostly says enough; sort them if they are few.

Without the OFFSET the steps would be gone twice: once to count what they met, once to return it.
"""
MERGE = """
    SELECT
      (
        SELECT count(DISTINCT training_id) FROM texts CROSS JOIN LATERAL (
          SELECT training_id FROM trainings_word AS word
          WHERE word.text = texts.text AND {chosen} LIMIT %(most)s + 1
        ) AS lora
      ),
      false,
      array(
        SELECT training_id FROM (
          SELECT DISTINCT completed_at, training_id FROM texts CROSS JOIN LATERAL (
            SELECT completed_at, training_id FROM trainings_word AS word
            WHERE word.text = texts.text AND {chosen} AND {columns_behind}
            ORDER BY completed_at DESC, training_id DESC LIMIT %(number)s
          ) AS newest
          ORDER BY completed_at DESC, training_id DESC LIMIT %(number)s
        ) AS page
      )
"""
"""Count the LoRAs, all of them; take the newest of each text, and of those the newest."""
SORT_ALL = f"WITH {REACHED} {SORT}"
MERGE_OR_SORT = f"""
    WITH RECURSIVE fitting AS (
      (SELECT text FROM trainings_word WHERE {{fits}} ORDER BY text LIMIT 1)
      UNION ALL
      SELECT following.text FROM fitting CROSS JOIN LATERAL (
        SELECT text FROM trainings_word WHERE {{fits}} AND text > fitting.text
        ORDER BY text LIMIT 1
      ) AS following
    ),
    texts AS MATERIALIZED (SELECT text FROM fitting LIMIT %(texts)s + 1),
    {REACHED}
    SELECT found.* FROM (SELECT count(*) AS of_texts FROM texts) AS number
    CROSS JOIN LATERAL (
      {MERGE} WHERE of_texts <= %(texts)s UNION ALL {SORT} WHERE of_texts > %(texts)s
    ) AS found
"""
"""The texts that fit are found in the index, each behind the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search finds: how many LoRAs, and those of a page."""

    count: int
    has_uncounted: bool
    """Whether there are more."""
    loras: TrainingQuerySet


class Search:
    """Some words, all of which a LoRA must have in its name or trigger word.

    The last may be a beginning. Case does not matter, and nothing but letters and digits counts.
    """

    def __init__(self, text: str, *, kind: str = "", service: str = "") -> None:
        both = {"kind": kind, "service": service}
        self.text, self.chosen = text, {name: value for name, value in both.items() if value}
        *whole, last = LETTERS_AND_DIGITS.findall(text) or [""]
        is_whole = any(word.lower().startswith(last.lower()) for word in whole)
        if is_whole:
            last = whole.pop()  # Whatever has the longer word has its beginning too.
        others = {word.lower(): word for word in whole if word.lower() != last.lower()}
        longest, *rest = sorted(others.values(), key=len, reverse=True) or [""]
        self.fits = FITS + "".join(HAS_TOO.format(place) for place in range(len(rest)))
        self.values: dict[str, Any] = {
            **self.chosen,
            "first": f"+{longest} {last}" if longest else last,
            "end": "" if is_whole else GREATEST,
            **{f"other{place}": f"+{longest} {word}" for place, word in enumerate(rest)},
        }
        self.is_one_range = not rest
        self.is_empty = not last

    def page(
        self,
        order: Sequence[str],
        number: int,
        *,
        place: Sequence[object] | None = None,
        most: int = 0,
    ) -> Found:
        """Find so many public LoRAs, behind a place if there is one; count up to `most`.

        It asks one question, and leaves one more to `loras`.
        """
        loras = Training.objects.public().filter(**self.chosen)
        if self.is_empty:
            return Found(count=0, has_uncounted=False, loras=loras.none())
        count, is_cut, ids = self._ask(order, number, place, most)
        page = loras.walk(self.text, order, place, number)
        if ids is not None:
            page = loras.filter(pk__in=ids).in_order(order)
        return Found(count=min(count, most), has_uncounted=count > most or is_cut, loras=page)

    def _ask(
        self, order: Sequence[str], number: int, place: Sequence[object] | None, most: int
    ) -> tuple[int, bool, list[UUID] | None]:
        """How many there are, up to one more than `most`; whether there are more; which.

        None: a long walk meets them.
        """
        columns = ["training_id" if field == "id" else field for field in order]
        values = self.values | {"number": number, "most": most, "texts": TEXTS, "few": FEW}
        values |= {"near": NEAR, "query": raw_query(self.text)}
        if place:
            values |= {f"place_{field}": part for field, part in zip(order, place, strict=True)}
        place_of = f"({', '.join(f'%(place_{field})s' for field in order)})"
        parts = {
            "fits": self.fits,
            "public": PUBLIC_SQL,
            "chosen": " AND ".join(f"{name} = %({name})s" for name in self.chosen) or "true",
            "order": ", ".join(order),
            "behind": f"({', '.join(order)}) < {place_of}" if place else "true",
            "descending": ", ".join(f"{name} DESC" for name in order),
            "columns": ", ".join(columns),
            "columns_behind": f"({', '.join(columns)}) < {place_of}" if place else "true",
            "columns_descending": ", ".join(f"{name} DESC" for name in columns),
            # One range is sooner read anew, and no further than needed; some are put together once.
            "materialized": "NOT MATERIALIZED" if self.is_one_range else "MATERIALIZED",
        }
        can_merge = self.is_one_range and order == NEWEST
        sql = (MERGE_OR_SORT if can_merge else SORT_ALL).format(**parts)
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            count, is_cut, ids = cursor.fetchone()
        return count, is_cut, ids
