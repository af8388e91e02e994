"""How somebody adds LoRAs in a form: `added` and `added_scale`, as often as there are some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from generations.additions import ADDED_SCALE, Addition
from generations.choices import validate_scale
from trainings.models import Training
from trainings.querysets import TrainingQuerySet
from trainings.views import uuid_of

LORA, SCALE = "added", "added_scale"

type Typed = Sequence[tuple[str, str]]
"""Ids of LoRAs and their strengths, as they were typed."""


@dataclass(frozen=True, slots=True)
class Row:
    """An added LoRA as the form shows it."""

    lora: Training
    scale: str
    """As it was typed, sensible or not."""


def typed_additions(data: Mapping[str, Any]) -> Typed:
    """Read what a form or an address says; a strength that is missing is the usual one."""
    loras, scales = (
        data.getlist(name) if hasattr(data, "getlist") else list(data.get(name, []))
        for name in (LORA, SCALE)
    )
    scales += [f"{ADDED_SCALE:g}"] * (len(loras) - len(scales))
    return [(str(lora), str(scale)) for lora, scale in zip(loras, scales, strict=False)]


def typed_of(additions: Sequence[Addition]) -> Typed:
    """Return additions as somebody would type them."""
    return [(str(one.training.pk), one.strength) for one in additions]


def additions_query(typed: Typed) -> dict[str, list[str]]:
    """Return what an address says of added LoRAs; nothing if there are none."""
    if not typed:
        return {}
    return {LORA: [lora for lora, _scale in typed], SCALE: [scale for _lora, scale in typed]}


class AdditionsWidget(forms.Widget):
    """Reads the fields; templates/generations/additions.html draws them."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Typed:
        """Return what was typed."""
        return typed_additions(data)


class AdditionsField(forms.Field):
    """LoRAs that the person may see, each with its strength."""

    widget = AdditionsWidget
    loras: TrainingQuerySet
    """Those that may be added; the form says so."""

    def rows(self, typed: Typed) -> list[Row]:
        """Return what the form shows: each LoRA that is there, once."""
        scales: dict[Any, str] = {}
        for lora, scale in typed:
            scales.setdefault(uuid_of(lora), scale)
        found = self.loras.in_bulk(list(scales)) if scales else {}
        return [Row(found[pk], scale) for pk, scale in scales.items() if pk in found]

    def clean(self, value: Typed) -> list[Addition]:
        """Return the additions. Raises `ValidationError` for a LoRA or strength there is not."""
        rows = self.rows(value)
        if len(rows) < len(value):
            raise ValidationError(
                _("One of the added LoRAs was there twice, or is not there any more.")
            )
        return [Addition(row.lora, scale_of(row.scale)) for row in rows]


def scale_of(typed: str) -> float:
    """Return a strength from 0 to 4. Raises `ValidationError`."""
    try:
        scale = float(typed.replace(",", "."))
    except ValueError:
        scale = -1.0
    validate_scale(scale)
    return scale
