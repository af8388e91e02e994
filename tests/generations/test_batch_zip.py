"""/generations/<id>/zip: the images of a batch in one file."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.test import Client

from datasets import storage
from generations.models import Generation
from tests.factories import create_generation, create_wallet
from trainings.models import Training

pytestmark = pytest.mark.usefixtures("media")


@pytest.fixture
def batch(lora: Training) -> Generation:
    batch = create_generation(training=lora, prompt="a moon jar", seed=7)
    for image in batch.images.all():
        storage.save(image.file, f"image {image.number}".encode())
    return batch


def names_in(response) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as packed:
        assert packed.testzip() is None
        return packed.namelist()


def test_it_holds_the_files_as_they_are(client, batch):
    response = client.get(f"/generations/{batch.pk}/zip")
    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"] == 'attachment; filename="kilnglz-a-moon-jar-7.zip"'
    content = response.getvalue()
    assert int(response["Content-Length"]) == len(content)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        names = [f"kilnglz-a-moon-jar-7-{number}.jpg" for number in (1, 2, 3, 4)]
        assert packed.namelist() == names
        assert packed.read(names[2]) == b"image 3"


def test_what_is_hidden_is_not_in_it(client, batch):
    batch.images.get(number=2).hide(by=batch.wallet)
    assert len(names_in(client.get(f"/generations/{batch.pk}/zip"))) == 3
    owner = Client()
    owner.force_login(batch.wallet)
    assert len(names_in(owner.get(f"/generations/{batch.pk}/zip"))) == 4


def test_without_images_there_is_none(batch, lora):
    wallet = create_wallet()
    working = create_generation(training=lora, wallet=wallet, status="generating")
    owner = Client()
    owner.force_login(wallet)
    assert owner.get(f"/generations/{working.pk}/zip").status_code == 404


def test_a_lost_file_is_not_there(client, batch, media):
    (media / batch.images.get(number=1).file).unlink()
    assert client.get(f"/generations/{batch.pk}/zip").status_code == 404


def test_a_storage_that_does_not_answer_is_503(client, batch, media):
    lost = media / batch.images.get(number=1).file
    lost.unlink()
    lost.mkdir()
    response = client.get(f"/generations/{batch.pk}/zip")
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert b"The images are out of reach" in response.content
