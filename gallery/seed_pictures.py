"""Pictures for a seeded wall: a few sets, drawn here, each shared by many LoRAs."""

from __future__ import annotations

import colorsys
import hashlib
import io
import json
import struct
from random import Random
from typing import Any
from uuid import UUID, uuid4

from PIL import Image, ImageDraw, ImageFilter

from datasets import decoding, film, storage
from datasets.models import Dataset, Picture
from wallets.models import Wallet

SETS = 12
SIDE = 512
"""Of a picture, in pixels."""


def draw_sets(wallet: Wallet, dice: Random) -> list[Dataset]:
    """Draw the sets, as drafts of a wallet; about a second for each. Raises `TryAgainLater`."""
    return [_draw_set(wallet, dice, number / SETS) for number in range(SETS)]


def look_of(drawn: Dataset) -> dict[str, Any]:
    """Return the columns of a `Dataset` that say how its strip looks."""
    names = ("strip", "strip_key", "hue", "placeholder")
    return {name: getattr(drawn, name) for name in names}


def hang(drawn: Dataset, dataset: UUID) -> None:
    """Give a draft the pictures of a set, whose files stay shared, and freeze it."""
    pictures = list(drawn.pictures.all())
    for picture in pictures:
        picture.pk, picture.dataset_id = uuid4(), dataset
    Picture.objects.bulk_create(pictures)
    digest = hashlib.sha256(dataset.bytes).hexdigest()
    Dataset.objects.filter(pk=dataset).update(kind=Dataset.Kind.TRAINING, digest=digest)


def placeholder(hue: int) -> str:
    """Return a tiny strip of one hue (0 to 23) as a data: address."""
    return film.placeholder(Image.new("RGB", film.SIZE, _colour(hue / film.HUES, 0.5, 0.5)))


def write_weights() -> dict[str, Any]:
    """Keep a file that opens as a LoRA and does nothing; return the facts of its training.

    Format: https://huggingface.co/docs/safetensors, "Format".
    """
    tensors = bytes(64)
    names = ("lora_A", "lora_B")
    entry: dict[str, Any] = {
        f"transformer.single_transformer_blocks.0.attn.to_q.{name}.weight": {
            "dtype": "F16",
            "shape": [4, 4],
            "data_offsets": [32 * place, 32 * place + 32],
        }
        for place, name in enumerate(names)
    }
    header = json.dumps(entry | {"__metadata__": {"format": "pt", "software": "seed"}}).encode()
    content = struct.pack("<Q", len(header)) + header + tensors
    name = f"seed/{uuid4().hex}/weights.safetensors"
    storage.save(name, content)
    return {
        "weights": name,
        "weights_size": len(content),
        "weights_sha256": hashlib.sha256(content).hexdigest(),
        "tensors_sha256": hashlib.sha256(tensors).hexdigest(),
    }


def _draw_set(wallet: Wallet, dice: Random, hue: float) -> Dataset:
    drawn = Dataset.objects.create(kind=Dataset.Kind.DRAFT, wallet=wallet)
    for place in range(dice.randint(5, 9)):
        developed = decoding.develop(_draw(dice, hue))
        drawn.add_upload(developed, name=f"still-life-{place}.jpg")
    drawn.develop_strip()
    return drawn


def _draw(dice: Random, hue: float) -> bytes:
    """A still life: a ground that fades, a floor, and vessels of neighbouring colours."""
    ground = Image.linear_gradient("L").resize((SIDE, SIDE))
    light, dark = _colour(hue + 0.5, 0.18, 0.95), _colour(hue + 0.45, 0.35, 0.55)
    image = Image.composite(
        Image.new("RGB", (SIDE, SIDE), dark), Image.new("RGB", (SIDE, SIDE), light), ground
    )
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, SIDE * 0.76, SIDE, SIDE), fill=_colour(hue + 0.4, 0.3, 0.4))
    for _vessel in range(dice.randint(1, 3)):
        middle, width = dice.uniform(0.2, 0.8) * SIDE, dice.uniform(0.1, 0.22) * SIDE
        height, foot = dice.uniform(0.3, 0.6) * SIDE, dice.uniform(0.8, 0.9) * SIDE
        colour = _colour(hue + dice.uniform(-0.06, 0.06), dice.uniform(0.5, 0.9), 0.8)
        neck = width * dice.uniform(0.2, 0.6)
        canvas.rectangle((middle - neck, foot - height * 1.15, middle + neck, foot), fill=colour)
        canvas.ellipse((middle - width, foot - height, middle + width, foot), fill=colour)
        shine = (middle - width * 0.6, foot - height * 0.8, middle - width * 0.3, foot - height / 2)
        canvas.ellipse(shine, fill=_colour(hue, 0.15, 1))
    file = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.7)).save(file, "JPEG", quality=92)
    return file.getvalue()


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return int(red * 255), int(green * 255), int(blue * 255)
