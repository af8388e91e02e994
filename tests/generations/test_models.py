"""Rules of batches, images and favourites."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from generations.models import Favourite, GeneratedImage, Generation, LimitReached
from generations.states import Status
from loratrainer.jobs import StaleJob
from tests.factories import create_generation, create_image, create_training, create_wallet
from trainings.models import Training

pytestmark = pytest.mark.django_db

STRANGER = AnonymousUser()


@pytest.fixture
def lora() -> Training:
    return create_training(status="completed")


def begin(lora: Training, **choices: Any) -> Generation:
    return Generation.begin(lora.wallet, lora, **({"prompt": "a moon jar"} | choices))


def test_a_batch_begins_with_the_defaults_and_is_due_at_once(lora: Training) -> None:
    batch = begin(lora, prompt=" a moon jar\r\n", seed=None)
    assert (batch.prompt, batch.full_prompt) == ("a moon jar", "KILNGLZ, a moon jar")
    assert (batch.scale, batch.width, batch.height) == (1.5, 1024, 1024)
    assert (batch.inference_steps, batch.guidance, batch.images_asked) == (28, 3.5, 4)
    assert (batch.image_format, batch.provider) == ("jpeg", "fal")
    assert (batch.status, batch.is_counted) == (Status.SUBMITTING, True)
    assert Generation.objects.due().get() == batch
    assert batch.deadline_at is not None


def test_two_batches_without_a_seed_have_one_of_their_own(lora: Training) -> None:
    assert begin(lora).seed != begin(lora).seed


def test_the_same_wish_again_is_the_same_batch(lora: Training) -> None:
    wish = uuid4()
    first = begin(lora, request_id=wish)
    again = begin(lora, request_id=wish, prompt="something else")
    assert (again.pk, again.prompt) == (first.pk, "a moon jar")
    assert Generation.objects.count() == 1
    stranger = create_wallet()
    assert Generation.begin(stranger, lora, prompt="x", request_id=wish).pk != first.pk


@pytest.mark.parametrize(
    ("choices", "field", "words"),
    [
        ({"prompt": " "}, "prompt", "Write what the images should show."),
        ({"prompt": "a" * 501}, "prompt", "501 characters. It may have 1 to 500."),
        ({"prompt": "a\0"}, "prompt", "such as NUL"),
        ({"scale": 4.1}, "scale", "a strength from 0 to 4"),
        ({"scale": -0.1}, "scale", "a strength from 0 to 4"),
        ({"scale": float("nan")}, "scale", "a strength from 0 to 4"),
        ({"scale": 3.3, "provider": "replicate"}, "scale", "a strength from 0 to 3"),
        ({"width": 511}, "width", "from 512 to 1,536 pixels, in steps of 16"),
        ({"width": 520}, "width", "from 512 to 1,536 pixels, in steps of 16"),
        ({"height": 1552}, "height", "from 512 to 1,536 pixels, in steps of 16"),
        ({"inference_steps": 0}, "inference_steps", "1 to 50"),
        ({"inference_steps": 51}, "inference_steps", "1 to 50"),
        ({"guidance": 10.5}, "guidance", "from 0 to 10"),
        ({"seed": -1}, "seed", "from 0 to 2,147,483,647"),
        ({"seed": 2**31}, "seed", "from 0 to 2,147,483,647"),
        ({"images_asked": 0}, "images_asked", "1 to 4 images"),
        ({"images_asked": 5}, "images_asked", "1 to 4 images"),
        ({"image_format": "gif"}, "image_format", "JPEG or PNG"),
        ({"provider": "nobody"}, "provider", "Nobody of this name"),
    ],
)
def test_what_is_out_of_range_is_refused_with_the_range(
    choices: dict[str, Any], field: str, words: str, lora: Training
) -> None:
    with pytest.raises(ValidationError) as refusal:
        begin(lora, **choices)
    [(named, [message])] = refusal.value.message_dict.items()
    assert named == field
    assert words in message
    assert not Generation.objects.exists()


def test_the_edges_of_every_range_are_in_it(lora: Training) -> None:
    low = {"scale": 0, "width": 512, "height": 512, "inference_steps": 1, "guidance": 0}
    begin(lora, **low, seed=0, images_asked=1)
    high = {"scale": 4, "width": 1536, "height": 1536, "inference_steps": 50, "guidance": 10}
    begin(lora, **high, seed=2**31 - 1, images_asked=4, prompt="a" * 500)


def test_a_lora_of_a_provider_that_is_gone_is_drawn_by_another(lora: Training) -> None:
    Training.objects.update(provider="gone")
    lora.refresh_from_db()
    assert begin(lora).provider == "fal"


def test_a_batch_with_an_order_has_its_id_and_no_two_have_the_same(lora: Training) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        create_generation(training=lora, status=Status.GENERATING, job_id="")
    create_generation(training=lora, status=Status.GENERATING, job_id="job-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        create_generation(training=lora, status=Status.GENERATING, job_id="job-1")


@pytest.mark.parametrize(
    ("sent_ago", "answers"),
    [
        (timedelta(minutes=31), [False, False, True]),
        (timedelta(minutes=29), [False, False, False, False]),
    ],
)
def test_an_order_never_arrived_after_three_look_ups_and_the_time_that_a_list_may_lag(
    sent_ago: timedelta, answers: list[bool], lora: Training
) -> None:
    batch = create_generation(
        training=lora, status=Status.SUBMITTING, job_id="", sent_at=Now() - sent_ago
    )
    assert [batch.deny(timedelta(minutes=30)) for _ in answers] == answers


def test_completing_keeps_rows_count_and_status_together_and_a_late_worker_changes_nothing(
    lora: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = create_generation(training=lora, status=Status.MIRRORING)
    late = Generation.objects.get()
    images = [
        GeneratedImage(generation=batch, number=1, seed=1, is_filtered=True),
        GeneratedImage(generation=batch, number=2, seed=1, file="images/a/image.jpg"),
    ]
    monkeypatch.setattr("generations.models.found_its_owner", lambda folder: None)
    batch.complete(images, "The safety checker held 1 image back.")
    assert (batch.status, batch.due_at) == (Status.COMPLETED, None)
    batch.refresh_from_db()
    assert batch.note == "The safety checker held 1 image back."
    assert batch.completed_at is not None
    with pytest.raises(StaleJob):
        late.complete([GeneratedImage(generation=batch, number=3, seed=1, file="b")])
    assert (batch.images.count(), counted(lora)) == (2, 1)


def counted(lora: Training) -> int:
    lora.refresh_from_db()
    return lora.image_count


def test_hiding_and_showing_an_image_counts_once_however_often_it_is_asked(lora: Training) -> None:
    batch = create_generation(training=lora, images=2)
    image, stale = batch.images.get(number=1), batch.images.get(number=1)
    image.hide(by=lora.wallet)
    stale.hide(by=lora.wallet)
    assert image.hidden_at is not None
    assert stale.hidden_at == image.hidden_at
    assert counted(lora) == 1
    stale.show(by=lora.wallet)
    image.show(by=lora.wallet)
    assert (image.hidden_at, counted(lora)) == (None, 2)


def test_a_filtered_image_can_neither_be_hidden_nor_shown_nor_counted(lora: Training) -> None:
    batch = create_generation(training=lora, images=1)
    image = create_image(
        generation=batch, number=2, is_filtered=True, file="", thumbnails="", sha256=""
    )
    image.hide(by=lora.wallet)
    image.show(by=lora.wallet)
    assert (image.hidden_at, counted(lora)) == (None, 1)
    assert list(GeneratedImage.objects.visible_to(lora.wallet)) == [batch.images.get(number=1)]


def seen_by(user: Any) -> tuple[bool, bool]:
    """Whether the one batch, and its first image, can be seen."""
    batch = Generation.objects.visible_to(user).exists()
    return batch, GeneratedImage.objects.visible_to(user).filter(number=1).exists()


def test_everybody_sees_the_images_of_a_public_lora(lora: Training) -> None:
    create_generation(training=lora, wallet=create_wallet())
    assert seen_by(STRANGER) == seen_by(create_wallet()) == seen_by(lora.wallet) == (True, True)


@pytest.mark.parametrize("status", [Status.SUBMITTING, Status.MIRRORING, Status.FAILED])
def test_a_batch_that_is_not_completed_is_not_on_show(status: Status, lora: Training) -> None:
    batch = create_generation(training=lora, status=status)
    create_image(generation=batch, number=1)
    assert seen_by(STRANGER) == seen_by(lora.wallet) == (False, False)


@pytest.mark.parametrize(
    ("change", "owner", "maker", "admin"),
    [
        ({"is_private": True}, True, False, False),
        ({"hidden_at": Now()}, True, False, True),
        ({"deleted_at": Now()}, False, False, False),
    ],
)
def test_the_images_of_a_lora_are_hidden_with_it(
    change: dict[str, Any], owner: bool, maker: bool, admin: bool, lora: Training, settings: Any
) -> None:
    one, other = create_wallet(), create_wallet()
    settings.ADMIN_WALLETS = [other.address]
    create_generation(training=lora, wallet=one)
    Training.objects.update(**change)
    assert seen_by(STRANGER) == (False, False)
    assert seen_by(lora.wallet) == (owner, owner)
    assert seen_by(one) == (maker, maker)
    assert seen_by(other) == (admin, admin)


def test_a_hidden_image_is_seen_only_by_those_who_can_show_it_again(
    lora: Training, settings: Any
) -> None:
    maker, admin, stranger = create_wallet(), create_wallet(), create_wallet()
    settings.ADMIN_WALLETS = [admin.address]
    batch = create_generation(training=lora, wallet=maker, images=2)
    batch.images.get(number=1).hide(by=maker)
    assert seen_by(STRANGER) == seen_by(stranger) == (True, False)
    assert seen_by(maker) == seen_by(lora.wallet) == seen_by(admin) == (True, True)
    batch.images.get(number=2).hide(by=lora.wallet)
    assert seen_by(STRANGER) == seen_by(stranger) == (False, False)
    assert seen_by(maker) == seen_by(lora.wallet) == seen_by(admin) == (True, True)


def test_an_image_is_somebodys_favourite_once(lora: Training) -> None:
    image = create_generation(training=lora).images.get(number=1)
    Favourite.objects.create(wallet=lora.wallet, image=image)
    Favourite.objects.create(wallet=create_wallet(), image=image)
    with pytest.raises(IntegrityError), transaction.atomic():
        Favourite.objects.create(wallet=lora.wallet, image=image)


def test_a_limit_says_when_the_next_place_comes_free(lora: Training, settings: Any) -> None:
    settings.GENERATIONS_PER_DAY = 1
    first = begin(lora)
    with pytest.raises(LimitReached) as limit:
        begin(lora)
    assert (limit.value.free_at - first.created_at).total_seconds() == 24 * 3600
