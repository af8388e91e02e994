"""The doorbells: where providers tell us that something has happened."""

from __future__ import annotations

import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from loratrainer.jobs import Job
from loratrainer.orders import Order
from loratrainer.outcomes import TryAgainLater
from loratrainer.tasks import nudge
from providers import get_provider
from providers.base import Unverified
from trainings.attempts import Attempt

logger = logging.getLogger(__name__)


def is_reachable(provider: str) -> bool:
    """Whether the provider can reach this site: a real one by HTTPS only, the sandbox anyway."""
    is_sandbox = settings.SANDBOX_URL in settings.FETCH_HOSTS[get_provider(provider).files_at]
    return bool(settings.HTTPS or is_sandbox)


def webhook_url(provider: str, token: str, *, app: str = "trainings") -> str:
    """The address for one order; empty where the provider cannot reach us and we only poll."""
    if not is_reachable(provider):
        return ""
    name = "fal_webhook" if provider == "fal" else "replicate_webhook"
    return settings.SITE_URL + reverse(f"{app}:{name}", args=[token])


@csrf_exempt
@login_not_required
@require_POST
def webhook(request: HttpRequest, token: str, service: str) -> HttpResponse:
    """Ring for the attempt of this token; 404 for a token that is not ours."""
    attempt = Attempt.objects.select_related("training").filter(token=token).first()
    if attempt is None or get_provider(attempt.provider).service != service:
        return HttpResponse(status=404)
    return ring(request, attempt.provider, attempt, attempt.training)


def ring(request: HttpRequest, provider: str, order: Order, job: Job) -> HttpResponse:
    """Tell the order what a webhook says, and ring for its job.

    The body is checked and then not believed: the worker asks the provider with our own key.
    Answers 200 at once, 401 for a signature that is not the provider's, 503 while signatures cannot
    be checked.
    """
    try:
        job_id = get_provider(provider).verify_webhook(request.headers, request.body)
    except Unverified as exc:
        logger.warning("A webhook was not believed: %s", exc)
        return HttpResponse(status=exc.status)
    except TryAgainLater:
        return HttpResponse(status=503, headers={"Retry-After": "30"})
    order.hear(job_id)
    job.hurry()
    nudge(job)
    return HttpResponse(status=200)
