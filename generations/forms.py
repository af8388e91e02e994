"""What somebody wants to see, and how it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generations.addition_fields import AdditionsField, Row, Typed, typed_additions
from generations.choices import (
    LARGEST_GUIDANCE,
    LARGEST_SCALE,
    LARGEST_SEED,
    LARGEST_SIDE,
    MOST_IMAGES,
    MOST_STEPS,
    SIDE_STEP,
    SMALLEST_SIDE,
    ImageFormat,
    validate_guidance,
    validate_height,
    validate_images,
    validate_inference_steps,
    validate_scale,
    validate_seed,
    validate_width,
)
from generations.models import Generation
from generations.prompt_fields import PromptField, number, words_of

if TYPE_CHECKING:
    from trainings.models import Training
    from trainings.querysets import TrainingQuerySet

OTHER = "other"
STRENGTHS = {
    1.5: gettext_lazy("chill"),
    2.0: gettext_lazy("spicy"),
    2.5: gettext_lazy("crunchy"),
    3.3: gettext_lazy("fried"),
    4.0: gettext_lazy("dead"),
}
"""Names of how strongly the LoRA is applied; any other strength can be typed."""
FORMATS = {
    (1024, 1024): "1:1",
    (896, 1088): "4:5",
    (896, 1152): "3:4",
    (832, 1216): "2:3",
    (768, 1344): "9:16",
    (1088, 896): "5:4",
    (1152, 896): "4:3",
    (1216, 832): "3:2",
    (1344, 768): "16:9",
    (1536, 640): "21:9",
}
"""Aspect ratios by width and height in pixels, about a megapixel each: those that Replicate's
`flux-dev-lora` draws (`providers/replicate.py`); fal.ai draws any."""
DEFAULTS: Final[dict[str, Any]] = {
    "scale": 1.5,
    "width": 1024,
    "height": 1024,
    "inference_steps": 28,
    "guidance": 3.5,
    "seed": None,
    "images_asked": 4,
    "image_format": "jpeg",
    "additions": [],
}
"""What an untouched form asks for."""


def defaults_of(lora: Training) -> dict[str, Any]:
    """Return what an untouched form of a LoRA asks for: the strength of its report card, too."""
    suggested = lora.recommended_strength
    return DEFAULTS if suggested is None else DEFAULTS | {"scale": suggested}


class PromptForm(forms.Form):
    """A prompt, and the settings behind "Advanced"; what is left out has its default.

    With `query` (the parameters of an address) it shows what they say, where that makes sense; with
    `data` it is strict. No strength above `largest_scale` is offered; that of the `defaults` is.
    """

    request_id = forms.UUIDField(
        required=False,
        error_messages={
            "invalid": gettext_lazy("This page is out of date. Load it again, then try once more.")
        },
    )
    prompt = PromptField(label=gettext_lazy("Prompt"))
    strength = forms.ChoiceField(
        label=gettext_lazy("Strength"),
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": gettext_lazy("Choose one of these strengths.")},
    )
    scale = number(
        forms.FloatField,
        gettext_lazy("Another strength"),
        validate_scale,
        (0, LARGEST_SCALE),
        step="any",
    )
    size = forms.ChoiceField(
        label=gettext_lazy("Size"),
        required=False,
        choices=[
            *(
                (f"{width}x{height}", f"{ratio} · {width} × {height}")  # noqa: RUF001
                for (width, height), ratio in FORMATS.items()
            ),
            (OTHER, gettext_lazy("Another size")),
        ],
        error_messages={"invalid_choice": gettext_lazy("Choose one of these sizes.")},
    )
    width = number(
        forms.IntegerField,
        gettext_lazy("Width"),
        validate_width,
        (SMALLEST_SIDE, LARGEST_SIDE),
        step=SIDE_STEP,
    )
    height = number(
        forms.IntegerField,
        gettext_lazy("Height"),
        validate_height,
        (SMALLEST_SIDE, LARGEST_SIDE),
        step=SIDE_STEP,
    )
    inference_steps = number(
        forms.IntegerField, gettext_lazy("Steps"), validate_inference_steps, (1, MOST_STEPS)
    )
    guidance = number(
        forms.FloatField,
        gettext_lazy("Guidance"),
        validate_guidance,
        (0, LARGEST_GUIDANCE),
        step="any",
    )
    seed = number(forms.IntegerField, gettext_lazy("Seed"), validate_seed, (0, LARGEST_SEED))
    images_asked = forms.TypedChoiceField(
        label=gettext_lazy("Images"),
        required=False,
        choices=[(str(images), str(images)) for images in range(1, MOST_IMAGES + 1)],
        coerce=int,
        empty_value=None,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": words_of(validate_images)},
    )
    image_format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        required=False,
        choices=ImageFormat.choices,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": gettext_lazy("Choose JPEG or PNG.")},
    )
    additions = AdditionsField(label=gettext_lazy("More LoRAs"), required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        lora: Training,
        loras: TrainingQuerySet,
        query: Mapping[str, Any] | None = None,
        largest_scale: float = LARGEST_SCALE,
    ) -> None:
        """Ask for a batch of `lora`; `loras` are those that may be added to it."""
        super().__init__(data, auto_id=f"gen-{lora.pk}-%s")
        self.added = cast(AdditionsField, self.fields["additions"])
        self.added.loras = loras
        self.typed: Typed = typed_additions(data if data is not None else query or {})
        strengths = cast(forms.ChoiceField, self.fields["strength"])
        self.defaults = defaults_of(lora)
        names = {self.defaults["scale"]: _("suggested")} | STRENGTHS
        strengths.choices = [
            *(
                (f"{scale:g}", f"{names[scale]} {scale:g}")
                for scale in sorted(names)
                if scale <= largest_scale
            ),
            (OTHER, _("another")),
        ]
        self.initial = self._shown({"prompt": "", **(query or {}), "additions": self.typed})

    def clean(self) -> dict[str, Any]:
        """Take the strength and the size from where they were chosen."""
        given = self.cleaned_data
        if given.get("strength", OTHER) not in ("", OTHER):
            self._overrule(scale=float(given["strength"]))
        if given.get("size", OTHER) not in ("", OTHER):
            width, height = map(int, given["size"].split("x"))
            self._overrule(width=width, height=height)
        for choice, names in (("strength", ["scale"]), ("size", ["width", "height"])):
            for name in names:
                if given.get(choice) == OTHER and given.get(name, 0) is None:
                    self.add_error(name, self.fields[name].error_messages["invalid"])
        return given

    def _overrule(self, **chosen: float) -> None:
        """Forget what was typed into fields that are out of sight then, and what is wrong there."""
        for name, value in chosen.items():
            self.errors.pop(name, None)
            self.cleaned_data[name] = value

    def _shown(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of an untouched form: what the query says, where that is valid."""
        values, typed = dict(self.defaults), dict(query)
        if typed.get("strength", OTHER) != OTHER:
            typed["scale"] = typed["strength"]
        if typed.get("size", OTHER) != OTHER:
            typed["width"], _x, typed["height"] = typed["size"].partition("x")
        for name in DEFAULTS.keys() & typed.keys():
            with suppress(ValidationError):
                value = self.fields[name].clean(typed[name])
                values[name] = values[name] if value in ("", None) else value
        return values | {
            "prompt": query["prompt"].replace("\0", ""),
            "strength": self._offered("strength", f"{values['scale']:g}"),
            "size": self._offered("size", f"{values['width']}x{values['height']}"),
        }

    def _offered(self, name: str, value: str) -> str:
        return value if cast(forms.ChoiceField, self.fields[name]).valid_value(value) else OTHER

    @cached_property
    def rows(self) -> list[Row]:
        """The added LoRAs as the form shows them."""
        return self.added.rows(self.typed)

    @property
    def has_settings_errors(self) -> bool:
        """Whether something behind "Advanced" is wrong."""
        return bool(set(self.errors) - {"__all__", "prompt", "request_id"})

    @property
    def is_changed(self) -> bool:
        """Whether something behind "Advanced" is not as it would be by itself."""
        return self.settings != self.defaults

    @property
    def settings(self) -> dict[str, Any]:
        """What is drawn: as a valid form says it, else as an untouched one does."""
        given = self.cleaned_data if self.is_valid() else self.initial
        return {
            name: default if given.get(name) in ("", None) else given[name]
            for name, default in self.defaults.items()
        }

    def choices(self) -> dict[str, Any]:
        """Return what `Generation.begin` takes of a valid form."""
        return {
            "request_id": self.cleaned_data["request_id"] or uuid4(),
            "prompt": self.cleaned_data["prompt"],
            **self.settings,
        }

    def asked_for(self, batch: Generation) -> bool:
        """Whether a batch is what this valid form asks for."""
        return all(
            value is None or getattr(batch, name) == value for name, value in self.choices().items()
        )
