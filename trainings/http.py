"""What views about LoRAs have in common: whose eyes they are."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404

from trainings.models import Training
from wallets.http import Request


def lora_or_404(request: Request, pk: UUID) -> Training:
    """The LoRA, if this visitor may see it, with its wallet and dataset. Raises `Http404`.

    Who they are is asked only about what is not public: the answer about a public LoRA is the same
    for everybody, so its session is never read and caches may keep it.
    """
    loras = Training.objects.select_related("wallet", "dataset")
    public = loras.public().filter(pk=pk).first()
    return public or get_object_or_404(loras.visible_to(request.user), pk=pk)
