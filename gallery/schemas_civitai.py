"""What the endpoints in Civitai's shape give: its names for what we have, and nothing we have not.

https://developer.civitai.com/site/reference: models and model versions of its REST API v1.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from django.utils.html import linebreaks
from ninja import Field, Schema
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from gallery.schemas import address
from gallery.snippets import file_url
from generations.models import GeneratedImage
from trainings.models import Training
from trainings.own import filename

BASE_MODEL: Literal["Flux.1 D"] = "Flux.1 D"
"""Civitai's name for FLUX.1 [dev], which every trainer of `settings.PROVIDERS` trains on."""
IRREGULAR = {
    "size_kb": "sizeKB",
    "sha256": "SHA256",
    "auto_v2": "AutoV2",
    "auto_v3": "AutoV3",
}
CARD = (1200, 630)
"""Width and height of a LoRA's card, in pixels."""


def number_of(pk: UUID) -> int:
    """Return the whole number that stands for an id: programs read Civitai's ids as numbers.

    It is the first 52 of the id's 122 random bits, so that JavaScript reads it exactly; the column
    needs no index of its own, because these are the ids between two.
    """
    digits = pk.hex
    return int(digits[:12] + digits[13], 16)


def pks_of(number: int) -> tuple[UUID, UUID] | None:
    """Return the first and the last id that a number stands for; None for what is no number."""
    digits = f"{number:013x}"
    if len(digits) > 13:
        return None
    first, rest = f"{digits[:12]}4{digits[12]}", 18
    return UUID(first + "0" * rest), UUID(first + "f" * rest)


def called(name: str) -> str:
    """Return what Civitai calls a field."""
    return IRREGULAR.get(name) or to_camel(name)


class Shaped(Schema):
    """Fields are called as at Civitai."""

    model_config = ConfigDict(alias_generator=called, populate_by_name=True)


class FileHashes(Shaped):
    """Of the file; the hash that tools of A1111 write into images is AutoV3."""

    sha256: str
    auto_v2: str = Field(description="The first 10 digits of SHA256.")
    auto_v3: str | None = Field(
        description="The first 12 digits of the SHA-256 of the tensors alone."
    )


class FileFormat(Shaped):
    """How the weights are written."""

    format: Literal["SafeTensor"] = "SafeTensor"
    size: None = None
    fp: None = None


class ModelFile(Shaped):
    """The weights."""

    id: int
    name: str
    type: Literal["Model"] = "Model"
    size_kb: float
    metadata: FileFormat = FileFormat()
    pickle_scan_result: Literal["Success"] = Field(
        default="Success", description="Its format holds no code; its header was verified."
    )
    virus_scan_result: Literal["Pending"] = Field(
        default="Pending", description="We scan for none."
    )
    hashes: FileHashes
    download_url: str
    primary: Literal[True] = True

    @classmethod
    def of(cls, lora: Training) -> Self:
        """Describe the weights of a completed LoRA."""
        sha256, tensors = lora.weights_sha256.upper(), lora.tensors_sha256.upper()
        return cls(
            id=number_of(lora.pk),
            name=filename(lora, ".safetensors"),
            size_kb=(lora.weights_size or 0) / 1024,
            hashes=FileHashes(sha256=sha256, auto_v2=sha256[:10], auto_v3=tensors[:12] or None),
            download_url=file_url(lora),
        )


class ModelImage(Shaped):
    """An image that was generated with it, or its card where there is none yet."""

    id: int
    url: str
    type: Literal["image"] = "image"
    nsfw_level: Literal[1] = 1
    width: int
    height: int
    hash: None = None
    has_meta: bool
    meta: dict[str, Any] | None = Field(description="Prompt and settings, as A1111 names them.")

    @classmethod
    def of(cls, image: GeneratedImage) -> Self:
        """Describe an image, whose batch is loaded, that everybody may see."""
        batch, (width, height) = image.generation, (image.width or 0, image.height or 0)
        return cls(
            id=number_of(image.pk),
            url=address("generations:image", image.pk, image.width),
            width=width,
            height=height,
            has_meta=True,
            meta={
                "prompt": batch.full_prompt,
                "seed": image.seed,
                "steps": batch.inference_steps,
                "cfgScale": batch.guidance,
                "Size": f"{width}x{height}",
            },
        )

    @classmethod
    def card(cls, lora: Training) -> Self:
        """Describe the card of a LoRA."""
        url, (width, height) = address("gallery:card", lora.pk), CARD
        return cls(
            id=number_of(lora.pk), url=url, width=width, height=height, has_meta=False, meta=None
        )


class Stats(Shaped):
    """All 0, whatever happened: nothing here is counted or voted on."""

    download_count: Literal[0] = 0
    thumbs_up_count: Literal[0] = 0
    thumbs_down_count: Literal[0] = 0


class OfModel(Shaped):
    """What a version says of its model."""

    name: str
    type: Literal["LORA"] = "LORA"
    nsfw: Literal[False] = False
    poi: Literal[False] = False


class ModelVersion(Shaped):
    """The one version of a LoRA; a training that is done again is another LoRA."""

    id: int = Field(description="The same number as its model's.")
    model_id: int
    name: str
    description: str | None = Field(description="In HTML, with nothing in it that is not text.")
    base_model: Literal["Flux.1 D"] = BASE_MODEL
    base_model_type: Literal["Standard"] = "Standard"
    status: Literal["Published"] = "Published"
    availability: Literal["Public"] = "Public"
    usage_control: Literal["Download"] = "Download"
    nsfw_level: Literal[1] = 1
    created_at: datetime
    updated_at: datetime | None
    published_at: datetime | None
    trained_words: list[str]
    stats: Stats = Stats()
    model: OfModel
    files: list[ModelFile]
    images: list[ModelImage] = Field(description="The newest, up to 12.")
    download_url: str

    @classmethod
    def of(cls, lora: Training, images: Sequence[GeneratedImage]) -> Self:
        """Describe a public LoRA with some images that everybody may see."""
        return cls(
            id=number_of(lora.pk),
            model_id=number_of(lora.pk),
            name=f"{lora.training_steps} steps",
            description=html(lora.description),
            created_at=lora.created_at,
            updated_at=lora.completed_at,
            published_at=lora.completed_at,
            trained_words=[lora.trigger_word],
            model=OfModel(name=lora.name),
            files=[ModelFile.of(lora)],
            images=[ModelImage.of(image) for image in images] or [ModelImage.card(lora)],
            download_url=file_url(lora),
        )


class Creator(Shaped):
    """Who had it trained."""

    username: str = Field(description="An address on Base.")
    image: None = None


class Model(Shaped):
    """A LoRA of the wall, as Civitai would describe it."""

    id: int = Field(description="A number that stands for our id.")
    name: str
    description: str | None = Field(description="In HTML, with nothing in it that is not text.")
    type: Literal["LORA"] = "LORA"
    nsfw: Literal[False] = False
    nsfw_level: Literal[1] = 1
    poi: Literal[False] = False
    tags: list[str] = Field(description="What it is trained for: style, character or product.")
    creator: Creator
    stats: Stats = Stats()
    model_versions: list[ModelVersion] = Field(description="Always one.")

    @classmethod
    def of(cls, lora: Training, images: Sequence[GeneratedImage]) -> Self:
        """Describe a public LoRA, whose wallet is loaded, with some of its images."""
        return cls(
            id=number_of(lora.pk),
            name=lora.name,
            description=html(lora.description),
            tags=[lora.kind],
            creator=Creator(username=lora.wallet.address),
            model_versions=[ModelVersion.of(lora, images)],
        )


class ModelPageFacts(Shaped):
    """Where a page is among all."""

    total_items: int = Field(description="0 where there are too many to be counted.")
    current_page: int
    page_size: int
    total_pages: int = Field(description="0 where there are too many to be counted.")
    next_cursor: str | None = Field(description="Null on the last page.")
    next_page: str | None = Field(description="The address of the next page.")


class ModelPage(Shaped):
    """Some models, and where the next ones are."""

    items: list[Model]
    metadata: ModelPageFacts


def html(text: str) -> str | None:
    """Return a text as Civitai's descriptions are written: tools put them into their pages."""
    return linebreaks(text, autoescape=True) if text else None
