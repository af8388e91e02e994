"""Replicate as a provider; the trainers themselves are in `replicate_trainers.py`.

`black-forest-labs/flux-dev-lora` draws; its inputs are those of replicate/cog-flux, predict.py.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from loratrainer.outcomes import Failed, Outcome, Pending, Succeeded
from providers.answers import asking, checked_job_id, ordering, unreadable, useless
from providers.base import (
    Cancelled,
    GenerationOrder,
    Provider,
    RemoteFile,
    RemoteImage,
    TrainedLora,
    TrainingOrder,
)
from providers.replicate_jobs import SERVICE, ReplicateJobs, outcome_of
from providers.webhooks import Keys, check_standard, replicate_secret

GENERATOR = "black-forest-labs/flux-dev-lora"
EVENTS = ["start", "completed"]
"""The webhooks that are worth a look at the job; `logs` would come twice a second."""
IMAGE_CENTS = Decimal("3.5")
"""On the safe side: replicate.com asks $0.025 for an image of flux-dev, and we could not read what
for one with a LoRA; at fal the two cost 2.5 and 3.5 cents."""
MICROSECOND = timedelta(microseconds=1)
MOST_SECONDS = 1_000_000
"""Longer than any job there."""
LARGEST_WEBHOOK = 1_000_000
"""In bytes; it carries the job's whole log, and 2000 steps of tqdm take about 300 kB."""
FORMATS = {
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
"""Width and height in pixels by aspect ratio, at one megapixel."""


class ReplicateTrainer(Provider):
    """What Replicate's trainers have in common: everything but their inputs."""

    service = SERVICE
    second_cents: ClassVar[Decimal]
    """The price of a second on the hardware that the trainer runs on, in US cents."""
    listed_in = timedelta(minutes=2)
    largest_scale = 3.0
    most_loras = 2
    files_at = "replicate"

    def __init__(  # noqa: PLR0913 -- these are the options in the settings
        self,
        *,
        token: str,
        url: str = "https://api.replicate.com",
        username: str = "",
        version: str = "",
        hardware: str = "gpu-l40s",
        listed_in: timedelta | None = None,
    ) -> None:
        """Take the API token, and Replicate's address without `/v1`.

        `username` owns the models that receive the results, by default the token's account.
        `version` is the trainer's, 64 hexadecimal digits, by default the newest. `hardware` is what
        those models would run on; it costs nothing as long as nobody runs them.
        """
        self._jobs, self._username = ReplicateJobs(token, url), username
        self._version, self._hardware = version, hardware
        self.listed_in = self.listed_in if listed_in is None else listed_in
        self._secret = Keys(lambda: replicate_secret(self._jobs.http))

    @abstractmethod
    def training_input(self, order: TrainingOrder) -> dict[str, Any]:
        """Return the input of this trainer for an order."""

    def upload_archive(self, path: Path) -> str:
        """Upload to Replicate's files, which have at most 100 MiB and are kept for a day."""
        with asking(SERVICE):
            return self._jobs.sdk.files.create(path).urls["get"]

    def submit_training(self, order: TrainingOrder) -> str:
        """Create the model that receives the result, if need be, and start the training."""
        destination = self._destination(order)
        self._jobs.make_model(destination, hardware=self._hardware)
        version = self._version or self._jobs.newest_version(self.model)
        given, sdk = self.training_input(order), self._jobs.sdk
        with ordering(SERVICE):
            training = sdk.trainings.create(
                model=self.model,
                version=version,
                input=given,
                destination=destination,
                **_webhook(order.webhook_url),
            )
            return checked_job_id(training.id)

    def find_training(self, order: TrainingOrder) -> str | None:
        """Look for the archive's address in the list of trainings.

        The model that receives the result is a second witness: while it has a version that none of
        the listed trainings made, the list is not complete.
        """
        destination = self._destination(order)

        def is_ours(job: dict[str, Any]) -> bool | None:
            match job:
                case {"input": {"input_images": str(archive_url)}}:
                    return archive_url == order.archive_url
                case {"output": {"version": str(version)}}:
                    return version.startswith(f"{destination}:")
            return None

        found = self._jobs.find("trainings", self.model, order.sent_at, is_ours)
        if found is None and self._jobs.has_version(destination, order.sent_at):
            raise unreadable(SERVICE, f"{destination} has a version that no listed training made")
        return found

    def check_training(self, job_id: str) -> Outcome[TrainedLora]:
        """Ask for the training, and read the address of its tar when it is there."""
        job = self._jobs.read(f"/v1/trainings/{job_id}")
        match outcome_of(job):
            case Succeeded({"weights": str(url)} as output):
                is_tar = urlsplit(url).path.endswith(".tar")
                lora = TrainedLora(
                    weights=RemoteFile(url=url, inside="lora.safetensors" if is_tar else ""),
                    config=RemoteFile(url=url, inside="config.yaml") if is_tar else None,
                    trainer=f"{self.model}:{job.get('version')}",
                    version=str(output.get("version") or ""),
                    ran_in=_ran_in(job),
                )
                return Succeeded(lora)
            case Succeeded():
                return useless(SERVICE, job_id, "weights")
            case Pending() | Failed() as answer:
                return answer

    def cancel_training(self, job_id: str) -> Cancelled:
        """End the training."""
        return self._jobs.cancel(f"/v1/trainings/{job_id}")

    def submit_generation(self, order: GenerationOrder) -> str:
        """Start the prediction."""
        given, sdk = _generation_input(order), self._jobs.sdk
        with ordering(SERVICE):
            prediction = sdk.models.predictions.create(
                GENERATOR, given, **_webhook(order.webhook_url)
            )
            return checked_job_id(prediction.id)

    def find_generation(self, order: GenerationOrder, *, taken: Collection[str] = ()) -> str | None:
        """Look for the same input, seed and all, in the list of predictions."""
        wanted = _generation_input(order)

        def is_ours(job: dict[str, Any]) -> bool | None:
            match job:
                case {"id": str(job_id), "input": {"prompt": str()} as given}:
                    # What an order leaves out must not be there: a second LoRA is another image.
                    has_extra = bool(given.get("extra_lora"))
                    is_same = given.items() >= wanted.items()
                    return is_same and has_extra == bool(order.added) and job_id not in taken
            return None

        return self._jobs.find("predictions", GENERATOR, order.sent_at, is_ours)

    def check_generation(self, job_id: str) -> Outcome[list[RemoteImage]]:
        """Ask for the prediction, and for the images when they are there."""
        job = self._jobs.read(f"/v1/predictions/{job_id}")
        match outcome_of(job):
            case Succeeded([str(), *_] as urls) if all(isinstance(url, str) for url in urls):
                return Succeeded(_images(urls, job.get("input") or {}))
            case Succeeded():
                return useless(SERVICE, job_id, "images")
            case Failed() if "nsfw" in str(job.get("error")).lower():
                return Failed(_("The safety checker held all images back."))
            case Pending() | Failed() as answer:
                return answer

    def training_cost_cents(self, *, steps: int, ran_in: timedelta) -> Decimal:
        """By the second that the trainer's machine works, whatever comes of it."""
        return self.second_cents * (ran_in // MICROSECOND) / 1_000_000

    def generation_cost_cents(self, *, images: int, megapixels: int) -> Decimal:
        """By the image, filtered ones included."""
        return IMAGE_CENTS * images

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """Check by Standard Webhooks, with the secret of our account."""
        return check_standard(headers, body, self._secret, largest=LARGEST_WEBHOOK)

    def _destination(self, order: TrainingOrder) -> str:
        return f"{self._username or self._jobs.username}/{order.name}"


def _ran_in(job: dict[str, Any]) -> timedelta | None:
    """Return the time that Replicate charges for."""
    match job.get("metrics"):
        case {"predict_time": int() | float() as seconds} if 0 <= seconds < MOST_SECONDS:
            return timedelta(seconds=seconds)
    return None


def _generation_input(order: GenerationOrder) -> dict[str, Any]:
    ratio = order.width / order.height
    nearest = min(FORMATS, key=lambda name: abs(FORMATS[name][0] / FORMATS[name][1] - ratio))
    return {
        "prompt": order.prompt,
        "lora_weights": order.weights_url,
        "lora_scale": order.scale,
        **_extra_lora(order),
        "aspect_ratio": nearest,
        "megapixels": "0.25" if order.width * order.height <= 512 * 512 else "1",
        "num_outputs": order.images,
        "num_inference_steps": order.steps,
        "guidance": order.guidance,
        "seed": order.seed,
        "output_format": "jpg" if order.image_format == "jpeg" else order.image_format,
        "disable_safety_checker": not order.safety_checker,
    }


def _extra_lora(order: GenerationOrder) -> dict[str, Any]:
    if not order.added:
        return {}
    [lora] = order.added
    return {"extra_lora": lora.weights_url, "extra_lora_scale": lora.scale}


def _images(urls: list[str], given: dict[str, Any]) -> list[RemoteImage]:
    width, height = FORMATS.get(str(given.get("aspect_ratio")), (0, 0))
    half = 2 if given.get("megapixels") == "0.25" else 1
    seed = given.get("seed") if isinstance(given.get("seed"), int) else None
    return [
        RemoteImage(url=url, width=width // half, height=height // half, seed=seed) for url in urls
    ]


def _webhook(url: str) -> dict[str, Any]:
    return {"webhook": url, "webhook_events_filter": EVENTS} if url else {}
