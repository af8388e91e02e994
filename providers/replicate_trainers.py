"""Replicate's two trainers of FLUX LoRAs: their facts, their settings, their inputs.

Facts: replicate/flux-fine-tuner, train.py, and the models' pages. Durations and prices are what
customers report; ranges that the trainer does not state are ours.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_noop

from providers.base import Setting, TrainingOrder
from providers.replicate import ReplicateTrainer

H100_CENTS = Decimal("0.1525")
"""replicate.com/pricing: a second of one H100, which FLUX is trained on; the fast trainer has eight
of them, as its customers report."""


class FluxDevTrainer(ReplicateTrainer):
    """`ostris/flux-dev-lora-trainer`."""

    title = gettext_noop("Replicate, thorough FLUX training")
    about = gettext_noop("Usually ready within half an hour. Has the most settings.")
    cost = gettext_noop("By the second; about $2 for 1000 steps.")
    second_cents = H100_CENTS
    model = "ostris/flux-dev-lora-trainer"
    usual_in = timedelta(minutes=25)
    fewest_steps, most_steps = 3, 6000
    fewest_pictures, advised_pictures = 1, 10
    settings = (
        Setting(
            name="learning_rate",
            field="learning_rate",
            title=gettext_noop("Learning rate"),
            help=gettext_noop(
                "How much each step changes. Lower it if the results look overcooked."
            ),
            default=0.0004,
            minimum=0.00001,
            maximum=0.01,
        ),
        Setting(
            name="rank",
            field="lora_rank",
            title=gettext_noop("Rank"),
            help=gettext_noop(
                "How much the LoRA can hold. Higher catches more detail and makes a larger file."
            ),
            default=16,
            minimum=1,
            maximum=128,
        ),
        Setting(
            name="resolution",
            field="resolution",
            title=gettext_noop("Resolution"),
            help=gettext_noop("The sizes, in pixels, that the pictures are learned at."),
            default="512,768,1024",
            choices=(
                ("512", "512"),
                ("768", "768"),
                ("1024", "1024"),
                ("512,768", gettext_noop("512 and 768")),
                ("512,768,1024", gettext_noop("512, 768 and 1024")),
            ),
        ),
        Setting(
            name="caption_dropout",
            field="caption_dropout_rate",
            title=gettext_noop("Caption dropout"),
            help=gettext_noop(
                "The share of steps that ignore the captions. More of it suits a style."
            ),
            default=0.05,
            minimum=0,
            maximum=1,
        ),
        Setting(
            name="autocaption",
            field="autocaption",
            title=gettext_noop("Automatic captions"),
            help=gettext_noop(
                "Describes pictures that have no caption. Does nothing if all of them have one."
            ),
            default=True,
        ),
        Setting(
            name="autocaption_prefix",
            field="autocaption_prefix",
            title=gettext_noop("Before automatic captions"),
            help=gettext_noop(
                "Text that every automatic caption begins with, for example “a photo of TOK”."
            ),
            default="",
        ),
        Setting(
            name="autocaption_suffix",
            field="autocaption_suffix",
            title=gettext_noop("After automatic captions"),
            help=gettext_noop(
                "Text that every automatic caption ends with, for example “in the style of TOK”."
            ),
            default="",
        ),
    )

    def training_input(self, order: TrainingOrder) -> dict[str, Any]:
        """Return the input, with the settings that are not left empty."""
        chosen = {
            setting.field: order.settings.get(setting.name, setting.default)
            for setting in self.settings
        }
        return {
            "input_images": order.archive_url,
            "trigger_word": order.trigger_word,
            "steps": order.steps,
        } | {field: value for field, value in chosen.items() if value != ""}


class FastFluxTrainer(ReplicateTrainer):
    """`replicate/fast-flux-trainer`; of its inputs only these four are documented."""

    title = gettext_noop("Replicate, fast FLUX training")
    about = gettext_noop("Usually ready within five minutes. Has no further settings.")
    cost = gettext_noop("By the second.")
    second_cents = 8 * H100_CENTS
    model = "replicate/fast-flux-trainer"
    usual_in = timedelta(minutes=3)
    fewest_steps, most_steps = 1, 10_000
    fewest_pictures, advised_pictures = 1, 10

    def training_input(self, order: TrainingOrder) -> dict[str, Any]:
        """Return the input."""
        return {
            "input_images": order.archive_url,
            "trigger_word": order.trigger_word,
            "training_steps": order.steps,
            "lora_type": "style" if order.kind == "style" else "subject",
        }
