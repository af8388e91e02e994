"""What a person wrote, and what the generator gets: the same with the trigger word in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from datasets.archives import training_caption
from trainings.states import Kind

PROMPT_LENGTH = 500
"""In characters, without the space around it."""
FULL_PROMPT_LENGTH = 700
"""A prompt, the five longest trigger words and the words around them."""
STYLED = " in the style of "
"""What stands before the trigger words of styles (`datasets.archives.training_caption`)."""
LAYOUT = {"\n", "\t"}
EMPTY = _("Write what the images should show.")


def tidy(typed: str) -> str:
    """The prompt as it is kept: without the space around it, its line ends counted once."""
    return typed.replace("\r\n", "\n").replace("\r", "\n").strip()


def validate_prompt(prompt: str) -> None:
    """1 to 500 characters that a file can hold.

    Raises `ValidationError` for other lengths, and for what databases, headers and files do not
    take: NUL and its like, halves of surrogate pairs.
    """
    if not prompt.strip():
        raise ValidationError(EMPTY, code="blank")
    if len(prompt) > PROMPT_LENGTH:
        raise ValidationError(
            _("The prompt has %(length)d characters. It may have 1 to %(most)d."),
            code="max_length",
            params={"length": len(prompt), "most": PROMPT_LENGTH},
        )
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in set(prompt) - LAYOUT):
        raise ValidationError(
            _("The prompt holds a character that is no text, such as NUL. Take it out."),
            code="invalid",
        )


def full_prompt(prompt: str, *loras: tuple[str, str]) -> str:
    """What the generator gets, on one line and with each trigger word in it once.

    `loras` are trigger words with their kinds. For one it is the rule of the captions that it was
    trained with: `<prompt> in the style of <trigger>`, for a character or product
    `<trigger>, <prompt>`, and the prompt alone if it has the word. Of several, the ones that are
    put in front follow each other, and styles are joined by "and".
    """
    line = " ".join(prompt.split())
    in_front, behind = missing_words(line, loras)
    if not line:
        return ", ".join([*in_front, *behind])
    if behind:
        line = f"{line.rstrip(' .,;:')}{STYLED}{' and '.join(behind)}"
    return ", ".join([*in_front, line.strip()])


def missing_words(line: str, loras: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """The trigger words that a prompt lacks: those put in front, and those of styles, behind.

    Two versions of a LoRA may have one word; it is missing once.
    """
    missing: dict[str, tuple[str, str]] = {}
    for word, kind in loras:
        if training_caption(line, trigger_word=word, kind=kind) != line:
            missing.setdefault(word.casefold(), (word, kind))
    in_front = [word for word, kind in missing.values() if kind != Kind.STYLE]
    return in_front, [word for word, kind in missing.values() if kind == Kind.STYLE]


def prompt_parts(prompt: str, full: str) -> tuple[str, str, str]:
    """A full prompt in three: what was added in front, the person's own words, what was added
    behind. Together they are the full prompt.
    """
    line = " ".join(prompt.split())
    words = line if line in full else line.rstrip(" .,;:")
    if words and full.endswith(words):
        return full.removesuffix(words), words, ""
    before, style, after = full.partition(f"{words}{STYLED}")
    return (before, words, STYLED + after) if words and style else ("", "", full)
