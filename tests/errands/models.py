"""A job without an outside world: what its step does is written in the row."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from loratrainer.jobs import Job, JobQuerySet


class Errand(Job):
    script = models.JSONField(default=dict)
    done = models.PositiveIntegerField(default=0)

    steps: ClassVar[dict[str, str]] = {
        "walking": "tests.errands.steps.walk",
        "talking": "tests.errands.steps.talk",
    }

    objects = JobQuerySet["Errand"].as_manager()

    class Meta(Job.Meta):
        pass
