"""What a worker does for a report card, one function per status."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image

from datasets import storage
from generations.likeness import Look, look_of, suggest
from generations.models import GeneratedImage, Generation, usual_provider
from generations.report_cards import CardStatus, ReportCard
from generations.states import ENDED
from providers import get_provider
from trainings.models import Training
from trainings.states import Kind

PROMPTS = {
    Kind.STYLE: [
        "a portrait of an old sailor",
        "a quiet street after rain",
        "a bowl of lemons on a table",
    ],
    Kind.CHARACTER: [
        "a close portrait by a window, soft light",
        "walking through a busy market street",
        "sitting in an armchair, reading a book, the whole figure in view",
    ],
    Kind.PRODUCT: [
        "on a plain white background, studio light",
        "on a wooden kitchen table, morning light",
        "held in a hand, outdoors",
    ],
}
"""Near and far, light and dark, what the pictures showed and what they did not. The model reads
English, so these are not translated."""
STRENGTHS = (0.8, 1.0, 1.5, 2.0)
"""From what other tools begin with to where most LoRAs have burnt out."""
SEED = 20_261
"""One for all cells and all cards: only the strength differs, and two LoRAs can be compared."""
LOOKED_AGAIN_IN = timedelta(seconds=3)


def order(card: ReportCard) -> None:
    """Order all cells, or none: the batches are written in the transaction that moves the card."""
    lora = card.training
    strongest = get_provider(usual_provider(lora)).largest_scale
    prompts = PROMPTS[Kind(lora.kind)]
    strengths = [strength for strength in STRENGTHS if strength <= strongest]
    with transaction.atomic():
        card.move(CardStatus.DRAWING, due_in=LOOKED_AGAIN_IN, prompts=prompts, strengths=strengths)
        for prompt in prompts:
            for strength in strengths:
                Generation.begin(
                    lora.wallet,
                    lora,
                    report_card=card,
                    prompt=prompt,
                    scale=strength,
                    seed=SEED,
                    images_asked=1,
                )


def look(card: ReportCard) -> None:
    """Wait until every cell is over, however it ended; then compare what came out."""
    left = card.batches.exclude(status__in=ENDED).count()
    if left:
        every = len(card.prompts) * len(card.strengths)
        note = _("{done} of {all} images are done.").format(done=every - left, all=every)
        card.wait(LOOKED_AGAIN_IN, note=note)
        return
    given = looks(pictures_of(card.training))
    drawn = {strength: looks(images_of(card, strength)) for strength in card.strengths}
    card.complete(suggest(given, drawn, of=len(card.prompts)))


def pictures_of(lora: Training) -> list[str]:
    """The folders of the training pictures' small versions."""
    chosen = lora.dataset.pictures.chosen().exclude(thumbnails="")
    return [picture.thumbnails for picture in chosen]


def images_of(card: ReportCard, strength: float) -> list[str]:
    """The folders of the small versions of what was drawn at this strength."""
    images = GeneratedImage.objects.kept().filter(
        generation__report_card=card, generation__scale=strength
    )
    return list(images.values_list("thumbnails", flat=True))


def looks(folders: Iterable[str]) -> list[Look]:
    """How the images look that lie in these folders; without those that are gone or damaged.

    Both kinds are read in the same size and compression, which the decoder's process has written.
    Raises `TryAgainLater`.
    """
    found = []
    for folder in folders:
        with suppress(storage.Missing, OSError):
            file = io.BytesIO(storage.read(f"{folder}/640.webp"))
            with Image.open(file, formats=("WEBP",)) as image:
                found.append(look_of(image))
    return found
