"""`POST /datasets/<uuid>/describe`: captions for those that have none, never over a written one."""

from __future__ import annotations

import pytest

from datasets.models import Dataset
from datasets.retouches import Retouch
from tests.factories import create_dataset

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def dataset(alice) -> Dataset:
    return create_dataset(pictures=4, wallet=alice)


def url(dataset: Dataset) -> str:
    return f"/datasets/{dataset.pk}/describe"


def test_those_without_caption_are_asked_for_and_the_page_watches(signed_in, dataset):
    first, *_rest = dataset.pictures.all()
    answer = signed_in.post(url(dataset), {f"caption-{first.pk}": "just typed"}, headers=HTMX)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.lstrip().startswith('<div id="sheet"')
    assert f'hx-get="/datasets/{dataset.pk}/progress" hx-trigger="every 1s"' in text
    assert "0 of 3 done." in text
    assert "missing caption" not in text
    assert text.count("The caption is on its way.") == 3
    first.refresh_from_db()
    assert (first.caption, first.caption_is_automatic) == ("just typed", False)
    assert not Retouch.objects.filter(picture=first).exists()


def test_a_second_click_asks_for_what_is_missing_only(signed_in, dataset):
    signed_in.post(url(dataset))
    one, *_others = Retouch.objects.all()
    one.fail("fal.ai could not do it: too dark.")
    page = signed_in.get(f"/datasets/{dataset.pk}").content.decode()
    assert "Write 1 missing caption" in page
    assert "fal.ai could not do it: too dark." in page
    signed_in.post(url(dataset))
    assert Retouch.objects.count() == 5
    assert Retouch.objects.under_way().filter(picture=one.picture_id).exists()


def test_how_far_it_is_counts_this_time_only(signed_in, dataset):
    signed_in.post(url(dataset))
    for wish in Retouch.objects.all():
        wish.fail("no")
    signed_in.post(url(dataset))
    Retouch.objects.under_way().first().fail("no")
    text = signed_in.get(f"/datasets/{dataset.pk}/progress", headers=HTMX).content.decode()
    assert "1 of 4 done." in text


def test_without_script_it_leads_back(signed_in, dataset):
    answer = signed_in.post(url(dataset), {"next": "/"})
    assert (answer.status_code, answer.url) == (302, "/")


def test_an_automatic_caption_is_marked_and_in_the_field(signed_in, dataset):
    picture = dataset.pictures.first()
    with dataset.editing():
        picture.describe('a <b>"jar"')
    page = signed_in.get(f"/datasets/{dataset.pk}").content.decode()
    escaped = "a &lt;b&gt;&quot;jar&quot;"
    assert f">{escaped}</textarea>" in page
    assert f'data-written="{escaped}"' in page
    assert f'aria-describedby="about-caption-{picture.pk}"' in page
    assert "1 caption is automatic. Read it before you train." in page
    signed_in.post(f"/pictures/{picture.pk}/caption", {f"caption-{picture.pk}": "a jar"})
    assert "data-written" not in signed_in.get(f"/datasets/{dataset.pk}").content.decode()


@pytest.mark.parametrize("shown", [False, True])
def test_a_page_that_does_not_know_of_a_caption_yet_does_not_take_it_out(signed_in, dataset, shown):
    picture = dataset.pictures.first()
    with dataset.editing():
        picture.describe("a jar")
    posted = {f"caption-{picture.pk}": ""} | ({f"shown-{picture.pk}": "1"} if shown else {})
    signed_in.post(f"/datasets/{dataset.pk}/captions", posted, headers=HTMX)
    picture.refresh_from_db()
    assert picture.caption == ("" if shown else "a jar")


def test_the_page_is_told_when_one_caption_more_or_less_is_missing(signed_in, dataset):
    picture = dataset.pictures.first()
    told = []
    for typed in ("", "a", "a jar", ""):
        answer = signed_in.post(
            f"/pictures/{picture.pk}/caption", {f"caption-{picture.pk}": typed}, headers=HTMX
        )
        assert answer.status_code == 204
        told.append("captions-counted" in answer.headers.get("HX-Trigger", ""))
    assert told == [False, True, False, True]
    text = signed_in.get(url(dataset), headers=HTMX).content.decode()
    assert text.lstrip().startswith('<div class="actions" id="ask"')
    assert "Write 4 missing captions" in text
    assert signed_in.get(url(dataset)).url == f"/datasets/{dataset.pk}"


def test_somebody_without_wallet_is_led_to_connect_and_keeps_what_they_typed(client, settings):
    client.post("/datasets")
    dataset = Dataset.objects.get()
    picture = create_dataset(pictures=1, browser=dataset.browser).pictures.get()
    typed = {f"caption-{picture.pk}": "a jar", "next": "/"}
    answer = client.post(url(picture.dataset), typed)
    assert (answer.status_code, answer.url) == (302, "/connect?next=%2F")
    answer = client.post(url(picture.dataset), typed, headers=HTMX)
    assert answer.headers["HX-Redirect"] == "/connect?next=%2F"
    picture.refresh_from_db()
    assert picture.caption == "a jar"
    assert not Retouch.objects.exists()


def test_to_somebody_without_wallet_the_button_is_a_link(client):
    client.post("/datasets")
    dataset = create_dataset(pictures=2, browser=Dataset.objects.get().browser)
    page = client.get(f"/datasets/{dataset.pk}").content.decode()
    assert "Write 2 missing captions" in page
    assert "Connect a wallet first" in page
    assert f'hx-post="{url(dataset)}"' not in page
    assert "signed-in from:document" in page


def test_a_limit_that_is_reached_is_said_and_the_page_stays(signed_in, dataset, settings):
    settings.RETOUCHES_PER_DAY = 3
    answer = signed_in.post(url(dataset), headers=HTMX)
    assert answer.status_code == 200
    assert "3 of 4 are on their way" in answer.content.decode()
    for headers in (HTMX, {}):
        answer = signed_in.post(url(dataset), headers=headers)
        assert answer.status_code == 429
        text = answer.content.decode()
        assert "A wallet may ask for 3 automatic captions and cut-outs in 24 hours." in text
        assert 'id="sheet"' in text
    assert Retouch.objects.count() == 3


def test_where_no_service_is_set_there_is_no_button(signed_in, dataset, settings):
    settings.RETOUCHER = ""
    page = signed_in.get(f"/datasets/{dataset.pk}").content.decode()
    assert "missing caption" not in page
    assert "Remove the background" not in page
    assert signed_in.post(url(dataset)).status_code == 404


def test_a_shoot_has_captions_too(signed_in, alice):
    person = alice.people.create(name="Ida")
    shoot = create_dataset(pictures=2, kind="shoot", wallet=alice, person=person, costume="fox")
    assert "Write 2 missing captions" in signed_in.get(f"/datasets/{shoot.pk}").content.decode()
    signed_in.post(url(shoot))
    assert Retouch.objects.count() == 2


def test_what_was_trained_with_does_not_change(signed_in, dataset):
    dataset.freeze()
    assert signed_in.post(url(dataset), headers=HTMX).status_code == 409
    assert not Retouch.objects.exists()


def test_it_is_nobody_elses_business_and_no_page(client, stranger, signed_in, dataset):
    assert client.__class__().post(url(dataset)).status_code == 404
    assert stranger.post(url(dataset)).status_code == 404
    assert stranger.get(url(dataset)).status_code == 404
    assert signed_in.put(url(dataset)).status_code == 405
    answer = signed_in.post(url(dataset), {f"caption-{dataset.pictures.first().pk}": "x" * 1001})
    assert answer.status_code == 422
    assert not Retouch.objects.exists()
