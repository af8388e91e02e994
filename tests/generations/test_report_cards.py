"""Report cards: how they begin, that nobody else's business is touched, what they suggest."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from generations.images import GeneratedImage
from generations.models import Generation, ReportCard, allowance_of
from generations.report_cards import CardStatus
from generations.report_steps import PROMPTS, SEED, STRENGTHS, order
from loratrainer.jobs import StaleJob
from tests.factories import WEIGHTS, create_generation, create_image, create_training
from trainings.models import Training
from trainings.states import Kind

pytestmark = pytest.mark.django_db


@pytest.fixture
def report_cards(settings: Any) -> None:
    settings.REPORT_CARDS = True


def mirroring(**fields: Any) -> Training:
    return create_training(status="mirroring", **fields)


def complete(training: Training) -> None:
    """What the last step of a training does."""
    files = {name: WEIGHTS[name] for name in ("weights", "weights_size", "weights_sha256")}
    training.move("completed", due_in=None, completed_at=Now(), **files)


def ordered(lora: Training | None = None) -> ReportCard:
    """A card whose batches are written, but not yet sent anywhere."""
    lora = lora or create_training(status="completed")
    ReportCard.begin(lora.pk)
    card = ReportCard.objects.claim(lora.report_card.pk)
    assert card is not None
    order(card)
    return card


def end(batch: Generation, *, images: int = 1, **fields: Any) -> None:
    """Let a batch be over, with images that look kept, or failed."""
    Generation.objects.filter(pk=batch.pk).update(
        due_at=None,
        sent_at=Now(),
        status="completed" if images else "failed",
        job_id=f"job-{batch.pk}",
    )
    for number in range(1, images + 1):
        folder = {"file": f"images/{batch.pk.hex}/image.jpg"}
        GeneratedImage.objects.create(
            generation=batch,
            number=number,
            seed=SEED,
            width=1024,
            height=1024,
            size=1,
            thumbnails=f"images/{batch.pk.hex}",
            **(folder | fields),
        )


# --- How a card begins ----------------------------------------------------------------------------


def test_a_training_that_is_completed_gets_a_card(report_cards):
    training = mirroring()
    complete(training)
    card = ReportCard.objects.get()
    assert (card.training, card.status) == (training, CardStatus.ORDERING)
    assert list(ReportCard.objects.due()) == [card]
    assert card.deadline_at > card.due_at


def test_the_card_is_part_of_the_very_transaction_that_completes_the_training(report_cards):
    """A crash in between leaves neither, so that no card is ever lost and none is too much."""
    training = mirroring()
    with suppress(RuntimeError), transaction.atomic():
        complete(training)
        assert ReportCard.objects.exists()
        raise RuntimeError("The worker dies here")
    training.refresh_from_db()
    assert training.status == "mirroring"
    assert not ReportCard.objects.exists()


def test_a_bug_of_the_card_keeps_no_training_from_its_end(report_cards, monkeypatch, caplog):
    def broken(*args: Any, **options: Any) -> None:
        raise ValueError("A bug")

    monkeypatch.setattr(ReportCard, "begin", broken)
    training = mirroring()
    complete(training)
    training.refresh_from_db()
    assert training.status == "completed"
    assert "did not hear what happened" in caplog.text


def test_a_worker_that_comes_too_late_begins_no_card(report_cards):
    training = mirroring()
    late = Training.objects.get(pk=training.pk)
    training.fail("It took too long.")
    with pytest.raises(StaleJob):
        complete(late)
    assert not ReportCard.objects.exists()


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_training_that_ends_otherwise_gets_none(report_cards, status):
    mirroring().move(status, due_in=None)
    assert not ReportCard.objects.exists()


def test_without_the_setting_there_are_none(settings):
    settings.REPORT_CARDS = False
    complete(mirroring())
    assert not ReportCard.objects.exists()


def test_a_lora_has_one_card_whoever_rings_how_often(report_cards):
    lora = create_training(status="completed")
    assert ReportCard.begin(lora.pk) == ReportCard.begin(lora.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReportCard.objects.create(training=lora, due_at=Now())


# --- Its cells ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(Kind))
def test_every_prompt_is_ordered_at_every_strength_with_one_seed(kind):
    lora = create_training(status="completed", kind=kind, trigger_word="KILNGLZ")
    batches = list(ordered(lora).batches.all())
    assert {(batch.prompt, batch.scale) for batch in batches} == {
        (prompt, strength) for prompt in PROMPTS[kind] for strength in STRENGTHS
    }
    assert len(batches) == 12
    for batch in batches:
        assert (batch.seed, batch.images_asked, batch.wallet) == (SEED, 1, lora.wallet)
        assert batch.due_at is not None
        assert batch.deadline_at is not None
        where = "{} in the style of KILNGLZ" if kind == Kind.STYLE else "KILNGLZ, {}"
        assert batch.full_prompt == where.format(batch.prompt)


def test_what_is_ordered_can_be_ordered():
    """Each prompt is one that a person could type, and no two of a kind are alike."""
    assert set(PROMPTS) == set(Kind)
    for prompts in PROMPTS.values():
        assert len(set(prompts)) == 3


def test_no_strength_is_ordered_that_the_provider_does_not_have(monkeypatch):
    monkeypatch.setattr("providers.fal.FalFluxLora.largest_scale", 1.0)
    card = ordered()
    assert card.strengths == [0.8, 1.0]
    assert {batch.scale for batch in card.batches.all()} == {0.8, 1.0}


def test_two_workers_order_every_cell_once():
    """Both have read the card before either has written; the second finds that it was moved."""
    lora = create_training(status="completed")
    ReportCard.begin(lora.pk)
    first, second = (ReportCard.objects.get() for _worker in range(2))
    order(first)
    with pytest.raises(StaleJob):
        order(second)
    assert Generation.objects.count() == 12


def test_the_database_keeps_a_cell_from_being_ordered_twice():
    card = ordered()
    cell = card.batches.all()[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        create_generation(
            training=card.training,
            status="submitting",
            report_card=card,
            prompt=cell.prompt,
            scale=cell.scale,
        )
    for _twice in range(2):  # What people ask for may well be the same.
        create_generation(training=card.training, prompt=cell.prompt, scale=cell.scale)


# --- Whose business it is -------------------------------------------------------------------------


def test_a_card_takes_no_place_of_its_owners_allowance(settings):
    settings.GENERATIONS_PER_DAY = 1
    card = ordered()
    owner = card.training.wallet
    assert allowance_of(owner).left == 1
    assert not Generation.objects.counted().exists()
    batch = Generation.begin(owner, card.training, prompt="a jar")
    assert batch.is_counted
    assert allowance_of(owner).left == 0


def test_a_card_can_be_ordered_when_nothing_is_left_of_the_allowance(settings):
    settings.GENERATIONS_PER_DAY = 1
    lora = create_training(status="completed")
    Generation.begin(lora.wallet, lora, prompt="a jar")
    assert ordered(lora).batches.count() == 12


def test_its_images_are_counted_nowhere():
    card = ordered()
    batch = Generation.objects.get(pk=card.batches.all()[0].pk)
    batch.move("generating", job_id="job")
    batch.move("mirroring")
    batch.complete([GeneratedImage(generation=batch, number=1, seed=1, is_filtered=True)])
    shown = GeneratedImage(generation=batch, number=2, seed=1, file="images/a/image.jpg")
    shown.save()
    for change in (shown.hide, shown.show):
        change(by=card.training.wallet)
        assert Training.objects.get(pk=card.training_id).image_count == 0


def test_bringing_an_image_home_for_a_card_counts_nothing(monkeypatch):
    monkeypatch.setattr("generations.models.found_its_owner", lambda folder: None)
    card = ordered()
    lora = card.training
    for batch, count in (
        (card.batches.all()[0], 0),
        (create_generation(training=lora, status="generating"), 1),
    ):
        if batch.status == "submitting":
            batch.move("generating", job_id="job")
        image = GeneratedImage(
            generation=batch, number=1, seed=1, file="images/a/image.jpg", thumbnails="images/a"
        )
        batch.complete([image])
        assert Training.objects.get(pk=lora.pk).image_count == count


def test_its_batches_are_nobodys_wishes():
    card = ordered()
    for batch in card.batches.all():
        end(batch)
    owner = card.training.wallet
    assert not Generation.objects.wished().exists()
    assert not Generation.objects.visible_to(owner).exists()
    assert GeneratedImage.objects.visible_to(owner).count() == 12


# --- What it suggests -----------------------------------------------------------------------------


def test_its_suggestion_is_its_loras():
    card = ordered()
    card.complete(1.0)
    lora = Training.objects.get(pk=card.training_id)
    assert lora.recommended_strength == 1.0
    assert (card.status, card.is_over, card.due_at) == (CardStatus.COMPLETED, True, None)


def test_a_worker_that_comes_too_late_changes_no_suggestion():
    card = ordered()
    late = ReportCard.objects.get(pk=card.pk)
    card.complete(1.0)
    with pytest.raises(StaleJob):
        late.complete(2.0)
    assert Training.objects.get(pk=card.training_id).recommended_strength == 1.0


def test_a_card_that_is_over_has_no_step_to_come():
    card = ordered()
    card.complete(None)
    assert not ReportCard.objects.due().exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        ReportCard.objects.filter(pk=card.pk).update(status="drawing")


def test_what_a_person_asks_for_is_no_part_of_it():
    card = ordered()
    wish = create_generation(training=card.training, images=2)
    create_image(generation=wish, number=3)
    assert wish.report_card is None
    assert list(Generation.objects.wished()) == [wish]
