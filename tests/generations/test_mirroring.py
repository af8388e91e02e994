"""Images on their way home: what is kept of them, and what happens when they do not come."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from PIL import Image, ImageChops, ImageStat

from datasets import archives
from datasets.models import TemporaryFolder
from generations import mirroring
from generations.images import GeneratedImage
from generations.models import Generation
from generations.states import Status
from tests.generations.test_steps import begin, drive, left, over, step
from tests.sandbox_process import SandboxProcess
from tests.world import sandbox, sandbox_process, site

__all__ = ["sandbox", "sandbox_process", "site"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site")]

IMAGES = "/fal/files/*image_*"
"""Where the sandbox keeps what it has drawn for fal."""
USER_COMMENT = 0x9286
MARK = b"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def opened(name: str) -> Image.Image:
    with default_storage.open(name) as file:
        return Image.open(io.BytesIO(file.read()))


def comment(image: Image.Image) -> str:
    """What a tool reads from a JPEG as A1111 writes it."""
    written = image.getexif().get_ifd(0x8769)[USER_COMMENT]
    assert written.startswith(b"UNICODE\0")
    return str(written.removeprefix(b"UNICODE\0").decode("utf-16-be"))


def test_a_jpeg_tells_how_it_was_made_and_that_no_camera_made_it(sandbox: SandboxProcess) -> None:
    batch = drive(begin(prompt="a moon jar, груша 🏺", images_asked=2, seed=42, scale=2.5), over)
    image = batch.images.get(number=2)
    file = opened(image.file)
    assert (file.format, file.size) == ("JPEG", (512, 512))
    lora = f"KILNGLZ-flux-lora-{batch.training_id.hex[:8]}"
    assert comment(file) == (
        f"KILNGLZ, a moon jar, груша 🏺 <lora:{lora}:2.5>\n"
        "Steps: 28, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 42, Size: 512x512, "
        "Model: flux1-dev, Batch size: 2, Batch pos: 1, Version: LoRA Trainer"
    )
    assert MARK in file.info["xmp"]
    for name in ("320.avif", "320.webp", "640.avif", "640.webp"):
        small = opened(f"{image.thumbnails}/{name}")
        assert max(small.size) == min(512, int(name.partition(".")[0]))
        assert MARK in small.info["xmp"]


def test_a_png_tells_it_too_and_names_the_tensors_of_its_lora(sandbox: SandboxProcess) -> None:
    batch = begin(image_format="png", images_asked=1)
    batch.training.tensors_sha256 = "0123456789abcdef" * 4
    batch.training.save()
    image = drive(batch, over).images.get()
    file = opened(image.file)
    file.load()
    assert (file.format, image.file.endswith("/image.png")) == ("PNG", True)
    lora = f"KILNGLZ-flux-lora-{batch.training_id.hex[:8]}"
    assert f'Lora hashes: "{lora}: 0123456789ab"' in file.info["parameters"]
    assert MARK in file.info["xmp"]


def test_the_pixels_are_the_providers_and_its_metadata_is_gone(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = []
    real = mirroring.print_image

    def watched(source: bytes, **options: Any) -> Any:
        sources.append(source)
        return real(source, **options)

    monkeypatch.setattr(mirroring, "print_image", watched)
    image = drive(begin(images_asked=1, seed=42), over).images.get()
    theirs, ours = Image.open(io.BytesIO(sources[0])), opened(image.file)
    difference = ImageStat.Stat(ImageChops.difference(theirs.convert("RGB"), ours))
    assert max(difference.mean) < 0.5  # Of 255: the same compression again loses next to nothing.
    assert len(sources[0]) * 0.9 < (image.size or 0) < len(sources[0]) * 1.1
    assert "sandbox" in str(dict(theirs.getexif()))
    assert "sandbox" not in str(dict(ours.getexif()))


def test_an_image_that_is_cut_off_is_fetched_again(sandbox: SandboxProcess) -> None:
    sandbox.script({"match": {"path": IMAGES}, "do": "cut"})
    batch = drive(begin(images_asked=2), over)
    assert (batch.status, batch.images.count(), batch.note) == (Status.COMPLETED, 2, "")


def test_a_provider_that_makes_two_of_four_is_said(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = begin()
    real = mirroring.bring_home
    monkeypatch.setattr("generations.steps.bring_home", lambda job, found: real(job, found[:2]))
    drive(batch, over)
    assert batch.status == Status.COMPLETED
    assert batch.note == "2 of 4 images arrived."
    assert [image.number for image in batch.images.all()] == [1, 2]
    batch.training.refresh_from_db()
    assert (batch.training.image_count, left(batch)) == (2, 7)


def test_an_image_that_is_gone_for_good_does_not_cost_the_others(sandbox: SandboxProcess) -> None:
    sandbox.script({"match": {"path": "*image_1*"}, "do": "expire", "times": None})
    batch = drive(begin(images_asked=3), lambda batch: batch.status == Status.MIRRORING)
    for _ in range(mirroring.PATIENCE - 1):
        assert step(batch).status == Status.MIRRORING
    step(batch)
    assert (batch.status, batch.note) == (Status.COMPLETED, "2 of 3 images arrived.")
    assert [image.number for image in batch.images.all()] == [1, 3]


def test_images_that_are_none_fail_the_batch_and_nothing_is_kept(sandbox: SandboxProcess) -> None:
    page = "<html>Not here</html>"
    sandbox.script({"match": {"path": IMAGES}, "do": "swap_file", "body": page, "times": None})
    batch = drive(begin(images_asked=2), over)
    assert batch.status == Status.FAILED
    assert batch.error == "The images were made, but they could not be brought here."
    assert (GeneratedImage.objects.count(), left(batch)) == (0, 7)


def test_what_was_written_for_a_step_that_did_not_end_is_removed_by_the_sweep(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(batch: Generation, images: list[GeneratedImage], note: str) -> None:
        raise KeyboardInterrupt

    batch = drive(begin(images_asked=1), lambda batch: batch.status == Status.MIRRORING)
    monkeypatch.setattr(Generation, "complete", die)
    with pytest.raises(KeyboardInterrupt):
        step(batch)
    monkeypatch.undo()
    [forgotten] = TemporaryFolder.objects.filter(name__startswith="images/")
    Generation.objects.update(lease_ends_at=Now() - timedelta(seconds=1))
    image = drive(batch, over).images.get()
    assert image.thumbnails != forgotten.name
    TemporaryFolder.objects.update(expires_at=Now())
    archives.sweep()
    assert not default_storage.exists(f"{forgotten.name}/image.jpg")
    assert default_storage.exists(image.file)


def test_a_worker_that_lost_its_lease_keeps_nothing(sandbox: SandboxProcess) -> None:
    batch = drive(begin(images_asked=1), lambda batch: batch.status == Status.MIRRORING)
    late = Generation.objects.claim(batch.pk)
    assert late is not None
    Generation.objects.update(lease_ends_at=Now() - timedelta(seconds=1))
    drive(batch, over)
    late.advance()
    batch.refresh_from_db()
    assert (batch.status, batch.images.count()) == (Status.COMPLETED, 1)
    batch.training.refresh_from_db()
    assert batch.training.image_count == 1
