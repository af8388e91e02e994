"""`/datasets/<uuid>/progress`: polled while a worker loads, and not a moment longer."""

from __future__ import annotations

import pytest

from datasets.models import Picture

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def page(browser, draft) -> str:
    answer = browser.get(f"/datasets/{draft.pk}/progress", headers=HTMX)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_it_is_asked_again_only_while_there_is_work(signed_in, draft):
    assert "hx-trigger" not in page(signed_in, draft)
    draft.open_channel("glaze-tests")
    assert 'hx-trigger="every 1s"' in page(signed_in, draft)
    draft.fail("This channel is empty.")
    assert "hx-trigger" not in page(signed_in, draft)


def test_it_says_how_far_the_pictures_are(signed_in, draft, upload):
    draft.open_channel("glaze-tests")
    for place in range(4):
        Picture.objects.create(dataset=draft, position=place, block_id=place, chosen=False)
    Picture.objects.filter(position=0).update(thumbnails="pictures/x")
    Picture.objects.filter(position=1).update(problem="Damaged.")
    draft.renew(note="Loading pictures: 2 of 4.")
    shown = page(signed_in, draft)
    assert 'value="50"' in shown
    assert "Loading pictures: 2 of 4." in shown
    assert shown.count('class="pending"') == 3
    assert "Damaged." in shown


def test_a_long_channel_is_asked_for_less_often(signed_in, draft):
    draft.open_channel("mixed-300")
    Picture.objects.bulk_create(
        Picture(dataset=draft, position=place, block_id=place, chosen=False) for place in range(150)
    )
    assert 'hx-trigger="every 3s"' in page(signed_in, draft)


def test_opened_as_a_page_it_is_the_page(signed_in, draft):
    answer = signed_in.get(f"/datasets/{draft.pk}/progress")
    assert answer.url == f"/datasets/{draft.pk}"
    assert "HX-Request" in answer.headers["Vary"]
