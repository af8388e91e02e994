"""Fields of the form that asks for images: a prompt, and numbers that may be left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError

from generations import prompts

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


class PromptField(forms.Field):
    """A text, kept as `prompts.tidy` has it."""

    widget = forms.Textarea
    default_validators = [prompts.validate_prompt]  # noqa: RUF012 - Django's own attribute
    default_error_messages = {"required": prompts.EMPTY}  # noqa: RUF012 - likewise

    def to_python(self, value: Any) -> str:
        """Return the text without the space around it."""
        return prompts.tidy(str(value or ""))


def words_of(validate: Callable[[Any], None]) -> StrPromise:
    """Return what a validator says: asked about a number that none of them takes."""
    try:
        validate(-1)
    except ValidationError as refused:
        return cast("StrPromise", refused.message)
    raise ValueError(f"{validate} takes everything")


def number(
    kind: type[forms.IntegerField],
    label: StrPromise,
    validate: Callable[[Any], None],
    within: tuple[float, float],
    *,
    step: float | str = 1,
) -> forms.IntegerField:
    """Return a field for a number; `within` and `step` are for the browser. Empty: the default."""
    attrs = {"min": f"{within[0]:g}", "max": str(within[1]).removesuffix(".0"), "step": step}
    return kind(
        label=label,
        required=False,
        validators=[validate],
        widget=forms.NumberInput(attrs={**attrs, "inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"invalid": words_of(validate)},
    )
