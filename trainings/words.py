"""Words that people choose: trigger words, and what to say about them."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

TRIGGER_WORD = re.compile(r"[A-Za-z0-9_]{2,24}")
STEPS = range(100, 2001, 100)

PLAIN_WORDS = frozenset(
    """
    animal art background beach bird black blue boy car cartoon cat character city color
    colour day dog drawing dress face film flower forest girl green hair hand house image
    landscape light line man model mountain nature night object paint painting paper pattern
    people person photo photograph picture plant portrait product red room sea shape shoe
    sketch sky street style sun texture tree vase water white woman world yellow
    """.split()  # noqa: SIM905 - a word list is read better without quotes
)
"""Words that the base model knows well, so that a training would have to unlearn them first."""


def validate_trigger_word(word: str) -> None:
    """Letters, digits and underscores, 2 to 24 of them. Raises `ValidationError`."""
    if not TRIGGER_WORD.fullmatch(word):
        raise ValidationError(_("Use 2 to 24 letters, digits or underscores, without spaces."))


def validate_steps(steps: int) -> None:
    """100 to 2,000 in hundreds. Raises `ValidationError`."""
    if steps not in STEPS:
        raise ValidationError(_("Choose 100 to 2,000 steps, in hundreds."))


def is_plain(word: str) -> bool:
    """Whether it is an ordinary word, which makes a poor trigger."""
    return word.lower() in PLAIN_WORDS
