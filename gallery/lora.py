"""What the page of one LoRA is given: facts, pictures, versions, images, and what machines read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from datasets.models import Picture
from gallery.snippets import file_url, snippets
from generations.models import Generation
from generations.pages import seen_by, shown_batch
from generations.report_pages import shown_card
from trainings.models import Training
from trainings.own import suffix_of, weights_url

if TYPE_CHECKING:
    from generations.pages import SeenBatch, Viewer

BATCHES = 6
"""How many batches of images the page shows at a time."""
BASE_MODEL = "FLUX.1 [dev]"
"""What every trainer of `settings.PROVIDERS` trains on."""
HARMLESS = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}
"""What could end a <script> early, in JSON (as in `django.utils.html.json_script`)."""


def lora_page(lora: Training, viewer: Viewer, *, before: UUID | None = None) -> dict[str, Any]:
    """The context of `gallery/lora.html`; `before` is the last batch of the page before.

    `viewer` is nobody for what is public, so that everybody gets the same. Raises `Http404` for a
    batch of another LoRA.
    """
    url = settings.SITE_URL + reverse("gallery:lora", args=[lora.pk])
    pictures = list(lora.dataset.pictures.chosen().exclude(thumbnails=""))
    page = older_batches(lora, viewer, before=before) | {
        "lora": lora,
        "url": url,
        "pictures": _sheet(lora, pictures),
        "credits": _credits(pictures),
        "report": shown_card(lora, viewer),
        "versions": _versions(lora, viewer),
        "weights_url": weights_url(lora),
        "download_url": reverse("trainings:weights", args=[lora.pk]),
        "config_url": reverse("trainings:config", args=[lora.pk]) if lora.config else "",
        "config_suffix": suffix_of(lora.config),
        "base_model": BASE_MODEL,
        "hashes": _hashes(lora),
        "snippets": snippets(lora),
        "card_url": settings.SITE_URL + reverse("gallery:card", args=[lora.pk]),
        "summary": summary(lora),
    }
    return page | {"described": _described(lora, page) if lora.is_public else ""}


def older_batches(lora: Training, viewer: Viewer, *, before: UUID | None) -> dict[str, Any]:
    """Some batches, the newest first, behind the one that is named. Raises `Http404`."""
    found = list(batches(lora, viewer, before=before)[: BATCHES + 1])
    shown = [shown_batch(batch) for batch in found[:BATCHES]]
    has_more = len(found) > BATCHES
    return {
        "lora": lora,
        "before": before,
        "batches": shown,
        "last": found[BATCHES - 1].pk if has_more else None,
        "prompts": None if has_more or before else len(shown),
    }


def batches(
    lora: Training, viewer: Viewer, *, before: UUID | None = None, with_cells: bool = False
) -> QuerySet[SeenBatch, SeenBatch]:
    """The batches of a LoRA that this visitor may see, the newest first. Raises `Http404`.

    `with_cells` adds those of its report card.
    """
    found = Generation.objects.with_images_for(viewer).filter(training=lora).newest()
    if not with_cells:
        found = found.wished()
    if before is not None:
        # Looked up among all: the last batch of the page before may be hidden by now.
        last = get_object_or_404(Generation, training=lora, pk=before)
        same_moment = Q(created_at=last.created_at, pk__lt=last.pk)
        found = found.filter(Q(created_at__lt=last.created_at) | same_moment)
    return seen_by(viewer, found)


def _sheet(lora: Training, pictures: Sequence[Picture]) -> list[dict[str, str]]:
    """What `parts/sheet.html` draws."""

    def url(picture: Picture, size: int) -> str:
        return reverse("gallery:picture", args=[lora.pk, picture.pk, size])

    return [{"src": url(picture, 160), "url": url(picture, 640)} for picture in pictures]


def _credits(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    """Who made the pictures that came from Are.na, by the number of their frame."""
    return [
        {
            "number": number,
            "title": picture.title or _("Untitled"),
            "url": picture.block_url,
            "author": picture.author,
            "source_url": picture.source_url,
            "source": picture.source_title or picture.source_url,
        }
        for number, picture in enumerate(pictures, 1)
        if picture.block_url
    ]


def _versions(lora: Training, viewer: Viewer) -> list[Training]:
    """What it was retrained from, and what was retrained from it, as far as one may see it."""
    related = Q(parent=lora)
    if lora.parent_id:
        related |= Q(pk=lora.parent_id)
    return list(Training.objects.visible_to(viewer).filter(related).newest()[:20])


def _hashes(lora: Training) -> list[tuple[str, str]]:
    """The names by which tools know the file: conventions of A1111 and Civitai."""
    named = [
        ("SHA-256", lora.weights_sha256),
        ("AutoV2", lora.weights_sha256[:10].upper()),
        ("AutoV3", lora.tensors_sha256[:12].upper()),
        (_("Config, SHA-256"), lora.config_sha256),
    ]
    return [(name, value) for name, value in named if value]


def summary(lora: Training) -> str:
    """Say in one sentence what it is; for search engines and link previews."""
    words = _("{kind} LoRA for {base}, trained with {count} images in {steps} steps.").format(
        kind=lora.get_kind_display(),
        base=BASE_MODEL,
        count=lora.picture_count,
        steps=number_format(lora.training_steps, force_grouping=True),
    )
    return f"{lora.description} {words}".strip()


def _described(lora: Training, page: dict[str, Any]) -> SafeString:
    """The page for machines, as JSON-LD (https://schema.org/CreativeWork)."""
    described = {
        "@context": "https://schema.org",
        "@type": "CreativeWork",
        "name": lora.name,
        "alternateName": lora.trigger_word,
        "description": page["summary"],
        "url": page["url"],
        "image": page["card_url"],
        "dateCreated": lora.completed_at.isoformat() if lora.completed_at else None,
        "creator": {"@type": "Person", "identifier": lora.wallet.address},
        "isBasedOn": BASE_MODEL,
        "encoding": {
            "@type": "MediaObject",
            "contentUrl": file_url(lora),
            "encodingFormat": "application/octet-stream",
            "contentSize": f"{lora.weights_size} B",
            "sha256": lora.weights_sha256,
        },
    }
    # Not a script to the browser, so the content security policy has nothing to say about it.
    text = mark_safe(json.dumps(described, ensure_ascii=False).translate(HARMLESS))  # noqa: S308
    return format_html('<script type="application/ld+json">{}</script>', text)
