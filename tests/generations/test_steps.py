"""What a worker does for a batch: on the sandbox, through the real SDKs, with real files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy
import pytest
import safetensors.numpy
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from django.test import Client

from generations import steps
from generations.models import Addition, Generation, allowance_of
from generations.states import Status
from loratrainer.outcomes import TryAgainLater
from providers import get_provider
from providers.base import Doubt, GenerationOrder
from tests.factories import create_generation, create_training
from tests.sandbox_process import SandboxProcess
from tests.world import sandbox, sandbox_process, site
from trainings.models import Training
from wallets.models import Wallet

__all__ = ["sandbox", "sandbox_process", "site"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site")]

SUBMITS = {
    "fal": "/fal/queue/fal-ai/flux-lora",
    "replicate": "/replicate/v1/models/black-forest-labs/flux-dev-lora/predictions",
}
SMALL = {"width": 512, "height": 512}
"""In pixels: what the sandbox draws quickly."""


def create_lora(wallet: Wallet | None = None, **fields: Any) -> Training:
    """A completed training whose weights are a real file."""
    content = safetensors.numpy.save({"lora_down": numpy.zeros((4, 4), numpy.float16)})
    lora = create_training(wallet=wallet, status="completed", **fields)
    name = default_storage.save(f"loras/{lora.pk}/1/weights.safetensors", ContentFile(content))
    Training.objects.filter(pk=lora.pk).update(
        weights=name, weights_size=len(content), weights_sha256=hashlib.sha256(content).hexdigest()
    )
    lora.refresh_from_db()
    return lora


def begin(lora: Training | None = None, **choices: Any) -> Generation:
    lora = lora or create_lora()
    return Generation.begin(lora.wallet, lora, **({"prompt": "a moon jar"} | SMALL | choices))


def step(batch: Generation) -> Generation:
    """Let a worker run one step, whether it is due or not."""
    Generation.objects.filter(pk=batch.pk, due_at__isnull=False).update(due_at=Now())
    job = Generation.objects.claim(batch.pk)
    assert job is not None, f"{batch.status} cannot be claimed"
    job.advance()
    batch.refresh_from_db()
    return batch


def drive(batch: Generation, until: Callable[[Generation], object], steps: int = 300) -> Generation:
    for _ in range(steps):
        if until(batch):
            return batch
        step(batch)
    raise AssertionError(f"still {batch.status}: {batch.note}")


def over(batch: Generation) -> bool:
    return batch.is_over


def orders(sandbox: SandboxProcess, batch: Generation) -> list[dict[str, Any]]:
    """What the sandbox accepted for this batch: an independent witness."""
    return [entry for entry in sandbox.journal() if batch.token in str(entry)]


def left(batch: Generation) -> int:
    return allowance_of(batch.wallet).left


@pytest.mark.parametrize("provider", ["fal", "replicate"])
def test_a_batch_ends_with_its_images_in_our_storage(
    provider: str, sandbox: SandboxProcess
) -> None:
    batch = drive(begin(provider=provider, image_format="png"), over)
    assert (batch.status, batch.error, batch.note) == (Status.COMPLETED, "", "")
    images = list(batch.images.all())
    assert [image.number for image in images] == [1, 2, 3, 4]
    for image in images:
        with default_storage.open(image.file) as file:
            content = file.read()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (image.size, image.sha256)
        assert (image.width, image.height) == (512, 512)
        assert image.seed == batch.seed
        assert image.placeholder.startswith("data:image/webp;base64,")
        for name in ("320.avif", "320.webp", "640.avif", "640.webp"):
            assert default_storage.exists(f"{image.thumbnails}/{name}")
    [order] = orders(sandbox, batch)
    assert "KILNGLZ, a moon jar" in str(order)
    batch.training.refresh_from_db()
    assert batch.training.image_count == 4
    assert left(batch) == 7
    assert [line["to"] for line in batch.history] == ["generating", "mirroring", "completed"]


@pytest.mark.parametrize(("provider", "added"), [("fal", 4), ("replicate", 1)])
def test_a_batch_of_several_loras_reads_them_all_and_is_found_by_all_of_them(
    provider: str, added: int, sandbox: SandboxProcess, client: Client
) -> None:
    lora = create_lora()
    others = [create_lora(lora.wallet, trigger_word=f"MORE{n}") for n in range(added)]
    additions = [Addition(other, 0.5 + place) for place, other in enumerate(others)]
    rule = {"match": {"method": "POST", "path": SUBMITS[provider]}, "do": "accept_then_500"}
    sandbox.script(rule)
    batch = step(begin(lora, additions=additions, provider=provider))
    assert (batch.status, batch.job_id) == (Status.SUBMITTING, "")
    paths = [
        url.removeprefix(settings.SITE_URL)
        for url in batch.added_loras.values_list("weights_url", flat=True)
    ]
    assert [client.get(path).status_code for path in paths] == [302] * added
    drive(batch, over)
    assert (batch.status, batch.images.count()) == (Status.COMPLETED, 4)
    [order] = orders(sandbox, batch)
    for path, addition in zip(paths, additions, strict=True):
        assert path in str(order)
        assert f"': {addition.scale}" in str(order)
    assert client.get(paths[0]).status_code == 404
    lora.refresh_from_db()
    assert lora.image_count == 4


def test_one_added_lora_that_was_removed_meanwhile_ends_it_before_it_is_ordered(
    sandbox: SandboxProcess,
) -> None:
    lora, other = create_lora(), create_lora(trigger_word="OTHER")
    batch = begin(lora, additions=[Addition(other)])
    Training.objects.filter(pk=other.pk).update(is_private=True)
    step(batch)
    assert (batch.status, batch.error) == (Status.FAILED, "This LoRA is not there any more.")
    assert (left(batch), orders(sandbox, batch)) == (8, [])


def test_a_wish_that_is_over_has_no_address_for_its_weights_any_more(
    sandbox: SandboxProcess, client: Client
) -> None:
    batch = drive(begin(images_asked=1), lambda batch: batch.status == Status.GENERATING)
    path = batch.weights_url.removeprefix(settings.SITE_URL)
    assert path.endswith(".safetensors")
    assert client.get(path).status_code == 302
    assert client.get(path.replace(batch.token, "guessed")).status_code == 404
    assert client.get(path.replace("KILNGLZ", "OTHER")).status_code == 404
    drive(batch, over)
    assert client.get(path).status_code == 404


def test_a_private_lora_is_read_by_the_provider_and_by_nobody_else(
    sandbox: SandboxProcess,
) -> None:
    batch = drive(begin(create_lora(is_private=True), images_asked=1), over)
    assert batch.status == Status.COMPLETED, batch.error


@pytest.mark.parametrize("provider", ["fal", "replicate"])
@pytest.mark.parametrize("fault", ["accept_then_500", "accept_then_reset", "garbage"])
def test_an_order_that_was_accepted_without_an_answer_is_found_and_not_sent_again(
    provider: str, fault: str, sandbox: SandboxProcess
) -> None:
    sandbox.script({"match": {"method": "POST", "path": SUBMITS[provider]}, "do": fault})
    batch = drive(begin(provider=provider, images_asked=1), over)
    assert batch.status == Status.COMPLETED, batch.error
    assert len(orders(sandbox, batch)) == 1
    assert left(batch) == 7


def test_a_worker_that_dies_between_order_and_commit_leaves_an_order_that_is_found(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(batch: Generation, job_id: str) -> None:
        raise KeyboardInterrupt

    batch = begin(images_asked=1)
    monkeypatch.setattr(steps, "adopt", die)
    with pytest.raises(KeyboardInterrupt):
        step(batch)
    monkeypatch.undo()
    Generation.objects.update(lease_ends_at=Now() - timedelta(seconds=1))
    drive(batch, over)
    assert batch.status == Status.COMPLETED
    assert len(orders(sandbox, batch)) == 1


def test_what_a_signed_webhook_named_is_adopted_without_a_look_at_the_list(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    fal = get_provider("fal")
    batch = begin(images_asked=1)
    real = fal.submit_generation
    ids = []

    def lose_the_answer(order: GenerationOrder) -> str:
        ids.append(real(order))
        raise Doubt("lost")

    monkeypatch.setattr(fal, "submit_generation", lose_the_answer)
    monkeypatch.setattr(fal, "find_generation", forbidden)
    step(batch)
    assert batch.note == "We are finding out whether the order has arrived."
    batch.hear(ids[0])
    assert step(batch).job_id == ids[0]


def forbidden(*args: Any, **options: Any) -> Any:
    raise AssertionError("not to be asked")


def test_two_batches_in_doubt_that_ask_for_the_very_same_find_one_order_each(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A site that cannot be reached gives both the address of the same upload.
    monkeypatch.setattr(steps, "weights_url", lambda batch, lora, provider: steps.settings.SITE_URL)
    sandbox.script(
        {"match": {"method": "POST", "path": SUBMITS["fal"]}, "do": "accept_then_500", "times": 2}
    )
    lora = create_lora()
    first, second = (begin(lora, seed=7, images_asked=1) for _ in range(2))
    step(first), step(second)
    for batch in (first, second):
        drive(batch, lambda batch: batch.job_id)
    assert first.job_id != second.job_id
    assert {order["request_id"] for order in sandbox.journal()[-2:]} == {
        first.job_id,
        second.job_id,
    }


def test_a_job_that_another_batch_has_found_is_not_adopted_a_second_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lora = create_lora()
    create_generation(training=lora, status=Status.GENERATING, seed=7, job_id="job-1")
    create_generation(training=lora, status=Status.GENERATING, seed=8, job_id="job-2")
    doubtful = create_generation(
        training=lora, status=Status.SUBMITTING, seed=7, job_id="", told_job_id="job-1"
    )
    asked = []

    def find(order: GenerationOrder, *, taken: set[str]) -> str:
        asked.append(taken)
        return "job-3"

    monkeypatch.setattr(get_provider("fal"), "find_generation", find)
    assert step(doubtful).job_id == "job-3"
    assert asked == [{"job-1"}]


def test_an_order_that_never_arrived_is_not_sent_again_and_its_place_comes_back(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_provider("fal"), "listed_in", timedelta(seconds=1))
    sandbox.script({"match": {"method": "POST", "path": SUBMITS["fal"]}, "do": "reset"})
    batch = step(begin())
    looked = 0
    while not batch.is_over:
        assert left(batch) == 7
        step(batch)
        looked += 1
        assert looked < 300
    assert looked >= 3
    assert (batch.status, batch.is_counted, left(batch)) == (Status.FAILED, False, 8)
    assert batch.error.startswith("The order never arrived")
    assert orders(sandbox, batch) == []


def test_a_provider_that_refuses_is_quoted_and_the_place_comes_back(
    sandbox: SandboxProcess,
) -> None:
    detail = [{"loc": ["body", "prompt"], "msg": "Not this prompt", "type": "value_error"}]
    sandbox.script(
        {
            "match": {"method": "POST", "path": SUBMITS["fal"]},
            "do": "status",
            "status": 422,
            "body": {"detail": detail},
        }
    )
    batch = drive(begin(), over)
    assert (batch.status, left(batch)) == (Status.FAILED, 8)
    assert "Not this prompt" in batch.error
    assert orders(sandbox, batch) == []


def test_a_provider_that_fails_after_it_has_accepted_is_quoted_and_the_place_is_used(
    sandbox: SandboxProcess,
) -> None:
    sandbox.script({"match": {"method": "POST", "path": SUBMITS["fal"]}, "do": "fail"})
    batch = drive(begin(), over)
    assert (batch.status, left(batch)) == (Status.FAILED, 7)
    assert "The trainer broke" in batch.error
    assert not batch.images.exists()


def test_a_provider_that_cannot_be_reached_is_asked_again_and_the_deadline_gives_the_place_back(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(order: GenerationOrder) -> str:
        raise TryAgainLater("fal.ai cannot be reached.")

    monkeypatch.setattr(get_provider("fal"), "submit_generation", unreachable)
    batch = step(begin())
    assert (batch.status, batch.sent_at) == (Status.SUBMITTING, None)
    Generation.objects.update(deadline_at=Now())
    step(batch)
    assert (batch.status, batch.error) == (Status.FAILED, "fal.ai cannot be reached.")
    assert left(batch) == 8


def test_a_doubt_that_outlives_the_deadline_keeps_the_place(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.script({"match": {"method": "POST", "path": SUBMITS["fal"]}, "do": "accept_then_500"})
    batch = step(begin())
    Generation.objects.update(deadline_at=Now())
    step(batch)
    assert (batch.status, left(batch)) == (Status.FAILED, 7)


def test_drawing_that_never_ends_fails_in_words_and_the_place_is_used(
    sandbox: SandboxProcess,
) -> None:
    sandbox.script({"match": {"method": "POST", "path": SUBMITS["fal"]}, "do": "never_finish"})
    batch = drive(begin(), lambda batch: batch.status == Status.GENERATING)
    step(batch)
    Generation.objects.update(deadline_at=Now())
    step(batch)
    assert (batch.status, left(batch)) == (Status.FAILED, 7)
    assert batch.error


def test_a_lora_that_was_removed_meanwhile_is_not_drawn_with(sandbox: SandboxProcess) -> None:
    batch = begin()
    Training.objects.update(deleted_at=Now())
    step(batch)
    assert (batch.status, batch.error) == (Status.FAILED, "This LoRA is not there any more.")
    assert (left(batch), orders(sandbox, batch)) == (8, [])


@pytest.mark.parametrize("provider", ["fal", "replicate"])
def test_what_the_safety_checker_held_back_is_said_and_not_kept(
    provider: str, sandbox: SandboxProcess
) -> None:
    batch = drive(begin(prompt="nsfw", provider=provider, images_asked=2), over)
    if provider == "fal":
        assert batch.status == Status.COMPLETED
        assert batch.note == "The safety checker held 2 images back."
        assert [(image.is_filtered, image.file) for image in batch.images.all()] == [(True, "")] * 2
    else:
        assert (batch.status, batch.error) == (
            Status.FAILED,
            "The safety checker held all images back.",
        )
    batch.training.refresh_from_db()
    assert (batch.training.image_count, left(batch)) == (0, 7)
    assert not Generation.objects.visible_to(batch.wallet).exists()


def test_a_site_that_a_real_provider_cannot_reach_gives_it_a_copy_that_serves_for_a_while(
    sandbox: SandboxProcess, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"fal": [".fal.media"]}
    uploads = []

    def upload(path: Path) -> str:
        uploads.append(path.read_bytes())
        return f"https://v3.fal.media/{len(uploads)}.safetensors"

    monkeypatch.setattr(get_provider("fal"), "upload_archive", upload)
    lora = create_lora()
    first, second = step(begin(lora)), step(begin(lora))
    with default_storage.open(lora.weights) as file:
        assert uploads == [file.read()]
    assert first.weights_url == second.weights_url == "https://v3.fal.media/1.safetensors"
    other = create_lora(trigger_word="OTHER")
    mix = step(begin(other, additions=[Addition(lora)]))
    assert mix.added_loras.get().weights_url == first.weights_url
    assert mix.weights_url == "https://v3.fal.media/2.safetensors"
    assert step(begin(other)).weights_url == mix.weights_url
    assert len(uploads) == 2
    # As old as its first use, wherever it was used since.
    Generation.objects.filter(pk=first.pk).update(sent_at=Now() - steps.UPLOAD_USED_IN)
    assert step(begin(lora)).weights_url == "https://v3.fal.media/3.safetensors"
    Generation.objects.update(sent_at=Now() - steps.UPLOAD_USED_IN)
    assert step(begin(lora)).weights_url == "https://v3.fal.media/4.safetensors"
    assert "webhook" not in str(sandbox.journal()[-1]["webhook_url"] or "")
