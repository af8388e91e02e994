"""What may be typed about a training, and what it means."""

from __future__ import annotations

from typing import Any

import pytest

from providers import get_provider
from trainings.forms import TrainingForm, field_of

TYPED: dict[str, str] = {
    "trigger_word": "KILNGLZ",
    "kind": "product",
    "name": "Glaze tests",
    "description": "",
    "training_steps": "1000",
    "provider": "fal",
    "visibility": "public",
}


def errors_of(**typed: str) -> dict[str, Any]:
    form = TrainingForm(TYPED | typed)
    form.full_clean()
    return {name: list(errors) for name, errors in form.errors.items()}


def choices_of(**typed: str) -> dict[str, Any]:
    form = TrainingForm(TYPED | typed)
    assert form.is_valid(), form.errors
    return form.choices()


def test_a_plain_order():
    assert choices_of() == {
        "name": "Glaze tests",
        "description": "",
        "kind": "product",
        "trigger_word": "KILNGLZ",
        "training_steps": 1000,
        "provider": "fal",
        "is_private": False,
        "options": {},
    }


@pytest.mark.parametrize(
    "word",
    ["two words", "🔥fire", "../x", "x" * 200, "a", "naïve", "<b>bold</b>", "a\0b", "KILN-GLZ"],
)
def test_a_trigger_word_that_trainers_would_take_apart_is_refused(word):
    (errors,) = errors_of(trigger_word=word).values()
    assert errors
    assert "trigger_word" in errors_of(trigger_word=word)
    assert TrainingForm(TYPED | {"trigger_word": word})["trigger_word"].value() == word


@pytest.mark.parametrize("word", ["", "   "])
def test_a_training_needs_a_trigger_word(word):
    assert errors_of(trigger_word=word) == {"trigger_word": ["A training needs a trigger word."]}


@pytest.mark.parametrize("word", ["TOK", "ohwx", "ebru_marbl", "x" * 24, "42"])
def test_letters_digits_and_underscores_are_a_trigger_word(word):
    assert choices_of(trigger_word=f" {word} ")["trigger_word"] == word


@pytest.mark.parametrize("steps", ["", "many", "0", "50", "150", "2100", "-100", "1e3", "9" * 400])
def test_steps_are_hundreds_up_to_two_thousand(steps):
    assert list(errors_of(training_steps=steps)) == ["training_steps"]
    assert TrainingForm(typed={"training_steps": steps}).steps == 1000


@pytest.mark.parametrize(("steps", "share"), [("100", "p-0"), ("1000", "p-47"), ("2000", "p-100")])
def test_the_range_shows_how_far_the_steps_are(steps, share):
    form = TrainingForm(typed={"training_steps": steps})
    assert form.fields["training_steps"].widget.attrs["class"] == share


@pytest.mark.parametrize("name", ["kind", "provider", "visibility"])
def test_only_what_there_is_can_be_chosen(name):
    assert list(errors_of(**{name: "another"})) == [name]
    assert list(errors_of(**{name: ""})) == [name]


def test_without_a_name_it_is_called_like_the_channel_and_else_like_the_trigger_word():
    assert choices_of(name="")["name"] == "KILNGLZ"
    form = TrainingForm(TYPED | {"name": " "}, default_name="Glaze tests by Kiln Room" * 9)
    assert form.is_valid()
    assert form.choices()["name"] == ("Glaze tests by Kiln Room" * 9)[:80]


def test_names_and_descriptions_have_an_end():
    assert errors_of(name="x" * 81) == {"name": ["A name has at most 80 characters."]}
    assert list(errors_of(description="x" * 501)) == ["description"]
    assert errors_of(name="x" * 80, description="x" * 500) == {}


def test_private_is_private():
    assert choices_of(visibility="private")["is_private"] is True


def test_the_settings_are_those_of_the_trainer_that_is_chosen():
    fields = {field.name for field in TrainingForm(typed={"provider": "replicate"}).advanced}
    assert "replicate-rank" in fields
    assert not any(name.startswith("fal-") for name in fields)
    assert [field.name for field in TrainingForm().advanced] == ["fal-masks"]


def test_a_trainer_that_is_not_there_shows_the_first_one():
    assert TrainingForm(typed={"provider": "../x"}).alias == "fal"


def test_a_setting_left_at_its_default_is_not_sent_on():
    options = {
        "replicate-rank": "16",
        "replicate-learning_rate": "0.0004",
        "replicate-autocaption": "on",
    }
    assert choices_of(provider="replicate", **options)["options"] == {}
    assert choices_of(provider="replicate")["options"] == {}


def test_settings_arrive_in_their_own_types():
    options = {
        "replicate-rank": "32",
        "replicate-learning_rate": "1e-4",
        "replicate-autocaption": "off",
        "replicate-resolution": "512",
        "replicate-autocaption_prefix": " a photo of TOK ",
        "fal-masks": "off",
    }
    assert choices_of(provider="replicate", **options)["options"] == {
        "rank": 32,
        "learning_rate": 0.0001,
        "autocaption": False,
        "resolution": "512",
        "autocaption_prefix": "a photo of TOK",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rank", "0"),
        ("rank", "129"),
        ("rank", "many"),
        ("learning_rate", "nan"),
        ("learning_rate", "1"),
        ("resolution", "4096"),
        ("autocaption", "maybe"),
        ("autocaption_prefix", "x" * 201),
    ],
)
def test_settings_keep_to_the_trainers_limits(name, value):
    assert list(errors_of(provider="replicate", **{f"replicate-{name}": value})) == [
        f"replicate-{name}"
    ]
    form = TrainingForm(TYPED | {"provider": "replicate", f"replicate-{name}": value})
    assert form.has_advanced_errors


def test_what_is_not_as_the_trainer_would_have_it_is_said():
    assert TrainingForm(typed={"provider": "replicate"}).differences == []
    typed = {"provider": "replicate", "replicate-rank": "32", "replicate-resolution": "512,768"}
    assert TrainingForm(typed=typed).differences == ["Rank: 32", "Resolution: 512 and 768"]


def test_every_setting_of_every_trainer_takes_its_own_default():
    for alias in TrainingForm().providers:
        for setting in get_provider(alias).settings:
            field = field_of(setting)
            assert field.clean(field.initial) == setting.default
            assert field.help_text == setting.help


def test_a_form_that_is_only_shown_does_not_complain():
    form = TrainingForm(typed={"trigger_word": "two words", "training_steps": "many"})
    assert not form.errors
    assert form["trigger_word"].value() == "two words"
    assert form["training_steps"].value() == "many"
