"""What the templates of batches, images and the allowance are given, wherever they stand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict, cast
from uuid import UUID

from django.conf import settings
from django.db.models import F, Prefetch, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from generations.addition_fields import additions_query, typed_of
from generations.allowance import allowance_of
from generations.forms import defaults_of
from generations.images import SIZES, GeneratedImage
from generations.models import Generation
from trainings.models import Training
from trainings.templatetags.trainings import lasting
from wallets.models import Wallet

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django_stubs_ext import WithAnnotations

    class Facts(TypedDict):
        """What `seen_by` adds to each batch."""

        seen: list[GeneratedImage]
        age: timedelta

    type Viewer = Wallet | AnonymousUser
    type SeenBatch = WithAnnotations[Generation, Facts]

FULL = 1024
"""Asks for an image itself, whatever its size: the format that most have."""


def seen_by(viewer: Viewer, batches: QuerySet[Generation]) -> QuerySet[SeenBatch, SeenBatch]:
    """Return batches with the images that this visitor may see: `seen`; and their `age`."""
    images = GeneratedImage.objects.shown_to(viewer).order_by("number")
    found = batches.select_related("wallet", "training").prefetch_related(
        Prefetch("images", images, to_attr="seen"), "added_loras__training"
    )
    return cast(
        "QuerySet[SeenBatch, SeenBatch]",
        found.annotate(age=Now() - F("created_at")),
    )


def frame(image: GeneratedImage, prompt: str) -> dict[str, Any]:
    """Return the `image` of parts/frame.html."""
    addresses = [f"{image_url(image.pk, size)} {size}w" for size in SIZES]
    return {
        "pk": image.pk,
        "src": image_url(image.pk, SIZES[-1]),
        "srcset": ", ".join(addresses),
        "url": image_url(image.pk, FULL),
        "page_url": reverse("gallery:image", args=[image.pk]),
        "alt": _("Generated: {prompt}").format(prompt=prompt),
        "placeholder": image.placeholder,
        "seed": image.seed,
        "is_hidden": image.hidden_at is not None,
    }


def hiding(image: GeneratedImage, viewer: Viewer) -> dict[str, Any]:
    """Return what is said of an image to somebody who may have something to do with it.

    Beyond `frame`: whether they made it, whether they can hide it or show it again, and in words
    who else hides it.
    """
    if not isinstance(viewer, Wallet):
        return {"is_mine": False, "can_hide": False, "can_show": False, "hidden": ""}
    held_by = image.held_by(viewer)
    return {
        "is_mine": image.generation.wallet_id == viewer.pk,
        "can_hide": bool(image.roles_of(viewer)),
        "can_show": image.can_be_shown_by(viewer),
        "hidden": held_by.label if held_by else "",
    }


def image_url(pk: UUID, size: int) -> str:
    """Return the address of an image: 320 or 640 pixels on its longer side, or all of it."""
    return reverse("generations:image", args=[pk, size])


def shown_batch(batch: SeenBatch, viewer: Viewer | None = None) -> dict[str, Any]:
    """Return the `batch` of parts/batch.html, and of a page that does more with it.

    With a viewer, each image has what `hiding` says.
    """
    prefix, prompt, suffix = batch.prompt_parts
    wanted = {"prompt": batch.prompt}
    seed = {"seed": batch.seed}
    is_wished = batch.report_card_id is None
    return {
        "pk": batch.pk,
        "lora": batch.training,
        "prefix": prefix,
        "prompt": prompt,
        "suffix": suffix,
        "scale": f"{batch.scale:g}",
        "additions": batch.additions,
        "images": [
            frame(image, batch.prompt) | (hiding(image, viewer) if viewer else {})
            for image in batch.seen
        ],
        "wallet": batch.wallet.address,
        "wallet_url": batch.wallet.explorer_url,
        "at": batch.created_at,
        "recipe": recipe_words(batch),
        "status": batch.status,
        "is_over": batch.is_over,
        "note": batch.note,
        "error": batch.error,
        # A cell of a report card has no page of its own.
        "url": reverse("generations:generation", args=[batch.pk])
        if is_wished
        else reverse("gallery:report", args=[batch.training_id]),
        "zip_url": reverse("generations:zip", args=[batch.pk]) if is_wished else "",
        "reuse_url": generate_url(batch.training, wanted),
        "reuse_seed_url": generate_url(batch.training, wanted | seed),
        "reuse_all_url": generate_url(batch.training, wanted | seed | settings_of(batch)),
    }


def generate_url(lora: Training, query: dict[str, Any]) -> str:
    """Return the address of the dialog that begins with what the query says."""
    return reverse("generations:generate", args=[lora.pk], query=query)


def settings_of(batch: Generation) -> dict[str, Any]:
    """Return what a batch was asked to look like, the seed apart, where that is not the default."""
    usual = defaults_of(batch.training)
    chosen = {name: getattr(batch, name) for name in usual if name not in ("seed", "additions")}
    changed = {name: value for name, value in chosen.items() if value != usual[name]}
    return changed | additions_query(typed_of(batch.additions))


def size_words(width: int, height: int) -> str:
    """Return a size in pixels as pages write it."""
    return f"{width} × {height}"  # noqa: RUF001


def recipe_words(batch: Generation) -> str:
    """Say how a batch was drawn."""
    words = _("{size} · {steps} steps · scale {scale} · guidance {guidance} · seed {seed}")
    return words.format(
        size=size_words(batch.width, batch.height),
        steps=batch.inference_steps,
        scale=f"{batch.scale:g}",
        guidance=f"{batch.guidance:g}",
        seed=batch.seed,
    )


def drawn_allowance(viewer: Viewer) -> dict[str, Any]:
    """Return the `allowance` of parts/allowance.html."""
    if not isinstance(viewer, Wallet):
        return {
            "is_anonymous": True,
            "total": settings.GENERATIONS_PER_DAY,
            "used": [False] * settings.GENERATIONS_PER_DAY,
        }
    allowance = allowance_of(viewer)
    is_used_up = not (allowance.left or allowance.is_unlimited)
    return {
        "is_anonymous": False,
        "is_unlimited": allowance.is_unlimited,
        "is_used_up": is_used_up,
        "left": allowance.left,
        "total": allowance.total,
        "used": [place >= allowance.left for place in range(allowance.total)],
        "free": free_words(allowance.free_at) if is_used_up else "",
    }


def free_words(free_at: datetime | None) -> str:
    """Say when a place comes free, if one must: "... at 14:05 UTC, in 3 h 12 min."."""
    if free_at is None:
        return ""
    # Only shown, so this machine's clock will do.
    wait = lasting(free_at - timezone.now())
    words = _("The next one comes free at {time} UTC, in {wait}.")
    return words.format(time=date_format(free_at, "H:i"), wait=wait)
