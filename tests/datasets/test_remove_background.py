"""`POST /pictures/<uuid>/remove-background`: asked for once; what is kept is only shown again."""

from __future__ import annotations

import pytest

from datasets.models import Dataset, Picture
from datasets.retouches import Retouch
from tests.factories import create_dataset

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def picture(alice) -> Picture:
    return create_dataset(pictures=1, wallet=alice).pictures.get()


def url(picture: Picture) -> str:
    return f"/pictures/{picture.pk}/remove-background"


def test_it_is_asked_for_and_the_page_watches(signed_in, picture):
    answer = signed_in.post(url(picture), {f"caption-{picture.pk}": "a jar"}, headers=HTMX)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.lstrip().startswith('<div id="sheet"')
    assert 'hx-trigger="every 1s"' in text
    assert "The background is being removed." in text
    assert 'aria-busy="true"' in text
    wish = Retouch.objects.get()
    assert (wish.kind, wish.wallet, wish.picture) == ("cutout", picture.dataset.wallet, picture)
    picture.refresh_from_db()
    assert picture.caption == "a jar"


def test_a_second_click_asks_for_nothing_more(signed_in, picture):
    for _click in range(2):
        assert signed_in.post(url(picture), {"next": "/"}).url == "/"
    assert Retouch.objects.count() == 1


def test_a_failure_is_said_at_the_picture(signed_in, picture):
    signed_in.post(url(picture))
    Retouch.objects.get().fail("fal.ai could not do it: too dark.")
    page = signed_in.get(f"/datasets/{picture.dataset_id}").content.decode()
    assert "fal.ai could not do it: too dark." in page
    assert "Remove the background of image 1" in page


def test_what_is_kept_is_shown_without_asking_even_without_a_service(
    signed_in, draft, upload, settings
):
    settings.RETOUCHER, settings.RETOUCHES_PER_DAY = "", 0
    picture = upload(draft, 1)
    Picture.objects.update(cutout=picture.original, cutout_sha256=picture.sha256, cutout_size=1)
    text = signed_in.post(url(picture), headers=HTMX).content.decode()
    assert "Put the background of image 1 back" in text
    picture.refresh_from_db()
    assert picture.is_cut_out
    assert not Retouch.objects.exists()


def test_a_limit_that_is_reached_is_said(signed_in, picture, settings):
    settings.RETOUCHES_PER_DAY = 0
    answer = signed_in.post(url(picture), headers=HTMX)
    assert answer.status_code == 429
    assert "A wallet may ask for 0 automatic captions" in answer.content.decode()


def test_without_a_service_there_is_nothing_to_ask(signed_in, picture, settings):
    settings.RETOUCHER = ""
    assert signed_in.post(url(picture)).status_code == 404


def test_somebody_without_wallet_is_led_to_connect(client):
    client.post("/datasets")
    mine = create_dataset(pictures=1, browser=Dataset.objects.get().browser).pictures.get()
    answer = client.post(url(mine), {"next": "/"})
    assert (answer.status_code, answer.url) == (302, "/connect?next=%2F")
    assert not Retouch.objects.exists()
    page = client.get(f"/datasets/{mine.dataset_id}").content.decode()
    assert 'aria-label="Remove the background of image 1"' in page
    assert url(mine) not in page


def test_what_was_trained_with_does_not_change(signed_in, alice):
    frozen = create_dataset(pictures=4, wallet=alice)
    frozen.freeze()
    assert signed_in.post(url(frozen.pictures.first()), headers=HTMX).status_code == 409


def test_strangers_pictures_and_other_methods_are_refused(stranger, client, signed_in, picture):
    assert stranger.post(url(picture)).status_code == 404
    assert client.__class__().post(url(picture)).status_code == 404
    assert signed_in.get(url(picture)).status_code == 405
    missing = create_dataset(pictures=0, wallet=picture.dataset.wallet)
    unloaded = Picture.objects.create(dataset=missing, position=0)
    assert signed_in.post(url(unloaded)).status_code == 404
