"""LoRAs that are applied besides the first: a batch may have up to four, each with its strength."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from generations.choices import LARGEST_SCALE, validate_scale
from providers import Provider
from trainings.models import Training

MOST_LORAS = 5
"""Of a batch, with the first: what the form has room for; a provider may take fewer."""
ADDED_SCALE = 1.0
"""How strongly an added LoRA is applied, unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Addition:
    """A LoRA to be applied besides the first."""

    training: Training
    scale: float = ADDED_SCALE

    @property
    def strength(self) -> str:
        """Its scale as pages, addresses and files write it."""
        return f"{self.scale:g}"


class AddedLora(models.Model):
    """A LoRA that was applied besides the first, in its place of the batch."""

    generation = models.ForeignKey(
        "generations.Generation", models.CASCADE, related_name="added_loras", db_index=False
    )
    training = models.ForeignKey(Training, models.PROTECT, related_name="added_to")
    place = models.PositiveSmallIntegerField()
    """From 1; it decides the order of the trigger words."""
    scale = models.FloatField(validators=[validate_scale])
    """How strongly it is applied."""
    weights_url = models.TextField(blank=True, editable=False)
    """Where the provider reads it, like `Generation.weights_url`."""

    class Meta:
        ordering = ("generation", "place")
        constraints = (
            models.UniqueConstraint(fields=["generation", "place"], name="added_loras_have_places"),
            models.UniqueConstraint(fields=["generation", "training"], name="a_lora_is_added_once"),
            models.CheckConstraint(
                condition=Q(place__gte=1, place__lt=MOST_LORAS), name="so_many_loras_are_added"
            ),
            models.CheckConstraint(
                condition=Q(scale__gte=0, scale__lte=LARGEST_SCALE), name="added_scale_is_in_range"
            ),
        )

    def __str__(self) -> str:
        return f"{self.training_id} in {self.generation_id}"


def validate_additions(first: Training, additions: Sequence[Addition], provider: Provider) -> None:
    """As many as the provider takes, each LoRA once, each as strong as may be.

    Raises `ValidationError`.
    """
    if 1 + len(additions) > min(MOST_LORAS, provider.most_loras):
        raise ValidationError(too_many(provider))
    loras = [first, *(addition.training for addition in additions)]
    if len({lora.pk for lora in loras}) < len(loras):
        raise ValidationError(_("Each LoRA can be there once."))
    for addition in additions:
        validate_scale(addition.scale)
        if addition.scale > provider.largest_scale:
            raise ValidationError(too_strong(provider))


def too_many(provider: Provider) -> str:
    """Say how many LoRAs this provider applies at once."""
    most = min(MOST_LORAS, provider.most_loras)
    words = ngettext(
        "%(service)s applies %(most)d LoRA at a time.",
        "%(service)s applies up to %(most)d LoRAs at once.",
        most,
    )
    return words % {"service": provider.service, "most": most}


def too_strong(provider: Provider) -> str:
    """Say how strong a LoRA can be at this provider."""
    words = _("%(service)s applies a LoRA with a strength from 0 to %(most)g.")
    return words % {"service": provider.service, "most": provider.largest_scale}
