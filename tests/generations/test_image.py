"""/images/<id>/<size>: the files, for whoever may see them at this moment."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.test import Client

from datasets import storage
from generations.models import GeneratedImage
from tests.factories import create_generation, create_training, create_wallet
from trainings.models import Training

pytestmark = pytest.mark.usefixtures("media")


@pytest.fixture
def image(lora: Training) -> GeneratedImage:
    batch = create_generation(training=lora, images=1, prompt="A moon jar, <b>blue</b>", seed=7)
    image = batch.images.get()
    storage.save(image.file, b"the file itself")
    for size in (320, 640):
        for suffix in ("avif", "webp"):
            storage.save(f"{image.thumbnails}/{size}.{suffix}", f"{size} {suffix}".encode())
    return image


@pytest.mark.parametrize("size", [320, 640])
def test_thumbnails_come_as_the_browser_takes_them(client, image, size):
    webp = client.get(f"/images/{image.pk}/{size}")
    assert (webp.content, webp["Content-Type"]) == (f"{size} webp".encode(), "image/webp")
    avif = client.get(f"/images/{image.pk}/{size}", headers={"Accept": "image/avif,image/*"})
    assert (avif.content, avif["Content-Type"]) == (f"{size} avif".encode(), "image/avif")
    assert avif["ETag"] != webp["ETag"]
    assert avif["Vary"] == "Accept"


def test_the_file_itself_has_a_name_that_says_what_it_is(client, image):
    response = client.get(f"/images/{image.pk}/1024")
    assert response.content == b"the file itself"
    assert response["Content-Type"] == "image/jpeg"
    named = 'inline; filename="kilnglz-a-moon-jar-bblueb-7-1.jpg"'
    assert response["Content-Disposition"] == named
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize("size", [0, 1, 96, 321, 4096, 10**30])
def test_other_sizes_are_not_there(client, image, size):
    assert client.get(f"/images/{image.pk}/{size}").status_code == 404


def test_it_is_sent_once(client, image):
    first = client.get(f"/images/{image.pk}/320")
    again = client.get(f"/images/{image.pk}/320", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["Cache-Control"] == first["Cache-Control"] == "public, max-age=300, s-maxage=60"


def test_what_is_public_asks_nothing_about_the_visitor(image):
    stranger = Client()
    stranger.force_login(create_wallet())
    response = stranger.get(f"/images/{image.pk}/320")
    assert response["Cache-Control"] == "public, max-age=300, s-maxage=60"
    assert "Cookie" not in response["Vary"]


def test_what_is_private_is_kept_by_no_cache_between(alice, as_alice, client):
    lora = create_training(wallet=alice, status="completed", is_private=True)
    image = create_generation(training=lora, images=1).images.get()
    storage.save(f"{image.thumbnails}/320.webp", b"x")
    response = as_alice.get(f"/images/{image.pk}/320")
    assert (response.status_code, response["Cache-Control"]) == (200, "private, no-cache")
    assert client.get(f"/images/{image.pk}/320").status_code == 404


def test_visibility_is_asked_at_each_request(client, image, lora):
    etag = {"If-None-Match": client.get(f"/images/{image.pk}/320")["ETag"]}
    image.hide(by=lora.wallet)
    assert client.get(f"/images/{image.pk}/320", headers=etag).status_code == 404
    image.show(by=lora.wallet)
    assert client.get(f"/images/{image.pk}/320", headers=etag).status_code == 304
    Training.objects.filter(pk=lora.pk).update(hidden_at=Now())
    assert client.get(f"/images/{image.pk}/320", headers=etag).status_code == 404


def test_a_file_that_is_lost_is_not_there(client, lora):
    image = create_generation(training=lora, images=1).images.get()
    assert client.get(f"/images/{image.pk}/1024").status_code == 404


def test_a_storage_that_does_not_answer_is_503(client, image, media: Path):
    folder = media / image.thumbnails
    (folder / "320.webp").unlink()
    (folder / "320.webp").mkdir()
    response = client.get(f"/images/{image.pk}/320")
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert "public" not in response.get("Cache-Control", "")


def test_reading_only(client, image):
    assert client.post(f"/images/{image.pk}/320").status_code == 405
