"""What we ask of a service that trains and runs LoRAs, and what it may answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Literal

from loratrainer.outcomes import Outcome

type Kind = Literal["style", "character", "product"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOrder:
    """One attempt at a training, as we ask for it."""

    archive_url: str
    """A ZIP of pictures, each beside a .txt caption of the same name. No other attempt has this
    address, so that a provider's list tells whether it took this order."""
    name: str
    """`lora-<uuid>`: the model at Replicate that receives the result."""
    trigger_word: str
    steps: int
    kind: Kind
    is_preprocessed: bool = False
    """Whether the archive is what fal itself made of an earlier one (`debug_preprocessed_output`).
    Pictures with captions are not, however well they were prepared."""
    webhook_url: str = ""
    """Empty where the outside cannot reach us."""
    sent_at: datetime
    """By the database's clock; look-ups go back to a little before it."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the person set beyond that, by the names in `Provider.settings`; others are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedLora:
    """A LoRA besides the first, and how strongly it is applied."""

    weights_url: str
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationOrder:
    """One batch of images, as we ask for it."""

    weights_url: str
    prompt: str
    seed: int
    """Drawn by us when the person names none: it tells this order from others in a list."""
    images: int = 4
    scale: float = 1.5
    added: tuple[AppliedLora, ...] = ()
    """No more, with the first, than `Provider.most_loras`."""
    width: int = 1024
    """In pixels; Replicate takes the nearest of its own formats."""
    height: int = 1024
    steps: int = 28
    guidance: float = 3.5
    image_format: Literal["jpeg", "png"] = "jpeg"
    safety_checker: bool = True
    webhook_url: str = ""
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file at a provider, or in a tar there."""

    url: str
    inside: str = ""
    """What the member's name ends with, if the address is that of a tar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedLora:
    """What came out of a training."""

    weights: RemoteFile
    config: RemoteFile | None
    trainer: str
    """The model that trained it, with its version where the provider has versions."""
    version: str = ""
    """The provider's own name for the result, if it has one."""
    ran_in: timedelta | None = None
    """For how long its machines worked, if the provider says so and charges for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteImage:
    """One image at a provider."""

    url: str
    width: int
    """In pixels, as the provider says or as its format has it; the file itself decides."""
    height: int
    seed: int | None = None
    is_filtered: bool = False
    """Whether the safety checker blacked it out."""


class Cancelled(Enum):
    """What became of a training that we wanted to end, and what the provider charges us for it."""

    NOT_BEGUN = "not begun"
    """It never began: nothing is charged, so the person's whole charge can go back."""
    STOPPED = "stopped"
    """It had begun and nothing comes of it; Replicate charges for the time that it ran."""
    RUNS_ON = "runs on"
    """It was asked to stop and may finish all the same, at the full price: keep checking it."""
    OVER = "over"
    """It had ended before: `check_training` tells how, and that outcome stands."""


class Doubt(Exception):
    """An order was sent, and nobody knows whether it was taken: look it up, never send it again."""


class Unverified(Exception):
    """A webhook that must not be believed; `status` is the HTTP status to answer with."""

    status: ClassVar[int] = 401


class Unreadable(Unverified):
    """A webhook whose body is not the JSON object that the provider would have sent."""

    status = 400


class TooLarge(Unverified):
    """A webhook with more bytes than any that the provider would have sent."""

    status = 413


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One advanced setting of a trainer; the type of the default is the type of the setting."""

    name: str
    """Ours, as in `TrainingOrder.settings`."""
    field: str
    """The trainer's own name for it."""
    title: str
    help: str
    default: bool | int | float | str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[tuple[str, str], ...] = ()
    """Values with their names, if there is nothing else to choose."""
    # Titles, helps and names are English, marked with gettext_noop; pages translate them.


class Provider(ABC):
    """One instance per entry of `settings.PROVIDERS`.

    A remote job that ran and failed is an answer, not an exception. The exceptions say what the
    caller should do: `TryAgainLater` ask again, `GiveUp` tell the owner, `Doubt` look the order up.
    """

    service: ClassVar[str]
    """Whom we pay: "fal.ai" or "Replicate"."""
    title: ClassVar[str]
    about: ClassVar[str]
    """How long it takes and what it is good for, for the page."""
    cost: ClassVar[str]
    """What the service charges us, in words."""
    model: ClassVar[str]
    """The trainer's name at the service."""
    base_model: ClassVar[str] = "FLUX.1 [dev]"
    usual_in: ClassVar[timedelta]
    """About how long 1000 steps take: a guess, for a page that says what to expect."""
    listed_in: timedelta
    """For so long after it was sent an accepted order may be missing from the service's list; each
    class has its own, and the option of that name replaces it."""
    fewest_steps: ClassVar[int]
    most_steps: ClassVar[int]
    fewest_pictures: ClassVar[int]
    """With less the trainer fails."""
    advised_pictures: ClassVar[int]
    settings: ClassVar[tuple[Setting, ...]] = ()
    largest_scale: ClassVar[float]
    """The strongest that a LoRA can be applied in a generation."""
    most_loras: ClassVar[int]
    """How many LoRAs a generation can have."""
    files_at: ClassVar[str]
    """The entry of `settings.FETCH_HOSTS` with the hosts that its files come from."""

    @abstractmethod
    def upload_archive(self, path: Path) -> str:
        """Put a ZIP where the trainer can read it and return its address, another at each call.

        Only for archives in a storage that the outside cannot reach. Raises `TryAgainLater` and
        `GiveUp`.
        """

    @abstractmethod
    def submit_training(self, order: TrainingOrder) -> str:
        """Order a training and return its job id. Spends money; sends exactly one order.

        Raises `TryAgainLater` and `GiveUp` only if nothing was ordered for certain, else `Doubt`.
        """

    @abstractmethod
    def find_training(self, order: TrainingOrder) -> str | None:
        """Return the job id of an order that was sent, None if the service's list has no such job.

        None means "not accepted" only when it is said several times, until `listed_in` after
        `sent_at`. Raises `TryAgainLater` unless the list was complete and readable.
        """

    @abstractmethod
    def check_training(self, job_id: str) -> Outcome[TrainedLora]:
        """Ask how a training is doing: free, at any time. Raises `TryAgainLater`."""

    @abstractmethod
    def cancel_training(self, job_id: str) -> Cancelled:
        """End a training if it can still be ended; may be called again. Raises `TryAgainLater`."""

    @abstractmethod
    def submit_generation(self, order: GenerationOrder) -> str:
        """Order a batch of images and return its job id, with the care of `submit_training`."""

    @abstractmethod
    def find_generation(self, order: GenerationOrder, *, taken: Collection[str] = ()) -> str | None:
        """Return the job id of an order that was sent, or None, like `find_training`.

        `taken` are job ids that belong to other orders: two that ask for the very same images,
        seed and all, cannot be told apart.
        """

    @abstractmethod
    def check_generation(self, job_id: str) -> Outcome[list[RemoteImage]]:
        """Ask how a batch is doing; it may have fewer images than were ordered."""

    @abstractmethod
    def training_cost_cents(self, *, steps: int, ran_in: timedelta) -> Decimal:
        """Return about what trainings cost us, in US cents, not rounded.

        `steps` are those of trainings that succeeded, `ran_in` is for how long machines worked, for
        nothing included. In proportion to both, so that sums may be asked about. It is an estimate
        by the service's public prices; only its bill knows.
        """

    @abstractmethod
    def generation_cost_cents(self, *, images: int, megapixels: int) -> Decimal:
        """Return about what images cost us, in US cents, with the care of `training_cost_cents`.

        `megapixels` are those of all images, each image's rounded up.
        """

    @abstractmethod
    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the job id that a webhook speaks of; nothing else in it is to be believed.

        Raises `Unverified`, and `TryAgainLater` while there are no keys to check it with (answer
        503: the service sends it again).
        """
