"""Replicate's two trainers of FLUX LoRAs: their facts, their settings, their inputs.

Facts: replicate/flux-fine-tuner, train.py, and the models' pages. Durations and prices are what
customers report; ranges that the trainer does not state are ours.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from providers.base import Setting, TrainingOrder
from providers.replicate import ReplicateTrainer


class FluxDevTrainer(ReplicateTrainer):
    """`ostris/flux-dev-lora-trainer`."""

    title = "Replicate, thorough FLUX training"
    about = "Usually ready within half an hour. Has the most settings."
    cost = "By the second; about $2 for 1000 steps."
    model = "ostris/flux-dev-lora-trainer"
    usual_in = timedelta(minutes=25)
    fewest_steps, most_steps = 3, 6000
    fewest_pictures, advised_pictures = 1, 10
    settings = (
        Setting(
            name="learning_rate",
            field="learning_rate",
            title="Learning rate",
            help="How much each step changes. Lower it if the results look overcooked.",
            default=0.0004,
            minimum=0.00001,
            maximum=0.01,
        ),
        Setting(
            name="rank",
            field="lora_rank",
            title="Rank",
            help="How much the LoRA can hold. Higher catches more detail and makes a larger file.",
            default=16,
            minimum=1,
            maximum=128,
        ),
        Setting(
            name="resolution",
            field="resolution",
            title="Resolution",
            help="The sizes, in pixels, that the pictures are learned at.",
            default="512,768,1024",
            choices=(
                ("512", "512"),
                ("768", "768"),
                ("1024", "1024"),
                ("512,768", "512 and 768"),
                ("512,768,1024", "512, 768 and 1024"),
            ),
        ),
        Setting(
            name="caption_dropout",
            field="caption_dropout_rate",
            title="Caption dropout",
            help="The share of steps that ignore the captions. More of it suits a style.",
            default=0.05,
            minimum=0,
            maximum=1,
        ),
        Setting(
            name="autocaption",
            field="autocaption",
            title="Automatic captions",
            help="Describes pictures that have no caption. Does nothing if all of them have one.",
            default=True,
        ),
        Setting(
            name="autocaption_prefix",
            field="autocaption_prefix",
            title="Before automatic captions",
            help="Text that every automatic caption begins with, for example “a photo of TOK”.",
            default="",
        ),
        Setting(
            name="autocaption_suffix",
            field="autocaption_suffix",
            title="After automatic captions",
            help="Text that every automatic caption ends with, for example “in the style of TOK”.",
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

    title = "Replicate, fast FLUX training"
    about = "Usually ready within five minutes. Has no further settings."
    cost = "By the second."
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
