"""What a worker does for a report card: on the sandbox, and on images made for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from PIL import Image

from datasets import storage
from generations import report_steps
from generations.models import Generation, ReportCard
from generations.report_cards import CardStatus
from generations.report_steps import STRENGTHS
from loratrainer.jobs import StaleJob
from loratrainer.outcomes import TryAgainLater
from loratrainer.tasks import sweep
from tests.gallery.exhibits import file_of, keep
from tests.generations import test_steps as batches
from tests.generations.test_likeness import clipped, good, noisy, washed_out
from tests.generations.test_report_cards import end, ordered
from tests.sandbox_process import SandboxProcess
from tests.world import sandbox, sandbox_process, site
from trainings.models import Training

__all__ = ["sandbox", "sandbox_process", "site"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

MAKERS = dict(zip(STRENGTHS, (washed_out, good, clipped, noisy), strict=True))


def step(card: ReportCard) -> ReportCard:
    """Let a worker run one step, whether it is due or not."""
    ReportCard.objects.filter(pk=card.pk, due_at__isnull=False).update(due_at=Now())
    job = ReportCard.objects.claim(card.pk)
    assert job is not None, f"{card.status} cannot be claimed"
    job.advance()
    return ReportCard.objects.select_related("training").get(pk=card.pk)


def keep_pictures(lora: Training) -> None:
    """Write the training pictures' small versions."""
    for picture in lora.dataset.pictures.all():
        keep_small(picture.thumbnails, good(picture.position))


def keep_small(folder: str, image: Image.Image) -> None:
    keep(f"{folder}/640.webp", file_of(image, "webp"))


def drawn(
    makers: dict[float, Callable[[int], Image.Image]] = MAKERS, *, without: tuple[float, ...] = ()
) -> ReportCard:
    """A card whose cells are over: with an image by these makers, or failed."""
    card = ordered()
    keep_pictures(card.training)
    for number, batch in enumerate(card.batches.all()):
        end(batch, images=0 if batch.scale in without else 1)
        if batch.scale not in without:
            keep_small(f"images/{batch.pk.hex}", makers[batch.scale](20 + number))
    return card


def suggestion(card: ReportCard) -> float | None:
    return Training.objects.get(pk=card.training_id).recommended_strength


# --- On the sandbox -------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["fal", "replicate"])
@pytest.mark.usefixtures("site")
def test_from_the_training_to_the_suggestion(
    provider: str, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_steps, "PROMPTS", {"product": ["a jar", "a vase"]})
    monkeypatch.setattr(report_steps, "STRENGTHS", (0.8, 1.5))
    lora = batches.create_lora(provider=provider)
    keep_pictures(lora)
    card = step(ReportCard.begin(lora.pk))
    assert (card.status, card.prompts, card.strengths) == (
        "drawing",
        ["a jar", "a vase"],
        [0.8, 1.5],
    )
    for batch in card.batches.all():
        batches.drive(batch, batches.over)
    card = step(card)
    assert card.status == CardStatus.COMPLETED, card.error
    assert [line["to"] for line in card.history] == ["drawing", "completed"]
    assert {batch.status for batch in card.batches.all()} == {"completed"}
    for batch in card.batches.all():
        [order] = batches.orders(sandbox, batch)
        assert f"KILNGLZ, {batch.prompt}" in str(order)
        assert str(batch.scale) in str(order)
        [image] = batch.images.all()
        assert default_storage.exists(f"{image.thumbnails}/640.webp")
    lora.refresh_from_db()
    assert lora.image_count == 0
    assert batches.left(batch) == 8
    # What was drawn can be measured; what is suggested depends on the sandbox's art.
    assert all(len(report_steps.looks(report_steps.images_of(card, at))) == 2 for at in (0.8, 1.5))
    assert lora.recommended_strength in {0.8, 1.5, None}


@pytest.mark.usefixtures("site")
def test_an_order_in_doubt_is_found_and_not_given_again(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells differ in nothing but the strength, and are told apart in the provider's list."""
    monkeypatch.setattr(report_steps, "PROMPTS", {"product": ["a jar"]})
    monkeypatch.setattr(report_steps, "STRENGTHS", (0.8, 1.5))
    card = step(ReportCard.begin(batches.create_lora().pk))
    where = {"method": "POST", "path": batches.SUBMITS["fal"]}
    sandbox.script({"match": where, "do": "accept_then_reset", "times": 2})
    for batch in card.batches.all():
        done = batches.drive(batch, batches.over)
        assert done.status == "completed", done.error
        assert len(batches.orders(sandbox, batch)) == 1


@pytest.mark.usefixtures("site")
def test_a_lora_that_is_deleted_meanwhile_costs_no_images_more(sandbox: SandboxProcess) -> None:
    lora = batches.create_lora()
    card = step(ReportCard.begin(lora.pk))
    lora.remove()
    before = len(sandbox.journal())
    for batch in card.batches.all():
        batches.step(batch)
    assert len(sandbox.journal()) == before
    assert step(card).status == CardStatus.COMPLETED
    assert suggestion(card) is None


# --- Waiting, and what came out -------------------------------------------------------------------


def test_it_waits_for_the_last_cell_however_that_ends() -> None:
    card = drawn()
    last = card.batches.all()[0]
    Generation.objects.filter(pk=last.pk).update(status="generating", due_at=Now())
    card = step(card)
    assert (card.status, card.note) == ("drawing", "11 of 12 images are done.")
    assert card.due_at is not None
    Generation.objects.filter(pk=last.pk).update(status="failed", due_at=None)
    card = step(card)
    assert card.status == CardStatus.COMPLETED


def test_what_looks_most_like_the_pictures_without_burning_out_is_suggested() -> None:
    card = step(drawn())
    assert (card.status, suggestion(card)) == (CardStatus.COMPLETED, 1.0)


def test_a_strength_of_which_nothing_came_is_not_suggested() -> None:
    card = step(drawn(without=(1.0,)))
    assert (card.status, suggestion(card)) == (CardStatus.COMPLETED, 0.8)


def test_a_card_of_which_nothing_came_is_over_without_a_suggestion() -> None:
    card = step(drawn(without=STRENGTHS))
    assert (card.status, suggestion(card)) == (CardStatus.COMPLETED, None)


def test_images_that_the_safety_checker_held_back_are_not_looked_at() -> None:
    card = drawn()
    for batch in card.batches.filter(scale=1.0):
        batch.images.update(is_filtered=True, file="")
    assert suggestion(step(card)) == 0.8


def test_files_that_are_gone_or_damaged_are_left_out() -> None:
    card = drawn()
    gone, broken, *_others = card.batches.filter(scale=0.8)
    default_storage.delete(f"images/{gone.pk.hex}/640.webp")
    default_storage.delete(f"images/{broken.pk.hex}/640.webp")
    keep(f"images/{broken.pk.hex}/640.webp", b"RIFF not at all WEBP")
    assert len(report_steps.looks(report_steps.images_of(card, 0.8))) == 1
    assert suggestion(step(card)) == 1.0


def test_only_the_kind_of_file_that_we_write_is_opened() -> None:
    card = drawn()
    [batch, *_others] = card.batches.filter(scale=1.0)
    default_storage.delete(f"images/{batch.pk.hex}/640.webp")
    keep(f"images/{batch.pk.hex}/640.webp", file_of(good(1), "png"))
    assert len(report_steps.looks(report_steps.images_of(card, 1.0))) == 2


def test_while_the_storage_is_away_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    card = drawn()

    def away(name: str) -> Any:
        raise TryAgainLater("Our storage did not answer.")

    monkeypatch.setattr(storage, "read", away)
    card = step(card)
    assert (card.status, card.note) == ("drawing", "Our storage did not answer.")
    monkeypatch.undo()
    assert step(card).status == CardStatus.COMPLETED


def test_past_its_deadline_it_is_over_in_words() -> None:
    card = ordered()
    ReportCard.objects.filter(pk=card.pk).update(deadline_at=Now())
    card = step(card)
    assert (card.status, card.error) == (CardStatus.FAILED, "It took too long, so we stopped.")
    assert suggestion(card) is None


def test_two_workers_that_look_at_once_suggest_once() -> None:
    card = drawn()
    first, second = (ReportCard.objects.get(pk=card.pk) for _worker in range(2))
    report_steps.look(first)
    Training.objects.filter(pk=card.training_id).update(recommended_strength=None)
    with pytest.raises(StaleJob):
        report_steps.look(second)
    assert suggestion(card) is None


def test_the_sweep_finds_a_card_whose_message_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    card = ordered()
    rung: list[tuple[str, str]] = []
    monkeypatch.setattr("loratrainer.tasks._ring", lambda *job: rung.append(job))
    ReportCard.objects.filter(pk=card.pk).update(due_at=Now(), lease_ends_at=None)
    sweep()
    assert ("generations.ReportCard", str(card.pk)) in rung
