"""Where a batch of images can be on its way."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    """Names in -ing are a worker's business, names in -ed are over."""

    SUBMITTING = "submitting", _("Ordering the images")
    GENERATING = "generating", _("Making the images")
    MIRRORING = "mirroring", _("Bringing the images home")
    COMPLETED = "completed", _("Ready")
    FAILED = "failed", _("Failed")


ENDED = (Status.COMPLETED, Status.FAILED)
ORDERED = (Status.GENERATING, Status.MIRRORING, Status.COMPLETED)
"""Those in which a provider has the order under an id that we know."""
