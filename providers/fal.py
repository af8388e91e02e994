"""fal.ai's trainer `fal-ai/flux-lora-fast-training` and its generator `fal-ai/flux-lora`.

Facts: the two model pages, and the generated types of npm `@fal-ai/client` 1.10.1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import fal_client
from django.utils.translation import gettext_noop

from loratrainer.outcomes import Failed, Outcome, Pending, Succeeded
from providers.answers import asking, useless
from providers.base import (
    Cancelled,
    GenerationOrder,
    Provider,
    RemoteFile,
    RemoteImage,
    Setting,
    TrainedLora,
    TrainingOrder,
    Unverified,
)
from providers.fal_queue import SERVICE, FalQueue
from providers.webhooks import FalWebhook, Keys, fal_keys

GENERATOR = "fal-ai/flux-lora"
STEP_CENTS = Decimal("0.2")
"""fal.ai/models/fal-ai/flux-lora-fast-training: $2 for 1000 steps, in proportion to the steps."""
MEGAPIXEL_CENTS = Decimal("3.5")
"""fal.ai/models/fal-ai/flux-lora: $0.035 for each megapixel of an image, rounded up."""
ARCHIVE_KEPT = fal_client.StorageSettings(expires_in="7d")
"""Far longer than a training waits, and not for ever: these are people's own pictures."""
LARGEST_WEBHOOK = 256 * 1024
"""In bytes; a result of these two endpoints takes a few thousand."""


class FalFluxLora(Provider):
    """Trains and draws at fal.ai."""

    service = SERVICE
    title = gettext_noop("fal.ai, fast FLUX training")
    about = gettext_noop(
        "Usually ready within ten minutes. Finds the subject and masks it by itself."
    )
    cost = gettext_noop("About $2 for 1000 steps, in proportion to the steps.")
    model = "fal-ai/flux-lora-fast-training"
    usual_in = timedelta(minutes=8)
    # The list's documentation promises only requests that have started, and the jobs of an account
    # wait for each other: a new account runs two at a time.
    listed_in = timedelta(minutes=30)
    fewest_steps, most_steps = 1, 10_000
    fewest_pictures = advised_pictures = 4
    largest_scale = 4.0
    # Its list of LoRAs has no limit that the page or the types name; each takes memory there.
    most_loras = 5
    files_at = "fal"
    settings = (
        Setting(
            name="masks",
            field="create_masks",
            title=gettext_noop("Mask the subject"),
            help=gettext_noop(
                "The trainer looks at the subject more than at its surroundings. Not for styles."
            ),
            default=True,
        ),
    )

    def __init__(
        self,
        *,
        key: str,
        url: str = "",
        user_id: str = "",
        keys_url: str = "",
        listed_in: timedelta | None = None,
    ) -> None:
        """Take the API key, and where fal is: an empty `url` means the real hosts.

        `user_id` is the one that the webhooks for our account carry; `keys_url` is fal's JWKS.
        """
        self._queue, self._user_id = FalQueue(key, url), user_id
        self.listed_in = self.listed_in if listed_in is None else listed_in
        rest_url = f"{url}/rest" if url else "https://rest.fal.ai"
        jwks_url = keys_url or f"{rest_url}/.well-known/jwks.json"
        self._keys = Keys(lambda: fal_keys(jwks_url))

    def upload_archive(self, path: Path) -> str:
        """Upload to fal's storage, where the archive stays for seven days.

        The SDK reads a file of up to 100 MiB into memory.
        """
        sdk = self._queue.sdk
        with asking(SERVICE):
            return str(sdk.upload_file(path, lifecycle=ARCHIVE_KEPT))

    def submit_training(self, order: TrainingOrder) -> str:
        """Put the training into fal's queue."""
        is_style = order.kind == "style"
        given = {
            "images_data_url": order.archive_url,
            "data_archive_format": "zip",  # Else it is guessed from how the address ends.
            "trigger_word": order.trigger_word,
            "steps": order.steps,
            "is_style": is_style,
            "create_masks": bool(order.settings.get("masks", True)) and not is_style,
            "is_input_format_already_preprocessed": order.is_preprocessed,
        }
        return self._queue.submit(self.model, given, order.webhook_url)

    def find_training(self, order: TrainingOrder) -> str | None:
        """Look for the archive's address in fal's list of requests."""

        def is_ours(given: dict[str, Any]) -> bool:
            return given.get("images_data_url") == order.archive_url

        return self._queue.find(self.model, order.sent_at, is_ours)

    def check_training(self, job_id: str) -> Outcome[TrainedLora]:
        """Ask for the status, and for the files when they are there."""
        match self._queue.check(self.model, job_id):
            case Succeeded(output):
                return self._trained(job_id, output)
            case Pending() | Failed() as answer:
                return answer

    def cancel_training(self, job_id: str) -> Cancelled:
        """Take the training out of the queue, or ask its runner to stop."""
        return self._queue.cancel(self.model, job_id)

    def submit_generation(self, order: GenerationOrder) -> str:
        """Put the batch into fal's queue."""
        return self._queue.submit(GENERATOR, _generation_input(order), order.webhook_url)

    def find_generation(self, order: GenerationOrder, *, taken: Collection[str] = ()) -> str | None:
        """Look for the same input, seed and all, in fal's list of requests."""
        wanted = _generation_input(order)

        def is_ours(given: dict[str, Any]) -> bool:
            return given.items() >= wanted.items()

        return self._queue.find(GENERATOR, order.sent_at, is_ours, taken)

    def check_generation(self, job_id: str) -> Outcome[list[RemoteImage]]:
        """Ask for the status, and for the images when they are there."""
        match self._queue.check(GENERATOR, job_id):
            case Succeeded(output):
                return self._drawn(job_id, output)
            case Pending() | Failed() as answer:
                return answer

    def training_cost_cents(self, *, steps: int, ran_in: timedelta) -> Decimal:
        """By the step; what failed on fal's side, or was taken out of the queue, costs nothing."""
        return STEP_CENTS * steps

    def generation_cost_cents(self, *, images: int, megapixels: int) -> Decimal:
        """By the megapixel, filtered images included."""
        return MEGAPIXEL_CENTS * megapixels

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """Check the webhook's age, our user id in it, and fal's signature."""
        webhook = FalWebhook.parse(headers, body, largest=LARGEST_WEBHOOK)
        if self._user_id and webhook.user_id != self._user_id:
            # fal signs for all its customers: somebody else's job is not ours.
            raise Unverified("The webhook is of another account at fal.")
        if not self._keys.fit(webhook.fits):
            raise Unverified("The webhook was not signed by fal.")
        return webhook.job_id()

    def _trained(self, job_id: str, output: dict[str, Any]) -> Outcome[TrainedLora]:
        weights, config = (_url_in(output, name) for name in ("diffusers_lora_file", "config_file"))
        if not weights:
            return useless(SERVICE, job_id, "weights")
        return Succeeded(
            TrainedLora(
                weights=RemoteFile(url=weights),
                config=RemoteFile(url=config) if config else None,
                trainer=self.model,
            )
        )

    def _drawn(self, job_id: str, output: dict[str, Any]) -> Outcome[list[RemoteImage]]:
        found, flags, seed = (output.get(name) for name in ("images", "has_nsfw_concepts", "seed"))
        images = []
        for number, image in enumerate(found if isinstance(found, list) else []):
            match image:
                case {"url": str(url), "width": int(width), "height": int(height)}:
                    flagged = isinstance(flags, list) and flags[number : number + 1] == [True]
                    given_seed = seed if isinstance(seed, int) else None
                    images.append(
                        RemoteImage(
                            url=url,
                            width=width,
                            height=height,
                            seed=given_seed,
                            is_filtered=flagged,
                        )
                    )
                case _:
                    return useless(SERVICE, job_id, "images")
        return Succeeded(images) if images else useless(SERVICE, job_id, "images")


def _generation_input(order: GenerationOrder) -> dict[str, Any]:
    return {
        "prompt": order.prompt,
        "loras": [
            {"path": order.weights_url, "scale": order.scale},
            *({"path": lora.weights_url, "scale": lora.scale} for lora in order.added),
        ],
        "image_size": {"width": order.width, "height": order.height},
        "num_images": order.images,
        "num_inference_steps": order.steps,
        "guidance_scale": order.guidance,
        "seed": order.seed,
        "enable_safety_checker": order.safety_checker,
        "output_format": order.image_format,
    }


def _url_in(output: dict[str, Any], name: str) -> str:
    """Return the address of a file, of whose fields fal guarantees nothing but that one."""
    match output.get(name):
        case {"url": str(url)}:
            return url
    return ""
