"""The picture that other sites show beside a link to a LoRA: four training images on film.

1200 by 630 pixels is what Open Graph's readers expect (https://ogp.me; 1.91 to 1). It is made when
it is first asked for, and kept in our storage under what it was made of.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from PIL import Image, ImageDraw, ImageFont, ImageOps
from PIL.Image import Resampling

from datasets import storage
from datasets.models import Picture
from loratrainer.outcomes import TryAgainLater
from trainings.models import Training

SIZE = (1200, 630)
FRAMES = 4
FRAME_SIDE = 270
GAP = 16
MARGIN = 36
FILM, PAPER, EDGE = "#0b0a09", "#f4efe6", "#ffb224"
FONTS = Path(settings.BASE_DIR) / "static" / "fonts"
WORD_SIZE = 120
"""Of the trigger word, in pixels; a long one is set smaller."""
QUALITY = 85
DESIGN = "1"
"""Part of the name of the file: another design makes all cards anew."""


def card(lora: Training) -> tuple[str, bytes]:
    """The name in our storage and the JPEG. Raises `Missing` and `TryAgainLater`."""
    pictures = list(lora.dataset.pictures.chosen().exclude(thumbnails="")[:FRAMES])
    name = _name(lora, pictures)
    try:
        return name, storage.read(name)
    except storage.Missing:
        file = _drawn(lora, [storage.read(f"{found.thumbnails}/640.webp") for found in pictures])
    # Somebody else was first, or the storage is away: then it is made again next time.
    with suppress(TryAgainLater):
        storage.save(name, file)
    return name, file


def _name(lora: Training, pictures: Sequence[Picture]) -> str:
    """Unique to what is on it; training sets and trigger words do not change, so it stays."""
    words = [DESIGN, settings.SITE_NAME, lora.trigger_word, _line(lora)]
    facts = [*words, *(found.thumbnails for found in pictures)]
    return f"cards/{lora.pk}/{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}.jpg"


def _drawn(lora: Training, sources: Sequence[bytes]) -> bytes:
    film = Image.new("RGB", SIZE, FILM)
    for place, source in enumerate(sources):
        with Image.open(io.BytesIO(source), formats=("WEBP",)) as picture:
            side = (FRAME_SIDE, FRAME_SIDE)
            frame = ImageOps.fit(picture.convert("RGB"), side, Resampling.LANCZOS)
        film.paste(frame, (MARGIN + place * (FRAME_SIDE + GAP), MARGIN))
    draw = ImageDraw.Draw(film)
    width = SIZE[0] - 2 * MARGIN
    word = _fitting(lora.trigger_word, width)
    draw.text((MARGIN - 4, 500), lora.trigger_word, PAPER, word, anchor="ls")
    small = ImageFont.truetype(FONTS / "sheet-mono.woff2", 28)
    draw.text((MARGIN, 575), _line(lora), EDGE, small, anchor="ls")
    draw.text((SIZE[0] - MARGIN, 575), settings.SITE_NAME.upper(), EDGE, small, anchor="rs")
    file = io.BytesIO()
    film.save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()


def _fitting(word: str, width: int) -> ImageFont.FreeTypeFont:
    """The display font, as large as the word fits into so many pixels."""
    font = ImageFont.truetype(FONTS / "sheet-display.woff2", WORD_SIZE)
    length = font.getlength(word)
    return font if length <= width else font.font_variant(size=int(WORD_SIZE * width / length))


def _line(lora: Training) -> str:
    """What stands below the word; it is one picture for all languages."""
    return f"{lora.kind} · {lora.picture_count} images · {lora.training_steps:,} steps".upper()
