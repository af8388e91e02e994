"""What the template of a report card is given."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from generations.pages import frame, seen_by
from generations.prompts import full_prompt, prompt_parts
from generations.report_cards import CardStatus, ReportCard
from generations.states import Status
from trainings.models import Training

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generations.pages import SeenBatch, Viewer


def shown_card(lora: Training, viewer: Viewer) -> dict[str, Any] | None:
    """Return the `report` of gallery/report.html; None for a LoRA without a report card."""
    card = ReportCard.objects.filter(training=lora).first()
    if card is None:
        return None
    batches = list(seen_by(viewer, card.batches.all()))
    cells = {(batch.prompt, batch.scale): batch for batch in batches}
    numbers = count(1)
    rows = []
    for prompt in card.prompts:
        full = full_prompt(prompt, (lora.trigger_word, lora.kind))
        row = [shown_cell(cells.get((prompt, at)), prompt, at, numbers) for at in card.strengths]
        rows.append({"parts": prompt_parts(prompt, full), "cells": row})
    return {
        "is_over": card.is_over,
        "is_completed": card.status == CardStatus.COMPLETED,
        "suggested": lora.recommended_strength,
        "strengths": card.strengths,
        "rows": rows,
        "done": sum(batch.is_over for batch in batches),
        "all": len(card.prompts) * len(card.strengths),
        "images": sum(len(batch.seen) for batch in batches),
        "error": card.error,
    }


def shown_cell(
    batch: SeenBatch | None, prompt: str, strength: float, numbers: Iterator[int]
) -> dict[str, Any]:
    """Return a cell: an image with its number, or words for the empty frame."""
    if batch and batch.seen:
        alt = _("Generated at strength {strength}: {prompt}")
        image = frame(batch.seen[0], prompt)
        image["alt"] = alt.format(strength=f"{strength:g}", prompt=prompt)
        return {"strength": strength, "image": image, "number": next(numbers)}
    if batch and batch.status == Status.COMPLETED:
        # It has a note if the safety checker held the image back; else it was hidden or deleted.
        words = _("Held back") if batch.note else _("Taken away")
    elif batch and batch.is_over:
        words = _("Did not come out")
    else:
        words = _("On its way")
    return {"strength": strength, "words": words}
