"""`/api/loras/<id>/generations` and `/api/generations/<id>`: the images of a LoRA."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema, Status
from ninja.decorators import decorate_view
from pydantic import ConfigDict
from pydantic.config import JsonDict

from gallery.api_auth import ANYBODY, OPTIONAL, WALLET, ApiRequest, WalletApiRequest
from gallery.api_loras import IdempotencyKey, visible
from gallery.api_orders import differs, wish_of
from gallery.api_problems import Invalid, Problem
from gallery.api_requests import JSON_BYTES, cached_for, only, problems, takes
from gallery.schemas import Batch, BatchPage, address
from generations.additions import ADDED_SCALE, MOST_LORAS, Addition
from generations.choices import (
    LARGEST_GUIDANCE,
    LARGEST_SCALE,
    LARGEST_SEED,
    LARGEST_SIDE,
    MOST_IMAGES,
    MOST_STEPS,
    SIDE_STEP,
    SMALLEST_SIDE,
)
from generations.models import GeneratedImage, Generation, LimitReached
from generations.prompts import PROMPT_LENGTH, tidy
from generations.querysets import GenerationQuerySet
from trainings.models import Training
from wallets.models import Wallet

router = Router(tags=["Images"])

PAGE = 20
"""Batches on a page."""
SIDE: JsonDict = {"minimum": SMALLEST_SIDE, "maximum": LARGEST_SIDE, "multipleOf": SIDE_STEP}


class AddedWish(Schema):
    """A LoRA to apply besides the first."""

    model_config = ConfigDict(extra="forbid", strict=True)

    lora: UUID = Field(strict=False, description="One that you may see.")
    scale: float = Field(
        ADDED_SCALE,
        description="How strongly it is applied.",
        json_schema_extra={"minimum": 0, "maximum": LARGEST_SCALE},
    )


class Wish(Schema):
    """What to generate. What is left out has its default.

    The ranges stand here for the documentation; the model refuses what is outside, in its words.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    prompt: str = Field(json_schema_extra={"minLength": 1, "maxLength": PROMPT_LENGTH})
    scale: float = Field(
        1.5,
        description="The strength of the LoRA.",
        json_schema_extra={"minimum": 0, "maximum": LARGEST_SCALE},
    )
    added_loras: list[AddedWish] = Field(
        default_factory=list,
        description="LoRAs to apply besides the first; how many depends on who draws.",
        json_schema_extra={"maxItems": MOST_LORAS - 1},
    )
    width: int = Field(1024, description="In pixels.", json_schema_extra=SIDE)
    height: int = Field(1024, description="In pixels.", json_schema_extra=SIDE)
    inference_steps: int = Field(28, json_schema_extra={"minimum": 1, "maximum": MOST_STEPS})
    guidance: float = Field(3.5, json_schema_extra={"minimum": 0, "maximum": LARGEST_GUIDANCE})
    seed: int | None = Field(
        None,
        description="Empty: a random one.",
        json_schema_extra={"minimum": 0, "maximum": LARGEST_SEED},
    )
    images_asked: int = Field(4, json_schema_extra={"minimum": 1, "maximum": MOST_IMAGES})
    image_format: str = Field("jpeg", json_schema_extra={"enum": ["jpeg", "png"]})


@router.get(
    "/loras/{uuid:pk}/generations",
    auth=ANYBODY,
    response={200: BatchPage, **problems(401, 404, 422)},
    summary="The generated images of a LoRA",
    operation_id="list_generations",
    url_name="generations",
    openapi_extra=OPTIONAL,
)
def list_generations(
    request: ApiRequest,
    response: HttpResponse,
    pk: UUID,
    before: Annotated[UUID | None, Query(description="The last batch of the page before.")] = None,
) -> BatchPage:
    """The batches that you may see, the newest first, 20 on a page, with your unfinished ones."""
    only(request, "before")
    training = visible(request.auth, pk)
    batches = batches_for(request.auth).filter(training=training).newest()
    if before is not None:
        last = batches.filter(pk=before).first()
        if last is None:
            words = _("There is no such page. Begin without this parameter.")
            raise Invalid([{"parameter": "before", "detail": words}])
        same_moment = Q(created_at=last.created_at, pk__lt=last.pk)
        batches = batches.filter(Q(created_at__lt=last.created_at) | same_moment)
    found = list(batches[: PAGE + 1])
    more = f"?before={found[PAGE - 1].pk}" if len(found) > PAGE else None
    cached_for(request.auth, response)
    return BatchPage(
        generations=[describe(batch) for batch in found[:PAGE]],
        next=more and address("api:generations", pk) + more,
    )


@router.post(
    "/loras/{uuid:pk}/generations",
    auth=WALLET,
    response={200: Batch, 202: Batch, **problems(400, 401, 403, 404, 413, 415, 422, 429)},
    summary="Generate images",
    operation_id="create_generation",
)
@decorate_view(takes("application/json", lambda: JSON_BYTES))
def create_generation(
    request: WalletApiRequest, response: HttpResponse, pk: UUID, key: IdempotencyKey, wish: Wish
) -> Status[Batch]:
    """Begin a batch of images with a LoRA that you may see; it takes a place of your daily ones.

    The answer is 202 at once, and the address in Location tells how far it is. The same
    Idempotency-Key again answers 200 with the batch that it began. 429 says when a place comes
    free.
    """
    training = get_object_or_404(Training.objects.visible_to(request.auth), pk=pk)
    asked = wish.dict(exclude={"added_loras"})
    asked["additions"] = additions_of(request.auth, wish)
    request_id = wish_of(request.auth, key)
    begun = request.auth.generations.filter(request_id=request_id).exists()
    try:
        batch = Generation.begin(request.auth, training, request_id=request_id, **asked)
    except ValidationError as exc:
        raise Invalid(list(sentences(exc))) from exc
    except LimitReached as exc:
        raise limit_reached(exc) from exc
    if is_other(batch, training, asked):
        raise differs()
    response.headers["Location"] = reverse("api:generation", args=[batch.pk])
    return Status(200 if begun else 202, describe(batches_for(request.auth).get(pk=batch.pk)))


@router.get(
    "/generations/{uuid:pk}",
    auth=ANYBODY,
    response={200: Batch, **problems(401, 404)},
    summary="One batch of images",
    operation_id="read_generation",
    url_name="generation",
    openapi_extra=OPTIONAL,
)
def read_generation(request: ApiRequest, response: HttpResponse, pk: UUID) -> Batch:
    """A batch that you may see, or one of your own, however far it is."""
    batch = get_object_or_404(batches_for(request.auth), pk=pk)
    cached_for(request.auth, response)
    return describe(batch)


def batches_for(viewer: Wallet | AnonymousUser) -> GenerationQuerySet:
    """Return what the viewer may see, and their own unfinished batches of LoRAs they may see.

    Each has its wallet, and of its images those that the viewer may see, and filtered ones.
    """
    rows = Generation.objects.wished()
    seen = Q(pk__in=rows.visible_to(viewer).values("pk"))
    if isinstance(viewer, Wallet):
        own = viewer.generations.made_of(Training.objects.visible_to(viewer))
        seen |= Q(pk__in=own.values("pk"))
    may_see = Q(pk__in=GeneratedImage.objects.visible_to(viewer).values("pk"))
    images = GeneratedImage.objects.filter(may_see | Q(is_filtered=True)).order_by("number")
    return (
        rows.filter(seen)
        .select_related("wallet")
        .prefetch_related(Prefetch("images", queryset=images), "added_loras")
    )


def additions_of(wallet: Wallet, wish: Wish) -> list[Addition]:
    """Return the LoRAs to add. Raises `Invalid` for one that the wallet may not see."""
    loras = Training.objects.visible_to(wallet).in_bulk([one.lora for one in wish.added_loras])
    missing = [
        {"pointer": f"#/added_loras/{n}/lora", "detail": _("There is no LoRA of this id.")}
        for n, one in enumerate(wish.added_loras)
        if one.lora not in loras
    ]
    if missing:
        raise Invalid(missing)
    return [Addition(loras[one.lora], one.scale) for one in wish.added_loras]


def describe(batch: Generation) -> Batch:
    """Describe a batch of `batches_for`."""
    return Batch.of(batch, list(batch.images.all()))


def is_other(batch: Generation, training: Training, asked: dict[str, Any]) -> bool:
    """Say whether the batch that a key began is not what is asked for now."""
    differing = {
        name
        for name, value in asked.items()
        if getattr(batch, name) != value and not (name == "seed" and value is None)
    }
    if batch.prompt == tidy(asked["prompt"]):
        differing.discard("prompt")
    return bool(differing) or batch.training_id != training.pk


def sentences(exc: ValidationError) -> Iterator[dict[str, str]]:
    """Yield what the model says about each field."""
    for name, messages in exc.message_dict.items():
        field = "added_loras" if name == "additions" else name
        for message in messages:
            yield {"pointer": f"#/{field}", "detail": message}


def limit_reached(exc: LimitReached) -> Problem:
    """Return 429: all places are taken, and when the next one comes free."""
    # A wait, not a decision: that was made by the database's clock.
    wait = max(1, math.ceil((exc.free_at - timezone.now()).total_seconds()))
    words = _("You have used all {total} batches of the last 24 hours.")
    return Problem(
        429,
        words.format(total=exc.allowance.total),
        headers={"Retry-After": str(wait)},
        free_at=exc.free_at.isoformat(),
    )
