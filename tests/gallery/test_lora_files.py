"""Images of a LoRA: its strip, its training pictures, the card for links; and oEmbed."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from django.test import Client
from PIL import Image

from datasets import storage
from loratrainer.outcomes import TryAgainLater
from tests.factories import create_training
from tests.gallery.exhibits import hang
from trainings.models import Training

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

AVIF = {"Accept": "image/avif,image/webp,*/*;q=0.8"}


@pytest.fixture
def lora(alice: Any, media: Any) -> Training:
    return hang(wallet=alice)


def urls_of(lora: Training) -> list[str]:
    picture = lora.dataset.pictures.all()[0]
    images = [f"/loras/{lora.pk}/pictures/{picture.pk}/{size}" for size in (160, 640)]
    return [f"/loras/{lora.pk}/strip", *images]


def drawn(response: Any) -> Image.Image:
    return Image.open(io.BytesIO(response.content))


def test_everybody_gets_the_images_in_the_format_that_they_take(client, lora):
    sizes = [(770, 200), (160, 160), (320, 320)]
    for url, size in zip(urls_of(lora), sizes, strict=True):
        modern, old = client.get(url, headers=AVIF), client.get(url)
        assert (modern.headers["Content-Type"], drawn(modern).format) == ("image/avif", "AVIF")
        assert (old.headers["Content-Type"], drawn(old).format) == ("image/webp", "WEBP")
        assert drawn(old).size == drawn(modern).size == size
        assert modern.headers["Vary"] == "Accept"


def test_they_are_kept_for_an_hour_and_then_asked_about(client, lora):
    for url in urls_of(lora):
        response = client.get(url)
        assert response.headers["Cache-Control"] == "public, max-age=3600, s-maxage=60"
        known = {"If-None-Match": response.headers["ETag"]}
        assert client.get(url, headers=known).status_code == 304
        assert client.get(url, headers=known | AVIF).status_code == 200
        assert "session" not in response.cookies


@pytest.mark.parametrize(
    "kept", [{"is_private": True}, {"hidden_at": Now()}, {"deleted_at": Now()}]
)
def test_whoever_has_one_is_not_told_that_it_is_still_there(client, as_alice, lora, kept):
    known = {url: client.get(url).headers["ETag"] for url in urls_of(lora)}
    Training.objects.update(**kept)
    for url, etag in known.items():
        assert client.get(url, headers={"If-None-Match": etag}).status_code == 404
        own = as_alice.get(url)
        if "deleted_at" in kept:
            assert own.status_code == 404
        else:
            assert own.headers["Cache-Control"] == "private, no-cache"
            assert "Cookie" in own.headers["Vary"]


def test_a_picture_of_another_set_is_not_shown(client, lora):
    other = hang().dataset.pictures.all()[0]
    assert client.get(f"/loras/{lora.pk}/pictures/{other.pk}/160").status_code == 404


@pytest.mark.parametrize("size", ["161", "0", "1000000", "-1", "160.webp"])
def test_a_picture_comes_in_two_sizes_alone(client, lora, size):
    picture = lora.dataset.pictures.all()[0]
    assert client.get(f"/loras/{lora.pk}/pictures/{picture.pk}/{size}").status_code == 404


def test_a_file_that_is_lost_is_not_there_and_a_storage_that_is_away_is_said(
    client, lora, monkeypatch
):
    default_storage.delete(f"{lora.dataset.strip}/strip.webp")
    assert client.get(f"/loras/{lora.pk}/strip").status_code == 404

    def away(name: str) -> bytes:
        raise TryAgainLater("Our storage did not answer. We try again.")

    monkeypatch.setattr(storage, "read", away)
    for url in [*urls_of(lora), f"/loras/{lora.pk}/card.jpg"]:
        response = client.get(url)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "10")


def test_a_strip_is_made_when_it_is_first_asked_for(client, lora):
    type(lora.dataset).objects.update(strip="", strip_key="")
    assert drawn(client.get(f"/loras/{lora.pk}/strip")).size == (770, 200)


# --- The card -------------------------------------------------------------------------------------


def test_the_card_is_what_other_sites_expect(client, lora):
    response = client.get(f"/loras/{lora.pk}/card.jpg")
    card = drawn(response)
    assert (card.format, card.size) == ("JPEG", (1200, 630))
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.headers["Cache-Control"] == "public, max-age=3600, s-maxage=60"
    assert len(response.content) < 300_000
    assert f"/loras/{lora.pk}/card.jpg" in client.get(f"/loras/{lora.pk}").content.decode()


def test_the_card_shows_the_pictures_and_the_word(client, lora):
    card = drawn(client.get(f"/loras/{lora.pk}/card.jpg")).convert("RGB")
    frames = [card.crop((x, 60, x + 200, 260)) for x in (60, 350, 640, 920)]
    assert all(len(frame.resize((8, 8)).getcolors() or []) > 8 for frame in frames)
    word = card.crop((36, 390, 600, 510)).convert("L")
    assert word.getextrema()[1] > 200
    assert max(card.getpixel((5, 5))) < 16


@pytest.mark.parametrize("word", ["ab", "W" * 24])
def test_a_word_of_any_length_fits(client, media, word):
    card = drawn(client.get(f"/loras/{hang(trigger_word=word).pk}/card.jpg")).convert("L")
    assert card.crop((36, 380, 200, 510)).getextrema()[1] > 200
    assert card.crop((1170, 320, 1200, 630)).getextrema()[1] < 60


def test_the_card_is_drawn_once(client, lora, monkeypatch):
    first = client.get(f"/loras/{lora.pk}/card.jpg")
    monkeypatch.setattr("gallery.cards._drawn", None)
    again = client.get(f"/loras/{lora.pk}/card.jpg")
    assert again.content == first.content
    known = {"If-None-Match": first.headers["ETag"]}
    assert client.get(f"/loras/{lora.pk}/card.jpg", headers=known).status_code == 304


def test_a_card_that_cannot_be_kept_is_sent_all_the_same(client, lora, monkeypatch):
    def away(name: str, content: bytes) -> None:
        raise TryAgainLater("Our storage did not answer. We try again.")

    monkeypatch.setattr(storage, "save", away)
    assert client.get(f"/loras/{lora.pk}/card.jpg").status_code == 200


# --- oEmbed ---------------------------------------------------------------------------------------


def embedded(url: str, **query: str) -> Any:
    return Client().get("/oembed", {"url": url} | query)


def test_a_public_lora_can_be_embedded(client, lora, settings):
    url = f"{settings.SITE_URL}/loras/{lora.pk}"
    described = embedded(url).json()
    assert (described["version"], described["type"]) == ("1.0", "photo")
    assert (described["width"], described["height"]) == (1200, 630)
    assert described["url"] == f"{url}/card.jpg"
    assert described["title"] == "KILNGLZ"
    page = client.get(f"/loras/{lora.pk}").content.decode()
    assert "/oembed?url=http%3A%2F%2Flocalhost" in page


@pytest.mark.parametrize(
    "url",
    [
        "{site}/loras/{other}",
        "{site}/loras",
        "{site}/loras/{lora}/weights",
        "https://evil.example/loras/{lora}",
        "/loras/{lora}",
        "javascript:alert(1)",
        "http://[",
        "",
    ],
)
def test_nothing_else_can(lora, settings, url):
    other = create_training(status="completed", is_private=True)
    address = url.format(site=settings.SITE_URL, lora=lora.pk, other=other.pk)
    assert embedded(address).status_code == 404


def test_only_json_is_spoken_and_an_address_is_needed(lora, settings):
    url = f"{settings.SITE_URL}/loras/{lora.pk}"
    assert embedded(url, format="xml").status_code == 501
    assert Client().get("/oembed").status_code == 400
