"""Whether this process lives, and whether the site as a whole can do its work."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from loratrainer.models import Pulse

logger = logging.getLogger(__name__)

PULSE_WITHIN = timedelta(seconds=30)
"""A sweep that is older than this means that no worker or no beat is running."""


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers; asks nobody else."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and work goes on, else 503 with the reason."""
    try:
        working = Pulse.objects.recent(PULSE_WITHIN).filter(name="sweep").exists()
    except DatabaseError as exc:
        logger.warning("Not ready: %s", exc)
        return HttpResponse(
            "The database does not answer.\n", status=503, content_type="text/plain"
        )
    if not working:
        return HttpResponse("No worker has swept lately.\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")
