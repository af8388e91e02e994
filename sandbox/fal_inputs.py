"""The inputs of fal's endpoints, and fal's errors about them.

Names and defaults are those of fal's own generated types (npm @fal-ai/client, endpoints.d.ts). The
real endpoints are FastAPI applications, so pydantic's errors are what their customers get.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

PRESETS = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
RETRYABLE = {
    "internal_server_error",
    "generation_timeout",
    "downstream_service_error",
    "downstream_service_unavailable",
}

Side = Annotated[int, Field(gt=0, le=2048)]
"""Pixels; the real limit is 14142, which would cost the sandbox gigabytes of memory."""


class FastTraining(BaseModel):
    """`fal-ai/flux-lora-fast-training`."""

    images_data_url: str
    trigger_word: str | None = None
    create_masks: bool = True
    steps: int = Field(1000, ge=1, le=10_000)
    is_style: bool = False
    is_input_format_already_preprocessed: bool = False
    data_archive_format: str | None = None


class LoraWeight(BaseModel):
    """One LoRA of a generation."""

    path: str
    scale: float = Field(1, ge=0, le=4)


class ImageSize(BaseModel):
    """A size of one's own, in pixels."""

    width: Side = 512
    height: Side = 512


class FluxLora(BaseModel):
    """`fal-ai/flux-lora`."""

    prompt: str
    loras: list[LoraWeight] = []
    image_size: (
        Literal[
            "square_hd",
            "square",
            "portrait_4_3",
            "portrait_16_9",
            "landscape_4_3",
            "landscape_16_9",
        ]
        | ImageSize
    ) = "landscape_4_3"
    num_inference_steps: int = Field(28, ge=1, le=50)
    seed: int | None = None
    guidance_scale: float = Field(3.5, ge=0, le=35)
    sync_mode: bool = False
    num_images: int = Field(1, ge=1, le=4)
    enable_safety_checker: bool = True
    output_format: Literal["jpeg", "png"] = "jpeg"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        if isinstance(self.image_size, ImageSize):
            return self.image_size.width, self.image_size.height
        return PRESETS[self.image_size]


class OnePicture(BaseModel):
    """`fal-ai/imageutils/rembg` and `fal-ai/florence-2-large/more-detailed-caption`."""

    image_url: str


def invalid(error: ValidationError, given: Any) -> dict[str, Any]:
    """Return the failure for an input that does not fit: 422, with an entry for each field."""
    details = [
        {
            "loc": ["body", *problem["loc"]],
            "msg": problem["msg"],
            "type": problem["type"],
            "input": given if problem["type"] == "missing" else problem["input"],
            "url": f"https://docs.fal.ai/errors#{problem['type']}",
            "ctx": problem.get("ctx", {}),
        }
        for problem in error.errors()
    ]
    return {"status": 422, "body": {"detail": details}, "type": details[0]["type"]}


def refused(
    loc: list[str | int], message: str, kind: str, given: Any, status: int = 422
) -> dict[str, Any]:
    """Return the failure for an input that turned out to be unusable during the work."""
    detail = {
        "loc": ["body", *loc],
        "msg": message,
        "type": kind,
        "input": given,
        "url": f"https://docs.fal.ai/errors#{kind}",
        "ctx": {},
    }
    return {"status": status, "body": {"detail": [detail]}, "type": kind}


def infrastructure(status: int, kind: str, message: str) -> dict[str, Any]:
    """Return a failure of fal's own: a flat object (fal.ai docs, model-apis/request-errors)."""
    body = {"detail": message, "error_type": kind}
    return {"status": status, "body": body, "type": kind, "infrastructure": True}
