"""What somebody wants trained, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.forms.boundfield import BoundField, BoundWidget
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loratrainer.widgets import RangeInput
from providers import get_providers
from providers.base import Provider, Setting
from trainings.drafts import option_name, written
from trainings.states import Kind
from trainings.words import STEPS, validate_steps, validate_trigger_word

NAME_LENGTH = 80
DESCRIPTION_LENGTH = 500
TEXT_LENGTH = 200
"""Of an advanced setting that is a text."""
DEFAULT_STEPS = 1000
VISIBILITIES = [
    ("public", gettext_lazy("Public")),
    ("private", gettext_lazy("Private")),
]
UNTYPED = {"autocomplete": "off"}
VERBATIM = {**UNTYPED, "autocapitalize": "characters", "spellcheck": "false"}


class TrainingForm(forms.Form):
    """The settings of a training, with the advanced ones of the trainer that is chosen.

    With `typed` alone it shows what was typed, without complaint; with `data` it is strict.
    """

    trigger_word = forms.CharField(
        label=gettext_lazy("Trigger word"),
        validators=[validate_trigger_word],
        widget=forms.TextInput(attrs={**VERBATIM, "maxlength": 24}),
        error_messages={"required": gettext_lazy("A training needs a trigger word.")},
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Type"),
        choices=Kind.choices,
        initial=Kind.STYLE,
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Say what is trained: a style, a character or a product.")
        },
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        validators=[
            MaxLengthValidator(NAME_LENGTH, gettext_lazy("A name has at most 80 characters."))
        ],
        widget=forms.TextInput(attrs={**UNTYPED, "maxlength": NAME_LENGTH}),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        validators=[
            MaxLengthValidator(
                DESCRIPTION_LENGTH, gettext_lazy("A description has at most 500 characters.")
            )
        ],
        widget=forms.Textarea(attrs={"rows": 2, "maxlength": DESCRIPTION_LENGTH}),
    )
    training_steps = forms.IntegerField(
        label=gettext_lazy("Steps"),
        initial=DEFAULT_STEPS,
        validators=[validate_steps],
        error_messages={
            "required": gettext_lazy("Choose 100 to 2,000 steps, in hundreds."),
            "invalid": gettext_lazy("Choose 100 to 2,000 steps, in hundreds."),
        },
    )
    visibility = forms.ChoiceField(
        label=gettext_lazy("Who sees it"),
        choices=VISIBILITIES,
        initial="public",
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Say who may see it.")},
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        typed: Mapping[str, str] | None = None,
        default_name: str = "",
    ) -> None:
        """`default_name` names the training if nobody else does; without it, the trigger word."""
        super().__init__(data, initial=dict(typed or {}))
        self.default_name = default_name
        self.providers = get_providers()
        self.fields["provider"] = provider_field(self.providers)
        self.alias = self._chosen("provider", list(self.providers))
        self.fields["training_steps"].widget = steps_widget(self.steps)
        for setting in self.trainer.settings:
            self.fields[option_name(self.alias, setting)] = field_of(setting)

    def strict(self) -> TrainingForm:
        """Return the form as it would be if it were sent now."""
        if self.is_bound:
            return self
        data = {name: self[name].value() for name in self.fields}
        return TrainingForm(data, default_name=self.default_name)

    def _chosen(self, name: str, allowed: list[str]) -> str:
        value = str(self[name].value())
        return value if value in allowed else allowed[0]

    @property
    def trainer(self) -> Provider:
        """The trainer that is chosen; the first one if the choice is none of them."""
        return self.providers[self.alias]

    @property
    def chosen_kind(self) -> Kind:
        """The type that is chosen; style if the choice is none of them."""
        return Kind(self._chosen("kind", Kind.values))

    @property
    def steps(self) -> int:
        """The steps, or the default where what is typed is no number of steps."""
        typed = str(self["training_steps"].value())[:9]
        return int(typed) if typed.isdecimal() and int(typed) in STEPS else DEFAULT_STEPS

    @property
    def trainers(self) -> list[tuple[Provider, BoundWidget]]:
        """Each trainer with its radio button."""
        return list(zip(self.providers.values(), self["provider"], strict=True))

    @property
    def advanced(self) -> list[BoundField]:
        """The fields of the trainer's own settings."""
        return [self[option_name(self.alias, setting)] for setting in self.trainer.settings]

    @property
    def has_advanced_errors(self) -> bool:
        """Whether one of them is wrong."""
        return any(field.errors for field in self.advanced)

    @property
    def differences(self) -> list[str]:
        """Which of those are not as the trainer would have them, in words."""
        values = {
            setting: self[option_name(self.alias, setting)].value()
            for setting in self.trainer.settings
        }
        return [
            f"{_(setting.title)}: {_(dict(setting.choices).get(str(value), str(value)))}"
            for setting, value in values.items()
            if value not in (None, "", written(setting.default))
        ]

    def clean_name(self) -> str:
        """Return what was typed, or the default name, or the trigger word."""
        default = self.default_name or self.cleaned_data.get("trigger_word", "")
        return str(self.cleaned_data["name"] or default)[:NAME_LENGTH]

    def clean_training_steps(self) -> int:
        """Return the steps if the trainer makes so many."""
        steps: int = self.cleaned_data["training_steps"]
        least, most = self.trainer.fewest_steps, self.trainer.most_steps
        if not least <= steps <= most:
            words = _("This trainer makes {least} to {most} steps.")
            raise forms.ValidationError(words.format(least=least, most=most))
        return steps

    def choices(self) -> dict[str, Any]:
        """Return what `Training.begin` takes of a valid form."""
        given = self.cleaned_data
        return {
            **{name: given[name] for name in ("name", "description", "kind", "trigger_word")},
            "training_steps": given["training_steps"],
            "provider": self.alias,
            "is_private": given["visibility"] == "private",
            "options": self.options(),
        }

    def options(self) -> dict[str, Any]:
        """Return the trainer's settings that are valid and not as the trainer would have them."""
        values = {
            setting: self.cleaned_data.get(option_name(self.alias, setting))
            for setting in self.trainer.settings
        }
        return {
            setting.name: value
            for setting, value in values.items()
            if value not in (None, setting.default)
        }


def provider_field(providers: Mapping[str, Provider]) -> forms.ChoiceField:
    """Return the choice of a trainer, the first one chosen."""
    return forms.ChoiceField(
        label=_("Trainer"),
        choices=[(alias, _(provider.title)) for alias, provider in providers.items()],
        initial=next(iter(providers)),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a trainer."),
            "invalid_choice": _("There is no such trainer. Choose one of these."),
        },
    )


def steps_widget(steps: int) -> RangeInput:
    """Return a range input; its class says how far the steps are between the ends, in percent."""
    least, most = STEPS[0], STEPS[-1]
    share = round((steps - least) / (most - least) * 100)
    attrs = {"min": least, "max": most, "step": STEPS.step, "class": f"p-{share}"}
    return RangeInput(attrs=attrs)


def field_of(setting: Setting) -> forms.Field:
    """Return the field of a trainer's setting; left empty it means the trainer's default."""
    given: dict[str, Any] = {
        "label": _(setting.title),
        "help_text": _(setting.help),
        "initial": written(setting.default),
        "required": False,
    }
    limits: dict[str, Any] = {"min_value": setting.minimum, "max_value": setting.maximum}
    if setting.choices:
        choices = [(value, _(words)) for value, words in setting.choices]
        return forms.TypedChoiceField(choices=choices, empty_value=None, **given)
    match setting.default:
        case bool():
            states = [("on", _("On")), ("off", _("Off"))]
            return forms.TypedChoiceField(
                choices=states, coerce=lambda state: state == "on", empty_value=None, **given
            )
        case int():
            return forms.IntegerField(**limits, **given)
        case float():
            return forms.FloatField(**limits, **given, widget=forms.NumberInput({"step": "any"}))
        case str():
            return forms.CharField(max_length=TEXT_LENGTH, **given)
