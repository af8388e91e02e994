"""Rows that look like two years of a busy wall: the database draws them, a million in minutes."""

# ruff: noqa: S608 - only constants of ours are put into SQL, everything else is a value.

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from random import Random
from typing import Any

from django.db import connection, transaction

from datasets.film import HUES
from datasets.models import Dataset
from gallery.loading import insert, without_indexes
from gallery.seed_pictures import draw_sets, hang, look_of, placeholder, write_weights
from trainings.indexes import Word
from trainings.models import Training
from wallets.models import Wallet

YEARS = timedelta(days=730)
MANY = 20_000
"""From here on indexes are made anew; adding fewer rows to them is quicker."""
WALLET_PER, CHANNEL_PER = 12, 20
"""How many LoRAs there are for each wallet and channel; some have far more than others."""
LOOKS, THINGS, PLACES, SYLLABLES = (
    words.split()
    for words in (
        "glazed misty brutal woven faded neon paper salted lunar velvet rusty gilded quiet",
        "vases dunes ferns towers masks kites lamps shells quilts comics stamps moths orchids "
        "chairs maps hands bottles stations tapestries sneakers postcards engines portraits dolls",
        "kiln harbour attic metro orchard archive tundra balcony foundry lagoon",
        "ka lo mi ra ten vos bel nor shi gru",
    )
)
PEOPLE = [f"{a}{b}{c}".capitalize() for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]
"""Names of people, a thousand of them, the first far more frequent than the last."""
LETTERS = "BCDFGHJKLMNPRSTVWXZ"
WEIGHTS = {"weights": "seed/weights.safetensors", "weights_size": 89_745_224}


def array(words: Sequence[str]) -> str:
    """Return SQL for these words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"(ARRAY[{listed}])"


def one_of(words: Sequence[str], dice: str = "random()") -> str:
    """Return SQL that draws one of these words."""
    return f"{array(words)}[1 + floor({len(words)} * {dice})::int]"


WALLETS = """
    SELECT substr(drawn, 1, 20) AS address, md5(drawn) AS session_salt
    FROM (
      SELECT sha256(random()::text::bytea) AS drawn FROM generate_series(1, %(wallets)s)
    ) AS hashes
"""
DRAWN = f"""
    CREATE TEMPORARY TABLE seed AS
    SELECT drawn.*, wallet.id AS wallet_id,
      {array(LOOKS)}[1 + mod(channel, {len(LOOKS)})] AS channel_look,
      {array(THINGS)}[1 + mod(channel, {len(THINGS)})] AS channel_thing
    FROM (
      SELECT gen_random_uuid() AS training_id, gen_random_uuid() AS dataset_id,
        1 + floor(%(wallets)s * random() ^ 3)::int AS place,
        CASE WHEN random() > 0.45 THEN floor(%(channels)s * random() ^ 2)::int END AS channel,
        floor(%(hues)s * random())::int AS hue,
        now() - %(years)s * random() ^ 1.6 AS at,
        CASE WHEN random() < 0.3 THEN {one_of(PEOPLE, "random() ^ 3")} || ' ' ELSE '' END
          || CASE WHEN random() < 0.3 THEN {one_of(PLACES)} || ' ' ELSE '' END
          || {one_of(LOOKS)} || ' ' || {one_of(THINGS)} AS name,
        {" || ".join([one_of(LETTERS)] * 3)} AS letters,
        {one_of(["style"] * 15 + ["character"] * 7 + ["product"] * 3)} AS kind,
        {one_of(["fal", "fal", "replicate"])} AS provider,
        {one_of(["500", "800", "1000", "1000", "1000", "1200", "1500", "2000"])}::int AS steps,
        4 + floor(12 * random())::int AS pictures,
        CASE WHEN random() < 0.4 THEN 0
          ELSE 4 + 4 * floor(exp(random_normal(1.6, 1.3)))::int END AS images,
        1000 * random() AS fate
      FROM generate_series(1, %(number)s)
    ) AS drawn
    JOIN (
      SELECT id, row_number() OVER (ORDER BY id DESC) AS place
      FROM wallets_wallet ORDER BY id DESC LIMIT %(wallets)s
    ) AS wallet USING (place)
    ORDER BY at
"""
"""A row for each LoRA, the oldest first, as they would have come; there are more each month."""
DATASETS = """
    SELECT dataset_id AS id, wallet_id, hue, (%(placeholders)s::text[])[1 + hue] AS placeholder,
      %(dataset_kind)s AS kind,
      CASE %(dataset_kind)s WHEN 'training'
        THEN encode(sha256(dataset_id::text::bytea), 'hex') ELSE '' END AS digest,
      coalesce(channel_look || '-' || channel_thing || '-' || channel, '') AS channel,
      coalesce(initcap(channel_look) || ' ' || channel_thing, '') AS channel_title,
      coalesce('https://www.are.na/somebody/' || channel_look || '-' || channel_thing || '-'
        || channel, '') AS channel_url
    FROM seed
"""
TRAININGS = """
    SELECT training_id AS id, seed.wallet_id, dataset_id,
      upper(left(name, 1)) || substr(name, 2) AS name,
      upper(left(translate(name, 'aeiou ', ''), 8)) || letters AS trigger_word,
      seed.kind, steps AS training_steps, provider,
      CASE provider WHEN 'fal' THEN 'fal.ai' ELSE 'Replicate' END AS service,
      dataset.channel, pictures AS picture_count, images AS image_count, 400 AS price_cents,
      at - interval '12 minutes' AS created_at,
      CASE WHEN fate >= 985 THEN 'failed' ELSE 'completed' END AS status,
      CASE WHEN fate >= 985 THEN NULL ELSE at END AS completed_at,
      CASE WHEN fate >= 985 THEN '' ELSE %(weights)s END AS weights,
      CASE WHEN fate >= 985 THEN NULL ELSE %(weights_size)s END AS weights_size,
      fate >= 930 AND fate < 970 AS is_private,
      CASE WHEN fate >= 970 AND fate < 980 THEN at END AS hidden_at,
      CASE WHEN fate >= 980 AND fate < 985 THEN at END AS deleted_at
    FROM seed JOIN datasets_dataset AS dataset ON dataset.id = dataset_id
    ORDER BY at
"""
"""Of a thousand 930 are public, 40 private, 10 hidden, 5 deleted, and 15 have failed."""


class Seeding:
    """So many LoRAs of wallets that nobody has; a table that holds others gets others."""

    def __init__(self, number: int, *, with_pictures: bool = False) -> None:
        self.number = number
        self.dice = Random(f"{number} after {Training.objects.count()}")  # noqa: S311 - no secrets
        self.with_pictures = with_pictures

    def run(self) -> None:
        """Write them all or none, and let the planner look at them."""
        models = (Wallet, Dataset, Training, Word)
        with transaction.atomic():
            with without_indexes(*models) if self.number >= MANY else nullcontext():
                self._draw()
            if self.with_pictures:
                self._hang_pictures()
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE seed")
        with connection.cursor() as cursor:
            for model in models:
                cursor.execute(f"ANALYZE {model._meta.db_table}")

    def _draw(self) -> None:
        values: dict[str, Any] = {
            "number": self.number,
            "wallets": self.number // WALLET_PER + 1,
            "channels": self.number // CHANNEL_PER + 5,
            "years": YEARS,
            "hues": HUES,
            "placeholders": [placeholder(hue) for hue in range(HUES)],
            "dataset_kind": Dataset.Kind.DRAFT if self.with_pictures else Dataset.Kind.TRAINING,
            **WEIGHTS,
        }
        with connection.cursor() as cursor:
            cursor.execute("SELECT setseed(%s)", [self.dice.random()])
            insert(Wallet, WALLETS, values)
            cursor.execute(DRAWN, values)
            insert(Dataset, DATASETS, values)
            insert(Training, TRAININGS, values)

    def _hang_pictures(self) -> None:
        """Draw some sets of pictures and weights that open, and share them out."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT wallet_id, dataset_id FROM seed")
            seeded = cursor.fetchall()
        sets = draw_sets(Wallet.objects.get(pk=seeded[0][0]), self.dice)
        pictures = {drawn.pk: drawn.pictures.count() for drawn in sets}
        weights = write_weights()
        for _wallet, dataset in seeded:
            drawn = self.dice.choice(sets)
            Dataset.objects.filter(pk=dataset).update(**look_of(drawn))
            hang(drawn, dataset)
            rows = Training.objects.filter(dataset=dataset)
            rows.update(picture_count=pictures[drawn.pk])
            rows.exclude(weights="").update(**weights)
