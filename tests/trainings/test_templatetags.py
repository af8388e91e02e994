"""The filters of trainings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from trainings.templatetags.trainings import fitting, lasting


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (48, "48 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (3599, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_duration_is_said_as_short_as_it_is_useful(seconds, words):
    assert lasting(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("letters", "name"),
    [
        (2, ""),
        (6, ""),
        (7, "fit-9"),
        (9, "fit-9"),
        (10, "fit-13"),
        (13, "fit-13"),
        (14, "fit-18"),
        (19, "fit-24"),
        (24, "fit-24"),
    ],
)
def test_a_long_trigger_word_is_written_smaller(letters, name):
    assert fitting("W" * letters) == name
