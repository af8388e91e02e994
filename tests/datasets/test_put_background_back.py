"""`POST /pictures/<uuid>/put-background-back`: the original is shown and trained with again."""

from __future__ import annotations

import pytest

from datasets import storage
from datasets.models import Dataset, Picture
from tests.factories import create_dataset

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def picture(draft: Dataset, upload) -> Picture:
    """Cut out; here the cut-out is another picture, which is told apart more easily."""
    first, other = upload(draft, 1), upload(draft, 2)
    kept = {"cutout": other.original, "cutout_sha256": other.sha256, "cutout_size": other.size}
    Picture.objects.filter(pk=first.pk).update(**kept)
    first.refresh_from_db()
    first.cut_out()
    first.refresh_from_db()
    return first


def url(picture: Picture) -> str:
    return f"/pictures/{picture.pk}/put-background-back"


def test_the_original_is_seen_again_and_the_cutout_kept(signed_in, picture):
    before, whole = picture.square_url, f"/pictures/{picture.pk}/whole"
    cut_out = signed_in.get(whole).content
    answer = signed_in.post(url(picture), {f"caption-{picture.pk}": "a jar"}, headers=HTMX)
    assert answer.content.decode().lstrip().startswith('<div id="sheet"')
    picture.refresh_from_db()
    assert (picture.is_cut_out, picture.caption) == (False, "a jar")
    assert picture.source == picture.original
    assert picture.square_url != before
    assert signed_in.get(whole).content != cut_out
    assert storage.read(picture.cutout)


def test_the_dialog_to_crop_does_not_keep_the_other_one(signed_in, picture):
    address = f"/pictures/{picture.pk}/crop"
    assert "/whole?v=0c" in signed_in.get(address, headers=HTMX).content.decode()
    signed_in.post(url(picture))
    assert '/whole?v=0"' in signed_in.get(address, headers=HTMX).content.decode()


def test_twice_does_no_harm_and_leads_back(signed_in, picture):
    for _click in range(2):
        assert signed_in.post(url(picture), {"next": "/"}).url == "/"
    picture.refresh_from_db()
    assert not picture.is_cut_out


def test_what_was_trained_with_does_not_change(signed_in, picture, upload):
    for seed in range(3, 6):
        upload(picture.dataset, seed)
    picture.dataset.freeze()
    assert signed_in.post(url(picture), headers=HTMX).status_code == 409
    picture.refresh_from_db()
    assert picture.is_cut_out


def test_strangers_pictures_and_other_methods_are_refused(stranger, client, signed_in, alice):
    picture = create_dataset(pictures=1, wallet=alice).pictures.get()
    assert stranger.post(url(picture)).status_code == 404
    assert client.__class__().post(url(picture)).status_code == 404
    assert signed_in.get(url(picture)).status_code == 405
