"""Rows are kept once they are drawn, and drawn anew when anything in them changes."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from gallery import rows
from gallery.wall import Wall
from tests.factories import create_training
from trainings.models import Training

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def deployed(settings):
    """Where templates do not change."""
    settings.LOCAL = False
    rows._kept.cache_clear()


def first_row() -> str:
    return rows.row_html(Wall().page().loras[0], 0)


def test_a_row_is_drawn_once():
    create_training(status="completed")
    assert first_row() is first_row()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Another"}, "Another"),
        ({"image_count": 4321}, "4,321 generated"),
        ({"training_steps": 1900}, "1,900"),
        ({"picture_count": 15}, "+11"),
        ({"kind": "character"}, "Character"),
        ({"channel": "vases"}, "vases"),
        ({"weights_size": 5 * 2**20}, "5.0"),
    ],
)
def test_what_changes_is_seen_at_once(changes, words):
    create_training(status="completed", kind="style")
    before = first_row()
    Training.objects.update(**changes)
    assert words not in before
    assert words in first_row()


def test_the_language_and_the_address_of_the_site_are_part_of_it(settings):
    create_training(status="completed", image_count=8)
    english = first_row()
    with override("de"):
        assert first_row() is not english
    settings.SITE_URL = "https://moved.example"
    assert 'data-copy="https://moved.example/' in first_row()


def test_only_the_rows_above_the_fold_are_loaded_at_once():
    create_training(status="completed")
    [lora] = Wall().page().loras
    assert 'loading="lazy"' not in rows.row_html(lora, rows.EAGER - 1)
    assert 'loading="lazy"' in rows.row_html(lora, rows.EAGER)
