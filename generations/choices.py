"""What a person may choose for a batch of images, and what to say when they choose something else.

Ranges: fal's `flux-lora` and Replicate's `flux-dev-lora` (`num_outputs`, `num_inference_steps`,
`guidance`, `lora_scale`); where they differ, the narrower one, except for the strength, whose
limit each provider names itself.
"""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

LARGEST_SCALE = 4.0
SMALLEST_SIDE, LARGEST_SIDE, SIDE_STEP = 512, 1536, 16
"""In pixels; the model works on squares of 16."""
MOST_STEPS = 50
LARGEST_GUIDANCE = 10.0
LARGEST_SEED = 2**31 - 1
MOST_IMAGES = 4


class ImageFormat(models.TextChoices):
    JPEG = "jpeg", "JPEG"
    PNG = "png", "PNG"


def validate_scale(scale: float) -> None:
    """0 to 4. Raises `ValidationError`."""
    if not 0 <= scale <= LARGEST_SCALE:  # Written so that it refuses what is not a number, too.
        raise ValidationError(_("Choose a strength from 0 to 4."))


def validate_width(width: int) -> None:
    """512 to 1,536 pixels, in steps of 16. Raises `ValidationError`."""
    if not _is_side(width):
        raise ValidationError(_("Choose a width from 512 to 1,536 pixels, in steps of 16."))


def validate_height(height: int) -> None:
    """512 to 1,536 pixels, in steps of 16. Raises `ValidationError`."""
    if not _is_side(height):
        raise ValidationError(_("Choose a height from 512 to 1,536 pixels, in steps of 16."))


def validate_inference_steps(steps: int) -> None:
    """1 to 50. Raises `ValidationError`."""
    if not 1 <= steps <= MOST_STEPS:
        raise ValidationError(_("Choose 1 to 50 steps."))


def validate_guidance(guidance: float) -> None:
    """0 to 10. Raises `ValidationError`."""
    if not 0 <= guidance <= LARGEST_GUIDANCE:
        raise ValidationError(_("Choose a guidance from 0 to 10."))


def validate_seed(seed: int) -> None:
    """0 to 2,147,483,647. Raises `ValidationError`."""
    if not 0 <= seed <= LARGEST_SEED:
        raise ValidationError(_("Choose a seed from 0 to 2,147,483,647, or none."))


def validate_images(images: int) -> None:
    """1 to 4. Raises `ValidationError`."""
    if not 1 <= images <= MOST_IMAGES:
        raise ValidationError(_("Choose 1 to 4 images."))


def validate_provider(alias: str) -> None:
    """One of `settings.PROVIDERS`. Raises `ValidationError`."""
    if alias not in settings.PROVIDERS:
        raise ValidationError(_("Nobody of this name makes images here any more."))


def _is_side(pixels: int) -> bool:
    return SMALLEST_SIDE <= pixels <= LARGEST_SIDE and pixels % SIDE_STEP == 0
