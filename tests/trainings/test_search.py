"""How a search finds its page: exactly what looking at each LoRA finds, in the wall's order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.db import connection
from django.db.models.functions import Now

from tests.factories import create_training, create_wallet
from trainings import search
from trainings.indexes import MOST_GENERATED, NEWEST, Word
from trainings.models import Training
from trainings.search import Search

pytestmark = pytest.mark.django_db

BEGINNING = datetime(2026, 11, 1, 12, tzinfo=UTC)
LOOKS, THINGS = ("glazed", "glaring", "misty", "gl"), ("vases", "vast dunes", "moths", "ferns")


@pytest.fixture
def wall() -> list[Training]:
    """Sixty LoRAs, some of the same moment; "misty" never meets "glazed", nor a product "moths"."""
    dice = Random("search")
    first = create_training(status="completed", trigger_word="TOK", name="Kiln")
    loras = []
    for place in range(60):
        look, thing = dice.choice(LOOKS), dice.choice(THINGS)
        kind = "style" if thing == "moths" else dice.choice(("style", "product"))
        loras.append(
            Training(
                wallet=first.wallet,
                dataset=first.dataset,
                status="completed",
                trigger_word=dice.choice(("TOK", "GLZ_01", "MST9")),
                name=f"{look.capitalize()} {thing}",
                kind=kind,
                provider="fal",
                service=dice.choice(("fal.ai", "fal.ai", "Replicate")),
                price_cents=400,
                weights="weights",
                image_count=dice.choice((0, 0, 4, 8)),
                completed_at=BEGINNING + timedelta(minutes=place // 4),
            )
        )
    return Training.objects.bulk_create(loras)


def walked(text: str, order: tuple[str, ...], **chosen: str) -> list[object]:
    loras = Training.objects.public().naming(text).filter(**chosen)
    return list(loras.in_order(order).values_list("pk", flat=True))


def searched(text: str, order: tuple[str, ...], **chosen: str) -> Iterator[object]:
    """All that is found, page by page."""
    place = None
    while True:
        found = Search(text, **chosen).page(order, 7, place=place)
        rows = list(found.loras.values_list("pk", *order))
        if not rows:
            return
        yield from (pk for pk, *_place in rows)
        place = rows[-1][1:]


@pytest.mark.parametrize(
    ("texts", "near", "few"),
    [(20, 0, 5000), (1, 60, 5000), (1, 0, 5000), (1, 5, 10)],
    ids=["merged", "near", "sorted", "on a long walk"],
)
@pytest.mark.parametrize(
    "chosen",
    [{}, {"kind": "product"}, {"service": "fal.ai"}, {"kind": "product", "service": "Replicate"}],
    ids=["all", "a kind", "a service", "both"],
)
@pytest.mark.parametrize("order", [NEWEST, MOST_GENERATED], ids=["newest", "most"])
@pytest.mark.usefixtures("wall")
def test_it_finds_what_looking_at_each_one_finds(monkeypatch, order, chosen, texts, near, few):
    monkeypatch.setattr(search, "TEXTS", texts)
    monkeypatch.setattr(search, "NEAR", near)
    monkeypatch.setattr(search, "FEW", few)
    for text in (
        *("glazed", "gla", "g", "GL", "tok", "mst9", "nothing", "", "?!"),
        *("glazed vases", "vases glazed", "glazed va", "vases gl", "glazed glazed", "glazed gla"),
        *("gla glazed", "glazed misty", "tok glazed", "glz 01", "glz_01", "moths m"),
        *("tok glazed vases", "glazed tok vas", "vast dunes gl", "dunes vast glz 01 glaring"),
        *("kiln glazed misty", "v v v", "glazed vases glazed", "vases gl glazed"),
    ):
        expected = walked(text, order, **chosen)
        assert list(searched(text, order, **chosen)) == expected, text
        found = Search(text, **chosen).page(order, 7, most=1000)
        assert found.count == len(expected) or found.has_uncounted, text
        assert found.count <= len(expected), text


@pytest.mark.usefixtures("wall")
def test_it_counts_up_to_a_limit():
    everything = walked("tok", NEWEST)
    for most in (len(everything) - 1, len(everything), len(everything) + 1):
        found = Search("tok").page(NEWEST, 7, most=most)
        assert found.count == min(most, len(everything))
        assert found.has_uncounted is (most < len(everything))


def test_case_is_that_of_the_database():
    create_training(status="completed", name="\u039f\u0394\u039f\u03a3 \u0130stanbul")
    for text in ("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf", "\u0130stanbul"):
        assert list(searched(text, NEWEST)) == walked(text, NEWEST)
    assert list(searched("\u039f\u0394\u039f\u03a3", NEWEST))


def kept() -> set[tuple[object, ...]]:
    columns = ("text", "training_id", "completed_at", "image_count", "kind", "service")
    return set(Word.objects.values_list(*columns))


def meant() -> set[tuple[object, ...]]:
    """What should be kept of the public LoRAs, worked out anew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, tsvector_to_array(words) FROM trainings_training")
        words = dict(cursor.fetchall())
    return {
        (text, lora.pk, lora.completed_at, lora.image_count, lora.kind, lora.service)
        for lora in Training.objects.public()
        for text in (
            *words[lora.pk],
            *(f"+{a} {b}" for a in words[lora.pk] for b in words[lora.pk] if a != b),
        )
    }


def test_words_follow_whatever_happens_to_a_lora():
    lora = create_training(status="mirroring", trigger_word="KILN_GLZ", name="Glaze tests")
    other = create_training(status="completed", trigger_word="OTHER", name="Glaze")
    rows = Training.objects.filter(pk=lora.pk)
    assert {text for text, pk, *_ in kept()} == {"other", "glaze", "+other glaze", "+glaze other"}
    steps = (
        {"status": "completed", "completed_at": BEGINNING, "weights": "weights"},
        {"image_count": 4},
        {"name": "Misty vases"},
        {"kind": "style"},
        {"service": "Replicate"},
        {"completed_at": BEGINNING + timedelta(days=1)},
        {"is_private": True},
        {"is_private": True, "name": "Hidden"},
        {"is_private": False},
        {"hidden_at": Now()},
        {"hidden_at": None},
        {"percent": 7},
        {"deleted_at": Now()},
        {"deleted_at": None},
    )
    for changes in steps:
        rows.update(**changes)
        assert kept() == meant(), changes
        assert bool(Word.objects.filter(training=lora)) is rows.public().exists(), changes
    lora.delete()
    assert kept() == meant()
    assert {pk for _text, pk, *_ in kept()} == {other.pk}


def test_what_changes_nothing_on_the_wall_writes_no_words():
    lora = create_training(status="completed", wallet=create_wallet())
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(ctid::text), max(xmin::text) FROM trainings_word")
        before = cursor.fetchone()
        Training.objects.filter(pk=lora.pk).update(description="New", note="x", heard_at=Now())
        cursor.execute("SELECT min(ctid::text), max(xmin::text) FROM trainings_word")
        assert cursor.fetchone() == before
