from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from generations.prompts import full_prompt, prompt_parts, tidy, validate_prompt


def full(prompt: str, kind: str = "style", trigger_word: str = "KILNGLZ") -> str:
    return full_prompt(prompt, (trigger_word, kind))


def test_a_style_is_named_behind_the_prompt() -> None:
    assert full("a moon jar") == "a moon jar in the style of KILNGLZ"
    assert full("a moon jar.") == "a moon jar in the style of KILNGLZ"


@pytest.mark.parametrize("kind", ["character", "product"])
def test_anything_else_is_named_in_front_of_it(kind: str) -> None:
    assert full("on a beach", kind) == "KILNGLZ, on a beach"


@pytest.mark.parametrize(
    "prompt",
    ["kilnglz jar", "a jar, in KILNGLZ style", "KilnGlz", "(KILNGLZ:1.2)", "jar in KILNGLZ."],
)
@pytest.mark.parametrize("kind", ["style", "character"])
def test_the_trigger_word_is_never_put_in_twice(prompt: str, kind: str) -> None:
    assert full(prompt, kind) == prompt


@pytest.mark.parametrize("prompt", ["KILNGLZZ jar", "xKILNGLZ", "KILNGLZ_2"])
def test_a_word_that_only_contains_it_is_another_word(prompt: str) -> None:
    assert full(prompt, "product") == f"KILNGLZ, {prompt}"


def test_lines_become_one_and_nothing_else_is_read_into_the_words() -> None:
    assert full("a jar\n  on a {{7*7}} <b>table</b>\\1", "product") == (
        "KILNGLZ, a jar on a {{7*7}} <b>table</b>\\1"
    )
    assert full("...") == "in the style of KILNGLZ"


@pytest.mark.parametrize("kind", ["style", "character"])
@pytest.mark.parametrize(
    "prompt", ["a jar", "a\n jar.", "kilnglz", "...", "ein Krug, груша 花瓶 🏺"]
)
def test_what_was_added_is_told_from_the_own_words(prompt: str, kind: str) -> None:
    whole = full(prompt, kind)
    before, words, after = prompt_parts(prompt, whole)
    assert before + words + after == whole
    assert words in " ".join(prompt.split())
    assert before in {"", "KILNGLZ, "}
    assert after in {"", " in the style of KILNGLZ", "in the style of KILNGLZ"}


def test_line_ends_count_once_and_the_space_around_does_not_count() -> None:
    assert tidy("  a\r\nb\rc \n") == "a\nb\nc"


@pytest.mark.parametrize("prompt", ["a", "a" * 500, "🏺" * 500, "a\tb\nc", "{{7*7}} <script>"])
def test_what_a_person_can_write_is_taken(prompt: str) -> None:
    validate_prompt(prompt)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("", "Write what the images should show."),
        (" \n", "Write what the images should show."),
        ("a" * 501, "The prompt has 501 characters. It may have 1 to 500."),
        ("a\0b", "The prompt holds a character that is no text, such as NUL. Take it out."),
        ("a\x1bb", "The prompt holds a character that is no text, such as NUL. Take it out."),
        ("a\ud83db", "The prompt holds a character that is no text, such as NUL. Take it out."),
    ],
)
def test_what_cannot_be_drawn_or_written_is_refused_in_words(prompt: str, words: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        validate_prompt(prompt)
    assert refusal.value.messages == [words]
