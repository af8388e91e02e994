"""What the API takes and gives: every field that leaves the house is named here."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from django.conf import settings
from django.db.models import Model
from django.urls import reverse
from ninja import Field, Schema

from generations.models import GeneratedImage, Generation
from trainings.models import Training
from trainings.states import Status

Kind = Literal["style", "character", "product"]


def address(name: str, *args: Any) -> str:
    """Return the absolute address of one of our pages; it stays."""
    return settings.SITE_URL + reverse(name, args=args)


class Owned(Schema):
    """What only the owner of a LoRA reads."""

    is_private: bool
    is_hidden: bool
    price_cents: int = Field(description="What its training cost, in US cents.")
    percent: int | None = Field(description="How far the trainer says it is.")
    queue_position: int | None
    note: str = Field(description="What it waits for, in words.")
    error: str = Field(description="Why it failed, in words.")


class Lora(Schema):
    """A LoRA, or a training of one's own that is to become one."""

    id: UUID
    status: Status
    name: str
    description: str
    kind: Kind
    trigger_word: str
    training_steps: int
    service: str = Field(description="Who trained it: fal.ai or Replicate.")
    model: str
    picture_count: int = Field(description="How many pictures it was trained with.")
    image_count: int = Field(description="How many generated images others can see.")
    recommended_strength: float | None = Field(
        description="The scale that its report card suggests; null without one."
    )
    wallet: str = Field(description="Its owner, an address on Base.")
    channel: str = Field(description="The Are.na channel of the pictures, if they came from one.")
    created_at: datetime
    completed_at: datetime | None
    url: str | None = Field(description="Its page.")
    weights_url: str | None = Field(
        description="The .safetensors file: this address stays, and leads to wherever it lies."
    )
    weights_size: int | None = Field(description="In bytes.")
    weights_sha256: str | None
    config_url: str | None = Field(description="What the trainer wrote about the training.")
    mine: Owned | None = Field(description="What only its owner reads; null for everybody else.")

    @classmethod
    def of(cls, training: Training, viewer: object = None) -> Self:
        """Describe a training, whose wallet is loaded, to somebody who may see it."""
        is_ready = training.status == Status.COMPLETED
        return cls(
            **_same(cls, training, leave={"wallet", "mine"}),
            wallet=training.wallet.address,
            url=address("gallery:lora", training.pk) if is_ready else None,
            weights_url=address("trainings:weights", training.pk) if is_ready else None,
            config_url=address("trainings:config", training.pk) if training.config else None,
            mine=_owned(training) if viewer == training.wallet else None,
        )


def _owned(training: Training) -> Owned:
    return Owned(
        **_same(Owned, training, leave={"is_hidden"}), is_hidden=training.hidden_at is not None
    )


class LoraPage(Schema):
    """Some LoRAs, and where the next ones are."""

    loras: list[Lora]
    next: str | None = Field(description="The address of the next page; null on the last one.")


class Image(Schema):
    """An image; one that the safety checker has filtered has no address."""

    id: UUID
    number: int
    url: str | None
    width: int | None
    height: int | None
    seed: int | None
    is_filtered: bool


class Added(Schema):
    """A LoRA that is applied besides the first."""

    lora: UUID
    scale: float = Field(description="How strongly it is applied.")


class Batch(Schema):
    """The images of one prompt."""

    id: UUID
    lora: UUID
    wallet: str
    status: str = Field(description="submitting, generating, mirroring, completed or failed.")
    error: str = Field(description="Why it failed, in words.")
    prompt: str
    full_prompt: str = Field(description="With the trigger words, as the model got it.")
    seed: int | None
    scale: float = Field(description="The strength of the LoRA.")
    added_loras: list[Added] = Field(description="The LoRAs that were applied besides it.")
    width: int
    height: int
    inference_steps: int
    guidance: float
    image_format: str
    created_at: datetime
    completed_at: datetime | None
    images: list[Image]

    @classmethod
    def of(cls, generation: Generation, images: list[GeneratedImage]) -> Self:
        """Describe a batch, whose wallet is loaded, with those of its images that may be seen."""
        added = [
            Added(lora=one.training_id, scale=one.scale) for one in generation.added_loras.all()
        ]
        return cls(
            **_same(cls, generation, leave={"lora", "wallet", "images", "added_loras"}),
            added_loras=added,
            lora=generation.training_id,
            wallet=generation.wallet.address,
            images=[_image(image) for image in images],
        )


def _image(image: GeneratedImage) -> Image:
    url = None if image.is_filtered else address("generations:image", image.pk, image.width)
    return Image(**_same(Image, image, leave={"url"}), url=url)


class BatchPage(Schema):
    """Some batches, and where the next ones are."""

    generations: list[Batch]
    next: str | None = Field(description="The address of the next page; null on the last one.")


class ProblemError(Schema):
    """One of several things that are wrong."""

    detail: str
    pointer: str | None = Field(None, description="Where in the body (RFC 6901).")
    parameter: str | None = Field(None, description="Which part of the address.")
    header: str | None = None


class ProblemDetails(Schema):
    """RFC 9457: what went wrong, in words."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemError] = Field(default_factory=list)
    missing_cents: int | None = Field(None, description="402: what the balance lacks.")
    balance_cents: int | None = Field(None, description="402: what the balance is.")
    free_at: datetime | None = Field(None, description="429: when the next one comes free.")


def _same(schema: type[Schema], row: Model, *, leave: set[str]) -> dict[str, Any]:
    """Return the fields that schema and row have under one name; addresses are not the row's."""
    names = [name for name in schema.model_fields if name not in leave]
    return {name: getattr(row, name) for name in names if not name.endswith("url")}
