"""The inputs of Replicate's models, and Replicate's errors (RFC 9457 problem details).

Names, defaults and ranges are those of replicate/flux-fine-tuner and replicate/cog-flux.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

RATIOS = {
    "1:1": (1024, 1024),
    "16:9": (1344, 768),
    "21:9": (1536, 640),
    "3:2": (1216, 832),
    "2:3": (832, 1216),
    "4:5": (896, 1088),
    "5:4": (1088, 896),
    "3:4": (896, 1152),
    "4:3": (1152, 896),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
KINDS = {
    "missing": "required",
    "greater_than_equal": "number_gte",
    "less_than_equal": "number_lte",
    "literal_error": "enum",
}
WORDS = {
    "greater_than_equal": "Must be greater than or equal to {ge}",
    "less_than_equal": "Must be less than or equal to {le}",
}


class FluxDevTraining(BaseModel):
    """`ostris/flux-dev-lora-trainer`."""

    input_images: str
    trigger_word: str = "TOK"
    autocaption: bool = True
    autocaption_prefix: str | None = None
    autocaption_suffix: str | None = None
    steps: int = Field(1000, ge=3, le=6000)
    learning_rate: float = Field(0.0004, gt=0)
    batch_size: int = Field(1, ge=1)
    resolution: str = "512,768,1024"
    lora_rank: int = Field(16, ge=1, le=128)
    caption_dropout_rate: float = Field(0.05, ge=0, le=1)
    optimizer: str = "adamw8bit"


class FastTraining(BaseModel):
    """`replicate/fast-flux-trainer`; the real ranges of its fields are not known to us."""

    input_images: str
    trigger_word: str = "TOK"
    lora_type: Literal["subject", "style"] = "subject"
    training_steps: int = Field(1000, ge=1)


class DevLora(BaseModel):
    """`black-forest-labs/flux-dev-lora`, and a trained model that is run directly."""

    prompt: str
    aspect_ratio: Literal[
        "1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"
    ] = "1:1"
    num_outputs: int = Field(1, ge=1, le=4)
    num_inference_steps: int = Field(28, ge=1, le=50)
    guidance: float = Field(3, ge=0, le=10)
    seed: int | None = None
    output_format: Literal["webp", "jpg", "png"] = "webp"
    output_quality: int = Field(80, ge=0, le=100)
    disable_safety_checker: bool = False
    lora_weights: str | None = None
    lora_scale: float = Field(1, ge=-1, le=3)
    extra_lora: str | None = None
    extra_lora_scale: float = Field(1, ge=-1, le=3)
    megapixels: Literal["1", "0.25"] = "1"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = RATIOS[self.aspect_ratio]
        half = 2 if self.megapixels == "0.25" else 1
        return width // half, height // half


def problem(status: int, detail: str, title: str = "", **more: Any) -> web.HTTPException:
    """Return an answer to raise: problem details, as the SDK's `ReplicateError` reads them."""
    body = {"title": title, "detail": detail, "status": status, **more}
    answer = web.HTTPException(
        text=json.dumps({name: value for name, value in body.items() if value != ""}),
        content_type="application/problem+json",
    )
    answer.set_status(status)
    return answer


def object_of(body: bytes) -> dict[str, Any]:
    """Return a JSON object. Raises 400 for anything else."""
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise problem(400, "The request body is not a JSON object", "Bad request")
    return given


def checked[T: BaseModel](model: type[T], given: Any) -> T:
    """Return the input as the model sees it. Raises 422 with each field that does not fit."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        fields = [_field(one) for one in error.errors()]
        lines = "".join(f"- {field['field']}: {field['description']}\n" for field in fields)
        raise problem(422, lines, "Input validation failed", invalid_fields=fields) from error


def _field(error: Any) -> dict[str, str]:
    kind, name = error["type"], ".".join(str(part) for part in error["loc"])
    place = "input" if kind == "missing" else f"input.{name}"
    if kind == "missing":
        words = f"{name} is required"
    elif kind == "literal_error":
        words = f"{name} must be one of the following: {error['ctx']['expected']}"
    else:
        words = WORDS.get(kind, error["msg"]).format_map(error.get("ctx", {}))
    return {"type": KINDS.get(kind, "invalid_type"), "field": place, "description": words}
