"""What fal's endpoints do: train, generate, cut out, describe; and its webhooks."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

from sandbox import pictures, weights, work
from sandbox.archives import Unreadable
from sandbox.config import CONFIG
from sandbox.fal_inputs import FastTraining, FluxLora, OnePicture, infrastructure, invalid, refused
from sandbox.fetching import CannotFetch
from sandbox.files import FILES, address, content_type
from sandbox.jobs import Job, JobFailed
from sandbox.webhooks import KEYS, Message, notify

FEWEST = 4
"""Pictures; the endpoint's page asks for at least 4."""
INPUTS: dict[str, type[BaseModel]] = {
    "fal-ai/flux-lora-fast-training": FastTraining,
    "fal-ai/flux-lora": FluxLora,
    "fal-ai/imageutils/rembg": OnePicture,
    "fal-ai/florence-2-large/more-detailed-caption": OnePicture,
}


class Fal:
    """fal's side of a job."""

    def __init__(self, app: web.Application) -> None:
        self.app = app

    async def work(self, job: Job) -> Any:
        """Check the input, as the runner does and not the queue, and do the work."""
        try:
            given = INPUTS[job.endpoint].model_validate(job.input)
        except ValidationError as error:
            raise JobFailed(invalid(error, job.input)) from error
        if isinstance(given, FastTraining):
            return await self._train(job, given)
        if isinstance(given, FluxLora):
            return await self._generate(job, given)
        if isinstance(given, OnePicture):
            return await self._edit(job, given.image_url)
        raise TypeError(job.endpoint)

    def broken(self, status: str, message: str) -> dict[str, Any]:
        """Return an error 500, or the infrastructure error that the script names."""
        return infrastructure(503 if status else 500, status or "internal_error", message)

    async def started(self, job: Job) -> None:
        """Do nothing: fal has no webhook for the start."""

    async def progressed(self, job: Job) -> None:
        """Do nothing: fal has no webhook for progress."""

    async def finished(self, job: Job) -> None:
        """Send the webhook; with `webhook_reorder`, an older attempt's error comes after it."""
        error = {
            "status": "ERROR",
            "error": "Runner disconnected",
            "payload": infrastructure(503, "runner_disconnected", "Runner disconnected")["body"],
        }
        ok = {"status": "OK", "error": None, "payload": job.output}
        truth = ok if job.failure is None and not job.cancelled else _error(job)
        lie = error if truth is ok else ok
        await self._notify(job, truth, lie)
        if "webhook_reorder" in job.faults:
            await self._notify(job, error, lie)

    async def _notify(self, job: Job, message: dict[str, Any], lie: dict[str, Any]) -> None:
        ids = {"request_id": job.id, "gateway_request_id": job.id}

        def sign(forgery: str, body: bytes) -> dict[str, str]:
            keys = self.app[KEYS]
            return keys.fal_headers(forgery, body, request_id=job.id, user=job.owner)

        ours = Message(body=ids | message, lie=ids | lie, sign=sign, final=True)
        await notify(self.app, job, ours)

    async def _train(self, job: Job, given: FastTraining) -> dict[str, Any]:
        where: list[str | int] = ["images_data_url"]
        word = given.trigger_word or ""
        try:
            course = work.Course(trigger_word=word, steps=given.steps, fewest=FEWEST, job=job.id)
            trained = await work.train(self.app, given.images_data_url, course)
        except CannotFetch as error:
            raise _unusable(where, error, "file_download_error", given.images_data_url) from error
        except (Unreadable, work.TooFew) as error:
            raise _unusable(where, error, "value_error", given.images_data_url) from error
        captions = list(trained.captions.items())
        job.facts = {"captions": captions, "steps": given.steps}
        config = weights.fal_config(
            archive_url=given.images_data_url,
            trigger_word=word,
            steps=given.steps,
            is_style=given.is_style,
        )
        return {
            "diffusers_lora_file": self._file("pytorch_lora_weights.safetensors", trained.weights),
            "config_file": self._file("config.json", config),
            "debug_preprocessed_output": None,
        }

    async def _generate(self, job: Job, given: FluxLora) -> dict[str, Any]:
        sources = []
        for number, lora in enumerate(given.loras):
            where: list[str | int] = ["loras", number, "path"]
            try:
                sources += await work.learned(self.app, lora.path)
            except CannotFetch as error:
                raise _unusable(where, error, "file_download_error", lora.path) from error
            except weights.NotWeights as error:
                raise _unusable(where, error, "value_error", lora.path) from error
        flagged = given.enable_safety_checker and "nsfw" in given.prompt.lower().split()
        seed = work.random_seed() if given.seed is None else given.seed
        wish = pictures.Wish(
            prompt=given.prompt,
            strength=max((lora.scale for lora in given.loras), default=1.0),
            seed=seed,
            number=given.num_images,
            size=given.size,
            form=given.output_format,
            held_back=flagged,
        )
        images = await work.draw(sources or pictures.invented(given.prompt), wish)
        job.facts = {"seed": seed, "steps": given.num_inference_steps}
        width, height = given.size
        shape = {"width": width, "height": height}
        return {
            "images": [
                self._image(data, given, place) | shape for place, data in enumerate(images)
            ],
            "timings": {"inference": round(job.ends_at - job.starts_at, 3)},
            "seed": seed,
            "has_nsfw_concepts": [flagged] * len(images),
            "prompt": given.prompt,
        }

    async def _edit(self, job: Job, url: str) -> dict[str, Any]:
        where: list[str | int] = ["image_url"]
        try:
            if job.endpoint.endswith("caption"):
                return {"results": await work.edit(self.app, url, pictures.describe)}
            image = await work.edit(self.app, url, pictures.cut_out)
        except CannotFetch as error:
            raise _unusable(where, error, "file_download_error", url) from error
        except OSError as error:
            raise _unusable(where, "The picture cannot be read", "image_load_error", url) from error
        file = self._file("image.png", pictures.encode(image, "png", "Background removed."))
        return {"image": file | {"width": image.width, "height": image.height}}

    def _image(self, data: bytes, given: FluxLora, number: int) -> dict[str, Any]:
        form = given.output_format
        if given.sync_mode:
            url = f"data:image/{form};base64,{base64.b64encode(data).decode()}"
            return {"url": url, "content_type": f"image/{form}"}
        return self._file(f"image_{number}.{form}", data)

    def _file(self, name: str, data: bytes) -> dict[str, Any]:
        path: Path = self.app[FILES].new(name)
        path.write_bytes(data)
        return {
            "url": address(path, f"{self.app[CONFIG].url}/fal/files/files"),
            "content_type": content_type(path),
            "file_name": path.name,
            "file_size": len(data),
        }


def _unusable(where: list[str | int], why: object, kind: str, given: Any) -> JobFailed:
    return JobFailed(refused(where, str(why), kind, given))


def _error(job: Job) -> dict[str, Any]:
    failure = failure_of(job)
    return {
        "status": "ERROR",
        "error": f"Invalid status code: {failure['status']}",
        "payload": failure["body"],
    }


def failure_of(job: Job) -> dict[str, Any]:
    """Return the failure of a job that ended without output; a cancelled one has fal's own code."""
    if job.cancelled or job.failure is None:
        return infrastructure(499, "client_cancelled", "Request was cancelled by the client")
    return job.failure
