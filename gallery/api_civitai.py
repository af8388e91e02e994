"""`/api/v1/…`: the wall in the shape of Civitai's API, so that its tools work with our LoRAs.

They look a file up by its hash, and so find out where a LoRA came from. Many send a key of
Civitai's and parameters that we do not have: both are left unread.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.db.models import OuterRef, Q
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema
from ninja.decorators import decorate_view

from gallery.api_problems import Invalid
from gallery.api_requests import problems
from gallery.caching import for_everybody
from gallery.forms import SEARCH_LENGTH
from gallery.schemas import address
from gallery.schemas_civitai import (
    BASE_MODEL,
    Model,
    ModelPage,
    ModelPageFacts,
    ModelVersion,
    pks_of,
)
from gallery.wall import ORDERS, Sort, Wall
from generations.models import GeneratedImage, Generation
from trainings.models import Training
from trainings.querysets import TrainingQuerySet
from trainings.search import Found
from trainings.states import Kind
from wallets.fields import parse_address

router = Router(tags=["In Civitai's shape"], by_alias=True)

BATCHES = 3
"""From how many of the newest batches the images of a version are; a batch has up to four."""
MOST = 100
"""Models on a page."""
NUMBER = re.compile(r"[0-9]{1,18}")
EVERYBODY = AnonymousUser()


class Asked(Schema):
    """A view of the wall, in Civitai's words. Other parameters of its API change nothing."""

    limit: int = Field(20, ge=1, le=MOST)
    cursor: str = Field("", description="The place to go on from, out of `nextCursor`.")
    page: int = Field(1, description="Only the first one is found by its number.")
    query: str = Field("", max_length=SEARCH_LENGTH, description="Words of name and trigger word.")
    username: str = Field("", description="The address of an owner.")
    tag: str = Field("", description="style, character or product.")
    types: list[str] = Field([], description="All here are of the type LORA.")
    baseModels: list[str] = Field([], description=f"All here are for {BASE_MODEL}.")  # noqa: N815
    ids: list[str] = Field([], description="Only these, by their numbers.")
    sort: str = Field("Newest", description="Everything else means: most generated with.")

    @property
    def order(self) -> Sort:
        """Which of the wall's orders that is."""
        return Sort.NEWEST if self.sort == "Newest" else Sort.MOST_GENERATED


@router.get(
    "/models",
    response={200: ModelPage, **problems(422)},
    summary="The wall, as Civitai lists models",
    operation_id="list_models",
    url_name="models",
)
@decorate_view(for_everybody)
def list_models(request: HttpRequest, asked: Query[Asked]) -> ModelPage:
    """The public LoRAs, for programs that read Civitai's API: base address `…/api/v1`."""
    if asked.page > 1 and not asked.cursor:
        words = _("Later pages are found by the cursor that the page before them names.")
        raise Invalid([{"parameter": "page", "detail": words}])
    wall = view_of(asked)
    number, place = read_cursor(asked.cursor, asked.order) if asked.cursor else (1, None)
    found = find(wall, asked, place)
    rows = list(found.loras.select_related("wallet").defer("log", "history"))
    shown, total = rows[: asked.limit], 0 if found.has_uncounted else found.count
    cursor = write_cursor(asked.order, number + 1, shown[-1]) if len(rows) > len(shown) else None
    images = images_of(shown)
    return ModelPage(
        items=[Model.of(lora, images[lora.pk]) for lora in shown],
        metadata=ModelPageFacts(
            total_items=total,
            current_page=number,
            page_size=asked.limit,
            total_pages=math.ceil(total / asked.limit),
            next_cursor=cursor,
            next_page=cursor and next_page(request, cursor),
        ),
    )


@router.get(
    "/models/{int:number}",
    response={200: Model, **problems(404)},
    summary="A LoRA, as Civitai describes a model",
    operation_id="read_model",
    url_name="model",
)
@decorate_view(for_everybody)
def read_model(request: HttpRequest, number: int) -> Model:
    """A public LoRA by its number."""
    lora = numbered(number)
    return Model.of(lora, images_of([lora])[lora.pk])


@router.get(
    "/model-versions/{int:number}",
    response={200: ModelVersion, **problems(404)},
    summary="A LoRA, as Civitai describes a model version",
    operation_id="read_model_version",
    url_name="model_version",
)
@decorate_view(for_everybody)
def read_model_version(request: HttpRequest, number: int) -> ModelVersion:
    """A public LoRA by its number, which its model has as well."""
    lora = numbered(number)
    return ModelVersion.of(lora, images_of([lora])[lora.pk])


@router.get(
    "/model-versions/by-hash/{digest}",
    response={200: ModelVersion, **problems(404)},
    summary="Which LoRA a file is",
    operation_id="find_model_version",
    url_name="model_version_by_hash",
)
@decorate_view(for_everybody)
def find_model_version(request: HttpRequest, digest: str) -> ModelVersion:
    """The public LoRA of a file by its hash, in any case: SHA256, AutoV2 or AutoV3.

    Should several LoRAs have it, it is the oldest one.
    """
    lora = first(Training.objects.public().with_file(digest))
    return ModelVersion.of(lora, images_of([lora])[lora.pk])


def numbered(number: int) -> Training:
    """Return a public LoRA by its number. Raises `Http404`."""
    pks = pks_of(number)
    if pks is None:
        raise Http404
    return first(Training.objects.public().filter(pk__range=pks))


def first(loras: TrainingQuerySet) -> Training:
    """Return the oldest of a few LoRAs. Raises `Http404` where there are none."""
    # Sorted here: by an ORDER BY with a LIMIT the planner may be led to an index of all LoRAs.
    found = loras.select_related("wallet").defer("log", "history")[:MOST]
    oldest = min(found, key=lambda lora: (lora.completed_at, lora.pk), default=None)
    if oldest is None:
        raise Http404
    return oldest


def view_of(asked: Asked) -> Wall | None:
    """Return a view of the wall; None where what is asked for cannot be here."""
    kind = asked.tag.lower()
    try:
        wallet = parse_address(asked.username) if asked.username else ""
    except ValidationError:
        return None
    if not (
        (not kind or kind in Kind.values)
        and ("lora" in {name.lower() for name in each(asked.types)} or not asked.types)
        and (BASE_MODEL in each(asked.baseModels) or not asked.baseModels)
    ):
        return None
    return Wall(q=asked.query, kind=kind, wallet=wallet, sort=asked.order)


def find(wall: Wall | None, asked: Asked, place: Sequence[Any] | None) -> Found:
    """Find one LoRA more than are asked for, behind a place; `ids` are few."""
    numbers = each(asked.ids)
    if wall is None or not all(NUMBER.fullmatch(number) for number in numbers):
        return Found(count=0, has_uncounted=False, loras=Training.objects.none())
    if not numbers:
        return wall.find(asked.limit + 1, place)
    among = Q()
    for number in numbers[:MOST]:
        among |= Q(pk__range=pks) if (pks := pks_of(int(number))) else Q(pk=None)
    loras = wall.loras().filter(among).in_order(ORDERS[wall.sort])
    behind = loras.behind(ORDERS[wall.sort], place) if place else loras
    return Found(count=loras.count(), has_uncounted=False, loras=behind[: asked.limit + 1])


def each(values: Sequence[str]) -> list[str]:
    """Return values that were repeated, or written with commas between."""
    return [part for value in values for part in value.split(",") if part]


def images_of(loras: Sequence[Training]) -> dict[UUID, list[GeneratedImage]]:
    """Return the newest images of each LoRA that everybody may see, in two queries for all."""
    newest = Generation.objects.visible_to(EVERYBODY).filter(training=OuterRef("pk")).newest()
    chosen = Training.objects.filter(pk__in=[lora.pk for lora in loras]).annotate(
        batches=ArraySubquery(newest.values("pk")[:BATCHES])
    )
    images: dict[UUID, list[GeneratedImage]] = {lora.pk: [] for lora in loras}
    batches = {pk: lora for lora, pks in chosen.values_list("pk", "batches") for pk in pks}
    shown = GeneratedImage.objects.shown_to(EVERYBODY).filter(generation__in=batches)
    for image in shown.select_related("generation").order_by(
        "-generation__created_at", "-generation__id", "number"
    ):
        images[batches[image.generation_id]].append(image)
    return images


def next_page(request: HttpRequest, cursor: str) -> str:
    """Return the address of the same view from a cursor on."""
    query = request.GET.copy()
    query.pop("page", None)
    query["cursor"] = cursor
    return f"{address('api:models')}?{query.urlencode()}"


def write_cursor(sort: str, number: int, last: Training) -> str:
    """Return the place behind a LoRA, before a page of this number, in an order of the wall."""
    place = [str(getattr(last, field)) for field in ORDERS[sort]]
    return _signer().sign_object([sort, number, *place])


def read_cursor(cursor: str, sort: str) -> tuple[int, list[Any]]:
    """Return the number of a page and the place that it begins behind. Raises `Invalid`."""
    try:
        written_for, number, *place = _signer().unsign_object(cursor)
    except BadSignature:
        written_for = None
    if written_for != sort:
        words = _("There is no such page. Begin without this parameter.")
        raise Invalid([{"parameter": "cursor", "detail": words}])
    *count, completed_at, pk = place
    return number, [*map(int, count), datetime.fromisoformat(completed_at), UUID(pk)]


def _signer() -> Signer:
    return Signer(salt="gallery.civitai")
