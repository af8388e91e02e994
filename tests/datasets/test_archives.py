"""The ZIP that a trainer gets."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import timedelta

import pytest
from PIL import Image

from datasets import archives, decoding, storage
from datasets.models import TemporaryFolder
from loratrainer.outcomes import GiveUp, TryAgainLater
from sandbox.archives import read as read_as_a_trainer
from tests.datasets.photographs import png

pytestmark = pytest.mark.django_db
NAME = "archives/5d3c/archive.zip"


@pytest.fixture
def full(draft, upload):
    for seed in range(4):
        upload(draft, seed, size=(400, 300))
    first, second, third, _fourth = draft.pictures.all()
    draft.write_captions({first.pk: "a vase", second.pk: 'TOK, "<b>" {{ 7 }}\nin two lines'})
    third.rotate()
    return draft


def built(dataset, name=NAME, **options):
    options = {"trigger_word": "TOK", "kind": "product"} | options
    archive = archives.build(dataset, name, **options)
    content = storage.read(archive.name)
    assert (archive.size, archive.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return content


def test_pictures_and_captions_lie_side_by_side_in_order(full):
    with zipfile.ZipFile(io.BytesIO(built(full))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            *("001.jpg", "001.txt", "002.jpg", "002.txt"),
            *("003.jpg", "003.txt", "004.jpg", "004.txt"),
        ]
        texts = [archive.read(f"{number:03}.txt").decode() for number in range(1, 5)]
        sizes = [
            Image.open(io.BytesIO(archive.read(f"{number:03}.jpg"))).size for number in range(1, 5)
        ]
    assert texts == ["TOK, a vase", 'TOK, "<b>" {{ 7 }} in two lines', "TOK", "TOK"]
    assert sizes == [(400, 300), (400, 300), (300, 400), (400, 300)]


def test_two_builds_are_the_same_bytes(full):
    """U18."""
    first = built(full)
    assert built(full, "archives/other/archive.zip") == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert entry.external_attr >> 16 == 0o100644
            assert entry.create_system == 3


def test_the_same_name_is_replaced(full):
    first = built(full)
    assert built(full, trigger_word="ZZZ") != first


def test_a_trainer_can_read_it(full, tmp_path):
    file = tmp_path / "archive.zip"
    file.write_bytes(built(full, kind="style"))
    pictures = read_as_a_trainer(file)
    assert [picture.caption for picture in pictures] == [
        "a vase in the style of TOK",
        'TOK, "<b>" {{ 7 }} in two lines',
        "TOK",
        "TOK",
    ]


@pytest.mark.parametrize(
    ("caption", "kind", "expected"),
    [
        ("a vase", "product", "TOK, a vase"),
        ("a man", "character", "TOK, a man"),
        ("a vase", "style", "a vase in the style of TOK"),
        ("a vase. ", "style", "a vase in the style of TOK"),
        ("a vase by TOK", "product", "a vase by TOK"),
        ("a vase by tok", "style", "a vase by tok"),
        ("STOKER", "product", "TOK, STOKER"),
        ("TOK_2", "product", "TOK, TOK_2"),
        ("", "style", "TOK"),
        ("  \n ", "character", "TOK"),
        ("one\r\ntwo\tthree", "product", "TOK, one two three"),
        ("ваза", "product", "TOK, ваза"),
    ],
)
def test_the_trigger_word_is_in_every_caption_once(caption, kind, expected):
    assert archives.training_caption(caption, trigger_word="TOK", kind=kind) == expected


def test_only_the_chosen_pictures_are_in_it(full):
    full.choose([full.pictures.last().pk])
    with zipfile.ZipFile(io.BytesIO(built(full))) as archive:
        assert archive.namelist() == ["001.jpg", "001.txt"]


def test_a_png_stays_one(draft):
    draft.add_upload(decoding.develop(png(1)), name="x.png")
    draft.pictures.first().rotate()
    with zipfile.ZipFile(io.BytesIO(built(draft))) as archive:
        assert Image.open(io.BytesIO(archive.read("001.png"))).format == "PNG"


def test_a_lost_picture_is_named(full):
    """F18."""
    storage.delete_folder(full.pictures.all()[1].folders.pop())
    with pytest.raises(GiveUp, match="Picture 2 is lost"):
        built(full)


def test_a_full_disk_is_waited_for(full, monkeypatch):
    """F17."""

    def full_disk(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full_disk)
    with pytest.raises(TryAgainLater, match="no room"):
        built(full)


def test_a_storage_that_fails_is_waited_for(full, monkeypatch):
    """F20."""

    def broken(*args: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr("django.core.files.storage.FileSystemStorage._save", broken)
    with pytest.raises(TryAgainLater, match="storage did not answer"):
        built(full)


def test_it_is_removed_when_it_is_not_needed_and_when_it_is_forgotten(full):
    built(full)
    archives.sweep()
    assert storage.read(NAME)
    archives.remove(NAME)
    archives.sweep()
    with pytest.raises(storage.Missing):
        storage.read(NAME)

    built(full)
    TemporaryFolder.objects.filter(name="archives/5d3c").update(
        expires_at=TemporaryFolder.objects.get(name="archives/5d3c").expires_at
        - archives.FORGOTTEN_AFTER
    )
    archives.sweep()
    with pytest.raises(storage.Missing):
        storage.read(NAME)


def test_its_address_is_signed_and_ends_in_zip(full, client):
    archive = archives.build(full, NAME, trigger_word="TOK", kind="style")
    url = archive.signed_url(timedelta(hours=1))
    assert url.endswith("/archive.zip")
    answer = client.get(url)
    assert b"".join(answer.streaming_content) == storage.read(NAME)
