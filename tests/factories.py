"""Rows for tests: keyword-only, with good defaults, so that a test states only what it is about."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db.models.functions import Now

from datasets.models import Dataset, Picture
from generations.images import count_images
from generations.models import GeneratedImage, Generation
from generations.states import ENDED as BATCH_ENDED
from generations.states import Status as BatchStatus
from payments.models import Entry
from tests.errands.models import Errand
from trainings.attempts import Attempt
from trainings.models import Training
from trainings.states import ENDED, Status
from wallets.fields import parse_address
from wallets.models import Wallet

WEIGHTS: dict[str, Any] = {
    "weights": "loras/of-tests/weights.safetensors",
    "weights_size": 89_745_224,
    "weights_sha256": hashlib.sha256(b"weights").hexdigest(),
    "config": "loras/of-tests/config.json",
}


def create_errand(*, status: str = "walking", due: bool = True, **fields: Any) -> Errand:
    """An errand that is due now, unless told otherwise."""
    return Errand.objects.create(status=status, due_at=Now() if due else None, **fields)


def create_wallet(*, address: str = "", cents: int = 0) -> Wallet:
    """A wallet, with so many US cents on its balance."""
    wallet = Wallet.objects.create(address=parse_address(address or f"0x{uuid4().hex}00000000"))
    if cents:
        adjustment = Entry.Kind.ADJUSTMENT
        Entry.objects.create(wallet=wallet, kind=adjustment, cents=cents, cause=f"test:{uuid4()}")
    return wallet


def create_dataset(*, pictures: int = 4, kind: str = "draft", **fields: Any) -> Dataset:
    """A draft with chosen pictures; their files are not there."""
    dataset = Dataset.objects.create(kind=kind, **fields)
    for position in range(pictures):
        create_picture(dataset=dataset, position=position)
    return dataset


def create_picture(*, dataset: Dataset, position: int, **fields: Any) -> Picture:
    """A picture that looks kept."""
    folder = f"pictures/{uuid4().hex}"
    kept = {
        "original": f"{folder}/original.jpg",
        "thumbnails": folder,
        "sha256": hashlib.sha256(folder.encode()).hexdigest(),
        "size": 123_456,
        "width": 1024,
        "height": 1024,
        "sharpness": 100.0,
        "brightness": 120.0,
        "contrast": 50.0,
        "fingerprint": hashlib.sha256(folder.encode()).hexdigest(),
    }
    return Picture.objects.create(dataset=dataset, position=position, **(kept | fields))


def create_training(
    *,
    wallet: Wallet | None = None,
    status: str = Status.AWAITING_PAYMENT,
    pictures: int = 4,
    **fields: Any,
) -> Training:
    """A training in some status, by fal.ai; the weights of a completed one are no real file."""
    wallet = wallet or create_wallet()
    dataset = create_dataset(pictures=pictures, wallet=wallet)
    dataset.freeze()
    chosen: dict[str, Any] = {
        "name": "Glaze tests",
        "kind": "product",
        "trigger_word": "KILNGLZ",
        "provider": "fal",
        "price_cents": 400,
    }
    if status == Status.COMPLETED:
        chosen |= WEIGHTS | {"service": "fal.ai", "completed_at": Now()}
    if status not in ENDED:
        chosen |= {"due_at": Now()}
    training = Training.objects.create(
        wallet=wallet, dataset=dataset, status=status, **(chosen | fields)
    )
    training.refresh_from_db()
    return training


def end_attempt(
    training: Training,
    *,
    number: int = 1,
    status: str = "succeeded",
    took: timedelta = timedelta(minutes=10),
    **fields: Any,
) -> Attempt:
    """An order that a provider had taken, and that is over now, after such a time."""
    chosen: dict[str, Any] = {
        "provider": training.provider,
        "job_id": uuid4().hex,
        "sent_at": Now() - took,
        "ended_at": Now(),
    }
    return Attempt.objects.create(
        training=training, number=number, status=status, **(chosen | fields)
    )


def create_generation(
    *,
    training: Training | None = None,
    wallet: Wallet | None = None,
    status: str = BatchStatus.COMPLETED,
    images: int = 4,
    **fields: Any,
) -> Generation:
    """A batch of a LoRA, by its owner, with visible images if it is completed; no real files."""
    training = training or create_training(status=Status.COMPLETED)
    chosen: dict[str, Any] = {
        "prompt": "a moon jar",
        "full_prompt": f"{training.trigger_word}, a moon jar",
        "provider": training.provider,
        "sent_at": Now(),
        "job_id": uuid4().hex,
    }
    if status not in BATCH_ENDED:
        chosen |= {"due_at": Now()}
    if status == BatchStatus.COMPLETED:
        chosen |= {"completed_at": Now()}
    batch = Generation.objects.create(
        training=training, wallet=wallet or training.wallet, status=status, **(chosen | fields)
    )
    batch.refresh_from_db()
    if status == BatchStatus.COMPLETED:
        for number in range(1, images + 1):
            create_image(generation=batch, number=number)
    return batch


def create_image(*, generation: Generation, number: int, **fields: Any) -> GeneratedImage:
    """An image that looks kept, and is counted as one that others can see."""
    folder = f"images/{uuid4().hex}"
    kept: dict[str, Any] = {
        "file": f"{folder}/image.jpg",
        "thumbnails": folder,
        "width": 1024,
        "height": 1024,
        "size": 234_567,
        "sha256": hashlib.sha256(folder.encode()).hexdigest(),
        "seed": generation.seed,
    }
    image = GeneratedImage.objects.create(generation=generation, number=number, **(kept | fields))
    if not image.is_filtered and image.hidden_at is None:
        count_images(generation, 1)
    return image
