"""Where providers come to us: to tell that something has happened, and to read the LoRA."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from generations.models import Generation
from generations.states import ENDED
from providers import get_provider
from trainings.hooks import ring
from trainings.models import Training
from trainings.own import filename
from trainings.views_files import lead_to
from wallets.http import Request


@csrf_exempt
@login_not_required
@require_POST
def webhook(request: HttpRequest, token: str, service: str) -> HttpResponse:
    """Ring for the batch of this token; 404 for a token that is not ours."""
    batch = Generation.objects.filter(token=token).first()
    if batch is None or get_provider(batch.provider).service != service:
        return HttpResponse(status=404)
    return ring(request, batch.provider, batch, batch)


@login_not_required
@require_safe
def weights(request: Request, token: str, name: str) -> HttpResponse:
    """Lead the provider of a batch to the file of a LoRA of it, until the batch is over.

    The address is its own, so that it tells this order from all others in a provider's list; and it
    ends in the file's name without a query, because Replicate takes no other.
    """
    batches = Generation.objects.select_related("training")
    batch = batches.prefetch_related("added_loras__training").filter(token=token).first()
    if batch is None or batch.status in ENDED:
        return HttpResponse(status=404)
    for lora in batch.loras:
        if name == filename(lora, ".safetensors"):
            return lead_to(request, lora.weights, name)
    return HttpResponse(status=404)


def weights_path(batch: Generation, lora: Training) -> str:
    """The path of `weights` for a LoRA of this batch."""
    return reverse("generations:weights", args=[batch.token, filename(lora, ".safetensors")])
