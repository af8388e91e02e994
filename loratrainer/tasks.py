"""The only two Celery tasks in the house, and the bell that rings them."""

from __future__ import annotations

import logging
from functools import partial

from celery import shared_task
from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from loratrainer.jobs import Job, JobQuerySet
from loratrainer.models import Pulse

logger = logging.getLogger(__name__)

SWEEP_LIMIT = 500
"""How many due jobs of a kind one sweep rings for; the oldest go first."""


def job_models() -> list[type[Job]]:
    """Every kind of job there is."""
    return [model for model in apps.get_models() if issubclass(model, Job)]


def nudge(job: Job) -> None:
    """Ask a worker to look at the job as soon as this transaction is committed. Never raises."""
    transaction.on_commit(partial(_ring, job._meta.label, str(job.pk)), robust=True)


def _ring(label: str, pk: str) -> None:
    try:
        # A bell that nobody heard for this long has been replaced by a sweep's.
        advance.apply_async((label, pk), retry=False, expires=30)
    except Exception as exc:
        logger.warning("The broker did not take a message: %s", exc)


@shared_task
def advance(label: str, pk: str) -> None:
    """Run one step of one job; ring again if the next one is due at once."""
    jobs: JobQuerySet[Job] = JobQuerySet(apps.get_model(label))
    job = jobs.claim(pk)
    if job is None:
        return
    job.advance()
    if jobs.due().filter(pk=pk).exists():
        _ring(label, pk)


@shared_task
def sweep() -> None:
    """Ring for every job that is due, and run the other sweeps that the settings name."""
    Pulse.feel("sweep")
    for model in job_models():
        jobs: JobQuerySet[Job] = JobQuerySet(model)
        for pk in jobs.due().order_by("due_at").values_list("pk", flat=True)[:SWEEP_LIMIT]:
            _ring(model._meta.label, str(pk))
    for path in settings.SWEEPS:
        try:
            import_string(path)()
        except Exception:
            logger.exception("The sweep %s failed", path)
