"""`/api/loras`: the wall, one LoRA, and a wallet's own trainings."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import conditional_page
from ninja import Field, File, Form, Header, Query, Router, Schema, Status
from ninja.decorators import decorate_view
from ninja.files import UploadedFile

from datasets.picture_views import most_bytes
from gallery.api_auth import ANYBODY, OPTIONAL, WALLET, ApiRequest, WalletApiRequest
from gallery.api_orders import order, uploads
from gallery.api_problems import Invalid, Problem
from gallery.api_requests import cached_for, only, problems, takes
from gallery.api_settings import Order, only_fields
from gallery.caching import for_everybody
from gallery.forms import SEARCH_LENGTH, WallForm
from gallery.schemas import Lora, LoraPage, address
from gallery.wall import BadCursor, Sort
from loratrainer.jobs import StaleJob
from trainings.exhibits import NotOver
from trainings.models import TooLate, Training
from trainings.states import Kind as Kinds
from wallets.models import Wallet

router = Router(tags=["LoRAs"])

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="A text of your own for this order; sent again, it orders nothing new.",
    ),
]


class View(Schema):
    """A view of the wall; what is not asked for is not filtered."""

    q: str = Field("", description="Words of name and trigger word.", max_length=SEARCH_LENGTH)
    kind: str = Field("", json_schema_extra={"enum": ["", *Kinds.values]})
    service: str = Field("", description="Who trained it: fal.ai or Replicate.", max_length=40)
    wallet: str = Field(
        "",
        description="The address of an owner.",
        json_schema_extra={"pattern": "^(0x[0-9a-fA-F]{40})?$"},
    )
    channel: str = Field("", description="The slug of an Are.na channel.", max_length=200)
    sort: str = Field("", json_schema_extra={"enum": ["", *Sort.values]})
    before: str = Field("", description="The place to go on from, out of `next`.")


def visible(viewer: Wallet | AnonymousUser, pk: UUID) -> Training:
    """Return a LoRA that the viewer may see, or a training of their own. Raises `Http404`."""
    rows = Training.objects.select_related("wallet")
    found = rows.visible_to(viewer).filter(pk=pk).first()
    if found is None and isinstance(viewer, Wallet):
        return own(viewer, pk)
    if found is None:
        raise Http404
    return found


def own(wallet: Wallet, pk: UUID) -> Training:
    """Return a training of the wallet's own, however far it is. Raises `Http404`."""
    return get_object_or_404(
        wallet.trainings.select_related("wallet").filter(deleted_at=None), pk=pk
    )


@router.get(
    "",
    response={200: LoraPage, **problems(422)},
    summary="The wall",
    operation_id="list_loras",
    url_name="loras",
)
@decorate_view(for_everybody)
def list_loras(request: HttpRequest, view: Query[View]) -> LoraPage:
    """The public LoRAs, 20 on a page: the same for everybody, whoever asks."""
    only(request, *View.model_fields)
    form = WallForm(request.GET)
    if not form.is_valid():
        raise Invalid(
            [
                {"parameter": name, "detail": str(message)}
                for name, messages in form.errors.items()
                for message in messages
            ]
        )
    try:
        page = form.wall().page(view.before)
    except BadCursor as exc:
        words = _("There is no such page. Begin without this parameter.")
        raise Invalid([{"parameter": "before", "detail": words}]) from exc
    rows = Training.objects.select_related("wallet").defer("log", "history", "words")
    found = rows.in_bulk([lora.id for lora in page.loras])
    query = {name: value for name, value in request.GET.items() if value} | {"before": page.cursor}
    return LoraPage(
        loras=[Lora.of(found[lora.id]) for lora in page.loras if lora.id in found],
        next=f"{address('api:loras')}?{urlencode(query)}" if page.cursor else None,
    )


@router.post(
    "",
    auth=WALLET,
    response={200: Lora, 201: Lora, **problems(400, 401, 402, 403, 409, 413, 415, 422, 503)},
    summary="Train a LoRA",
    operation_id="create_lora",
)
@decorate_view(takes("multipart/form-data", most_bytes))
def create_lora(
    request: WalletApiRequest,
    response: HttpResponse,
    key: IdempotencyKey,
    settings: Form[Order],
    pictures: File[list[UploadedFile]],
) -> Status[Lora]:
    """Begin a training with uploaded pictures and pay it from the balance, at once.

    When the balance does not allow it, the answer is 402 with missing_cents, and nothing is begun
    or kept: pay in on the site and send the same order again. The same Idempotency-Key again
    answers 200 with the training that it began. Each trainer has settings of its own: whatever the
    chosen one does not have is refused.
    """
    only_fields(request)
    training, is_new = order(request.auth, key, settings, uploads(pictures))
    response.headers["Location"] = reverse("api:lora", args=[training.pk])
    return Status(201 if is_new else 200, Lora.of(training, request.auth))


@router.get(
    "/{uuid:pk}",
    auth=ANYBODY,
    response={200: Lora, **problems(401, 404)},
    summary="Read a LoRA",
    operation_id="read_lora",
    url_name="lora",
    openapi_extra=OPTIONAL,
)
@decorate_view(conditional_page)
def read_lora(request: ApiRequest, response: HttpResponse, pk: UUID) -> Lora:
    """A LoRA that you may see, or a training of your own, however far it is."""
    training = visible(request.auth, pk)
    cached_for(request.auth, response)
    return Lora.of(training, request.auth)


@router.delete(
    "/{uuid:pk}",
    auth=WALLET,
    response={204: None, **problems(401, 403, 404, 409)},
    summary="Delete a LoRA of yours",
    operation_id="delete_lora",
)
def delete_lora(request: WalletApiRequest, pk: UUID) -> Status[None]:
    """Take a LoRA of yours away from everybody. While it is being trained the answer is 409."""
    training = own(request.auth, pk)
    try:
        training.remove()
    except NotOver as exc:
        raise Problem(409, _("It is still on its way. Cancel it first, on its page.")) from exc
    return Status(204, None)


@router.post(
    "/{uuid:pk}/retry",
    auth=WALLET,
    response={200: Lora, **problems(401, 403, 404, 409)},
    summary="Try a failed training again",
    operation_id="retry_lora",
)
def retry_lora(request: WalletApiRequest, pk: UUID) -> Lora:
    """Begin again after a failure, with the price that came back: it costs nothing more."""
    training = own(request.auth, pk)
    try:
        training.retry()
    except (TooLate, StaleJob) as exc:
        words = _("Only a failed training can be tried again; this one is: {status}.")
        training.refresh_from_db()
        raise Problem(409, words.format(status=training.get_status_display())) from exc
    return Lora.of(training, request.auth)
