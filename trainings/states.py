"""What a training can be, and where it can be on its way."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy

from trainings.attempts import Attempt


class Kind(models.TextChoices):
    STYLE = "style", gettext_lazy("Style")
    CHARACTER = "character", gettext_lazy("Character")
    PRODUCT = "product", gettext_lazy("Product")


class Status(models.TextChoices):
    """Names in -ing are a worker's business, names in -ed are over."""

    AWAITING_PAYMENT = "awaiting_payment", gettext_lazy("Waiting for payment")
    ARCHIVING = "archiving", gettext_lazy("Packing the pictures")
    SUBMITTING = "submitting", gettext_lazy("Ordering the training")
    TRAINING = "training", gettext_lazy("Training")
    MIRRORING = "mirroring", gettext_lazy("Bringing the weights home")
    COMPLETED = "completed", gettext_lazy("Ready")
    FAILED = "failed", gettext_lazy("Failed")
    CANCELLED = "cancelled", gettext_lazy("Cancelled")


ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
ENDED_AS = {
    Status.COMPLETED: Attempt.Status.SUCCEEDED,
    Status.FAILED: Attempt.Status.FAILED,
    Status.CANCELLED: Attempt.Status.CANCELLED,
}
NOTHING_HEARD: dict[str, Any] = {
    "queue_position": None,
    "percent": None,
    "log": "",
    "heard_at": None,
}
