"""/generations/zip: all images of a view of one's history in one file, or in several."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from typing import Any

import pytest
from django.test import Client

from datasets import storage
from generations import views_history
from generations.models import Favourite, Generation
from tests.factories import create_generation, create_wallet
from trainings.models import Training
from wallets.models import Wallet

pytestmark = pytest.mark.usefixtures("media")

ALL = "/generations/zip"


def made(wallet: Wallet, lora: Training, prompt: str, *, images: int = 2) -> Generation:
    batch = create_generation(training=lora, wallet=wallet, prompt=prompt, seed=7, images=images)
    for image in batch.images.all():
        storage.save(image.file, f"{prompt} {image.number}".encode())
    return batch


def content_of(response: Any) -> zipfile.ZipFile:
    assert response.streaming
    packed = zipfile.ZipFile(io.BytesIO(response.getvalue()))
    assert packed.testzip() is None
    return packed


def test_it_holds_all_of_mine_in_folders_and_nobody_elses(as_alice, alice, lora):
    first, second = made(alice, lora, "a jar"), made(alice, lora, "a jar")
    made(create_wallet(), lora, "not mine")
    first.images.all()[0].hide(by=alice)
    response = as_alice.get(ALL)
    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"].startswith('attachment; filename="images-')
    packed = content_of(response)
    day = f"{first.created_at:%Y-%m-%d}"
    assert packed.namelist() == [
        f"{day}-{batch.pk.hex[:8]}/kilnglz-a-jar-7-{number}.jpg"
        for batch in (second, first)
        for number in (1, 2)
    ]
    assert packed.read(packed.namelist()[1]) == b"a jar 2"


def test_it_holds_what_the_view_shows(as_alice, alice, lora):
    liked = made(alice, lora, "a teal jar")
    made(alice, lora, "a red jar")
    Favourite.objects.create(wallet=alice, image=liked.images.all()[0])
    for query in ({"q": "teal"}, {"favourites": "1"}):
        page = as_alice.get("/generations", query)
        [part] = page.context["zips"]
        assert part["images"] == 2
        assert part["url"].replace("&", "&amp;") in page.content.decode()
        names = content_of(as_alice.get(part["url"])).namelist()
        assert all("teal" in name for name in names)
        assert len(names) == 2


def test_more_than_fit_are_divided_and_each_is_in_one_part(as_alice, alice, lora, monkeypatch):
    monkeypatch.setattr(views_history, "MOST_IN_ZIP", 5)
    for number in range(6):
        made(alice, lora, f"number {number}")
    made(alice, lora, "deleted", images=1).images.get().remove()
    page = as_alice.get("/generations")
    assert [part["images"] for part in page.context["zips"]] == [4, 4, 4]
    assert "ZIP 2 of 3: 4 images" in page.content.decode()
    names = [
        name
        for part in page.context["zips"]
        for name in content_of(as_alice.get(part["url"])).namelist()
    ]
    assert len(names) == len(set(names)) == 12
    assert "number-5" in names[0]
    # What is made meanwhile changes nothing about the later parts.
    made(alice, lora, "newer")
    again = content_of(as_alice.get(page.context["zips"][1]["url"])).namelist()
    assert again == names[4:8]


def test_a_batch_alone_is_never_divided(as_alice, alice, lora, monkeypatch):
    monkeypatch.setattr(views_history, "MOST_IN_ZIP", 1)
    made(alice, lora, "four", images=4)
    assert [part["images"] for part in as_alice.get("/generations").context["zips"]] == [4]


def test_what_is_lost_is_said_and_costs_no_other(as_alice, alice, lora, media):
    batch = made(alice, lora, "a jar", images=3)
    (media / batch.images.get(number=1).file).unlink()
    broken = media / batch.images.get(number=3).file
    broken.unlink()
    broken.mkdir()
    packed = content_of(as_alice.get(ALL))
    assert [name.rpartition("-")[2] for name in packed.namelist()] == ["2.jpg", "missing.txt"]
    words = packed.read("missing.txt").decode()
    assert words.startswith("These images could not be read:")
    assert "kilnglz-a-jar-7-1.jpg" in words
    assert "kilnglz-a-jar-7-3.jpg" in words


def test_a_storage_that_does_not_answer_is_503(as_alice, alice, lora, monkeypatch):
    made(alice, lora, "a jar")

    def away(name: str) -> int:
        raise storage.TryAgainLater("Our storage did not answer. We try again.")

    monkeypatch.setattr(storage, "size", away)
    response = as_alice.get(ALL)
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert b"The images are out of reach" in response.content


def test_it_is_sent_in_constant_memory(as_alice, alice, lora):
    batch = create_generation(training=lora, wallet=alice, images=4)
    for image in batch.images.all():
        storage.save(image.file, bytes(2_000_000))
    response = as_alice.get(ALL)
    tracemalloc.start()
    sizes = [len(piece) for piece in response.streaming_content]
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) > 8_000_000
    assert peak < 7_000_000


@pytest.mark.parametrize("query", [{}, {"q": "nothing like it"}, {"before": "x"}])
def test_without_images_there_is_none(as_alice, query):
    assert as_alice.get(ALL, query).status_code == 404
    if "before" not in query:
        assert b"/generations/zip" not in as_alice.get("/generations", query).content


def test_somebody_elses_place_is_none_of_mine(as_alice, lora):
    batch = create_generation(training=lora)
    assert as_alice.get(ALL, {"before": batch.pk}).status_code == 404


def test_nobody_is_asked_to_connect_and_nothing_is_written(client, as_alice, db):
    assert client.get(ALL)["Location"].startswith("/connect")
    assert as_alice.post(ALL).status_code == 405


def test_what_may_not_be_seen_any_more_is_not_in_it(alice, lora, media):
    made(alice, lora, "a jar")
    Training.objects.filter(pk=lora.pk).update(is_private=True)
    client = Client()
    client.force_login(alice)
    assert client.get(ALL).status_code == 404
