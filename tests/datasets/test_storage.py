"""A disk, S3 and Google Cloud Storage: the same questions to each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.core.files.base import File
from django.core.files.storage import default_storage, storages

from datasets import storage
from loratrainer.outcomes import TryAgainLater
from tests.clouds import files_at, gcs, s3, service_account

__all__ = ["gcs", "s3", "service_account"]

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["disk", "s3", "gcs"])
def kept_at(request: pytest.FixtureRequest, settings: Any) -> Iterator[str]:
    """One storage after the other as the site's own."""
    kind: str = request.param
    with nullcontext() if kind == "disk" else files_at(request.getfixturevalue(kind), settings):
        yield kind


def test_what_is_kept_can_be_read(kept_at):
    storage.save("a/b/one.txt", b"one")
    assert storage.read("a/b/one.txt") == b"one"
    with storage.open_file("a/b/one.txt") as file:
        assert file.read(2) == b"on"
    storage.delete_folder("a/b")


def test_a_large_file_is_streamed(kept_at, tmp_path):
    source = tmp_path / "large"
    content = os.urandom(1_000_000) * 20
    source.write_bytes(content)
    with source.open("rb") as file:
        storage.save("large/archive.zip", File(file))
    with storage.open_file("large/archive.zip") as file:
        assert file.read() == content
    assert storage.size("large/archive.zip") == len(content)
    storage.delete_folder("large")


def test_a_name_is_never_given_twice(kept_at):
    storage.save("twice/x.txt", b"first")
    with pytest.raises(TryAgainLater):
        storage.save("twice/x.txt", b"second")
    assert storage.read("twice/x.txt") == b"first"
    assert default_storage.listdir("twice")[1] == ["x.txt"]
    storage.delete_folder("twice")


def test_a_folder_goes_with_all_its_files_and_no_other(kept_at):
    for name in ("gone/1", "gone/2", "gone-not/1"):
        storage.save(name, b"x")
    storage.delete_folder("gone")
    storage.delete_folder("gone")
    for name in ("gone/1", "gone/2"):
        with pytest.raises(storage.Missing):
            storage.read(name)
    assert storage.read("gone-not/1") == b"x"
    storage.delete_folder("gone-not")


def test_what_is_missing_is_said_to_be(kept_at):
    with pytest.raises(storage.Missing):
        storage.read("never/was")
    with pytest.raises(storage.Missing):
        storage.open_file("never/was")
    with pytest.raises(storage.Missing):
        storage.size("never/was")


def test_a_signed_address_can_be_read_by_anybody(kept_at, client):
    storage.save("signed/archive.zip", b"PK")
    url = storage.signed_url("signed/archive.zip", expires_in=timedelta(minutes=5))
    assert url.partition("?")[0].endswith("/archive.zip")
    if kept_at == "disk":
        assert b"".join(client.get(url).streaming_content) == b"PK"
    else:
        assert "?" in url
        assert httpx.get(url).content == b"PK"
    storage.delete_folder("signed")


def test_a_signed_address_says_what_to_save_the_file_as(kept_at, client):
    storage.save("signed/archive.zip", b"PK")
    url = storage.signed_url(
        "signed/archive.zip", expires_in=timedelta(minutes=5), filename="tok.safetensors"
    )
    if kept_at == "disk":
        answer = client.get(url)
        assert answer.headers["Content-Disposition"] == 'attachment; filename="tok.safetensors"'
        answer.close()
    else:
        assert "tok.safetensors" in url
    storage.delete_folder("signed")


def test_an_address_expires_when_it_was_said_to(kept_at):
    storage.save("signed/archive.zip", b"PK")
    url = storage.signed_url("signed/archive.zip", expires_in=timedelta(minutes=7))
    if kept_at != "disk":
        assert httpx.URL(url).params[f"X-{'Amz' if kept_at == 's3' else 'Goog'}-Expires"] == "420"
    storage.delete_folder("signed")


@pytest.mark.parametrize("kept_at", ["s3", "gcs"], indirect=True)
def test_a_cloud_that_is_away_is_asked_later(kept_at, settings, monkeypatch):
    def broken(*args: object, **options: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(type(storages["default"]), "_save", broken)
    with pytest.raises(TryAgainLater, match="storage did not answer"):
        storage.save("a/b", b"x")
