"""`/datasets/<uuid>/archive.zip`, `/strip`, `/copy`, `/remove`, and `/files/...`."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from django.core import signing
from PIL import Image

from datasets import archives, storage
from datasets.models import Dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def full(draft, upload):
    for seed in range(4):
        upload(draft, seed)
    return draft


def test_the_owner_takes_pictures_and_captions_as_they_typed_them(signed_in, full):
    full.write_captions({full.pictures.first().pk: "a vase\nin two lines"})
    answer = signed_in.get(f"/datasets/{full.pk}/archive.zip")
    content = b"".join(answer.streaming_content)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="')
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["001.jpg", "001.txt", "002.jpg", "003.jpg", "004.jpg"]
        assert archive.read("001.txt") == b"a vase\nin two lines"


def test_a_lost_picture_is_said(signed_in, full):
    storage.delete_folder(full.pictures.first().thumbnails)
    answer = signed_in.get(f"/datasets/{full.pk}/archive.zip")
    assert answer.status_code == 422
    assert "Picture 1 is lost." in answer.content.decode()


def test_nothing_chosen_is_said(signed_in, draft):
    answer = signed_in.get(f"/datasets/{draft.pk}/archive.zip")
    assert answer.status_code == 409
    assert "Choose images first." in answer.content.decode()


def test_the_strip_is_made_when_it_is_asked_for(signed_in, full):
    answer = signed_in.get(f"/datasets/{full.pk}/strip")
    assert Image.open(io.BytesIO(answer.content)).size == (770, 200)
    full.refresh_from_db()
    assert full.strip


def test_an_empty_set_has_no_strip(signed_in, draft):
    assert signed_in.get(f"/datasets/{draft.pk}/strip").status_code == 404


def test_a_copy_is_a_draft_of_ones_own(signed_in, full):
    full.freeze()
    answer = signed_in.post(f"/datasets/{full.pk}/copy")
    copy = Dataset.objects.drafts().get()
    assert answer.url == f"/datasets/{copy.pk}"
    assert copy.pictures.count() == 4


def test_a_draft_is_thrown_away_and_a_frozen_set_is_not(signed_in, full):
    copy = full.copy()
    full.freeze()
    assert signed_in.post(f"/datasets/{copy.pk}/remove").status_code == 302
    assert signed_in.post(f"/datasets/{full.pk}/remove").status_code == 409
    assert list(Dataset.objects.all()) == [full]


def archive_url(full, expires_in=timedelta(minutes=5)) -> str:
    archive = archives.build(full, "archives/1/archive.zip", trigger_word="TOK", kind="style")
    url = archive.signed_url(expires_in)
    return url.partition("://")[2].partition("/")[2]


def test_a_trainer_needs_no_session(client, full):
    answer = client.get(f"/{archive_url(full)}")
    assert b"".join(answer.streaming_content).startswith(b"PK")
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Cache-Control"] == "private, no-store, no-transform"
    assert "Set-Cookie" not in answer.headers


def test_a_signed_address_opens_one_file_for_a_while(client, full):
    """Z08."""
    url = archive_url(full)
    prefix, token, name = url.split("/")
    assert client.get(f"/{archive_url(full, timedelta(seconds=-1))}").status_code == 404
    assert client.get(f"/{prefix}/{token}/other.zip").status_code == 404
    assert client.get(f"/{prefix}/{token[:-2]}xx/{name}").status_code == 404
    forged = signing.dumps(["archives/1/archive.zip", name, 10**11], salt="another")
    assert client.get(f"/{prefix}/{forged}/{name}").status_code == 404
    assert client.post(f"/{url}").status_code == 405
    storage.delete_folder("archives/1")
    assert client.get(f"/{url}").status_code == 404
