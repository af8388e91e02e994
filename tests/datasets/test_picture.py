"""`/pictures/<uuid>/...`: shown to their owner, turned, removed."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from datasets import archives
from datasets.models import Picture

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def picture(draft, upload):
    return upload(draft, 1, size=(900, 600))


@pytest.mark.parametrize(("size", "pixels"), [(160, (160, 160)), (640, (640, 427))])
@pytest.mark.parametrize(
    ("accept", "form"), [("image/avif,image/webp,*/*", "AVIF"), ("image/webp,*/*", "WEBP")]
)
def test_its_owner_sees_it_in_the_format_that_the_browser_takes(
    signed_in, picture, size, pixels, accept, form
):
    answer = signed_in.get(f"/pictures/{picture.pk}/{size}", headers={"Accept": accept})
    image = Image.open(io.BytesIO(answer.content))
    assert (image.format, image.size) == (form, pixels)
    assert answer.headers["Content-Type"] == f"image/{form.lower()}"
    assert answer.headers["Vary"].startswith("Accept,")


def test_it_is_nothing_but_an_image_and_for_one_browser(signed_in, picture):
    """U19, U20."""
    answer = signed_in.get(f"/pictures/{picture.pk}/160")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_there_are_two_sizes_and_no_original(signed_in, picture):
    for size in (0, 161, 2048, 99999):
        assert signed_in.get(f"/pictures/{picture.pk}/{size}").status_code == 404


def test_what_is_not_loaded_yet_is_not_there(signed_in, draft):
    picture = Picture.objects.create(dataset=draft, position=0, block_id=1)
    assert signed_in.get(f"/pictures/{picture.pk}/160").status_code == 404
    assert signed_in.post(f"/pictures/{picture.pk}/rotate").status_code == 404


def test_the_storage_cannot_be_read_past_its_views(signed_in, picture, media):
    """U19."""
    assert (media / picture.original).is_file()
    for url in (f"/media/{picture.original}", f"/{picture.original}", f"/files/{picture.original}"):
        assert signed_in.get(url).status_code == 404


def test_turning_changes_what_is_seen_and_its_address(signed_in, picture):
    answer = signed_in.post(f"/pictures/{picture.pk}/rotate", headers=HTMX)
    assert answer.content.decode().lstrip().startswith('<div id="sheet"')
    before = picture.square_url
    picture.refresh_from_db()
    assert picture.rotation == 90
    assert picture.square_url != before
    seen = signed_in.get(f"/pictures/{picture.pk}/640")
    assert Image.open(io.BytesIO(seen.content)).size == (427, 640)


def test_removing_takes_it_out(signed_in, picture, draft, media):
    answer = signed_in.post(f"/pictures/{picture.pk}/remove", {"next": "/"})
    assert answer.url == "/"
    archives.sweep()
    assert draft.pictures.count() == 0
    assert not list(media.rglob("*.*"))


@pytest.mark.parametrize("action", ["rotate", "remove"])
def test_a_frozen_picture_stays(signed_in, draft, upload, action):
    """U13."""
    picture, *_others = [upload(draft, seed) for seed in range(4)]
    draft.freeze()
    assert signed_in.post(f"/pictures/{picture.pk}/{action}").status_code == 409
    picture.refresh_from_db()
    assert picture.rotation == 0


def test_a_lost_original_is_said(signed_in, picture, media):
    (media / picture.original).unlink()
    assert signed_in.post(f"/pictures/{picture.pk}/rotate").status_code == 404
