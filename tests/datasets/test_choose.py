"""`POST /datasets/<uuid>/choose`: which pictures to train with."""

from __future__ import annotations

from uuid import uuid4

import pytest

from datasets.models import Dataset

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def pictures(draft, upload):
    return [upload(draft, seed) for seed in range(4)]


@pytest.fixture
def choose(signed_in, draft):
    def choose(*pictures, headers=None, **posted):
        posted |= {"picture": [str(getattr(picture, "pk", picture)) for picture in pictures]}
        return signed_in.post(f"/datasets/{draft.pk}/choose", posted, headers=headers or {})

    return choose


def test_exactly_the_posted_ones_are_chosen(choose, draft, pictures):
    assert choose(pictures[2], pictures[0]).status_code == 302
    assert list(draft.pictures.chosen()) == [pictures[0], pictures[2]]
    choose()
    assert draft.pictures.chosen().count() == 0


def test_htmx_gets_the_sheet_and_the_captions(choose, pictures):
    answer = choose(pictures[1], headers=HTMX)
    page = answer.content.decode()
    assert page.lstrip().startswith('<div id="sheet"')
    assert "HX-Reswap" not in answer.headers
    assert f"caption-{pictures[1].pk}" in page
    assert f"caption-{pictures[0].pk}" not in page
    assert ">1 of 4 chosen" in page
    assert 'id="captions"' in page
    assert "pictures-changed" in answer.headers["HX-Trigger"]


def test_all_and_none_draw_the_sheet_anew(choose, draft, pictures):
    answer = choose(which="none", headers=HTMX)
    assert draft.pictures.chosen().count() == 0
    assert answer.headers["HX-Reswap"] == "outerHTML"
    choose(which="all")
    assert draft.pictures.chosen().count() == 4


def test_more_than_fit_are_refused_in_words(choose, draft, pictures, settings):
    settings.PICTURES_MAX = 3
    answer = choose(*pictures)
    assert answer.status_code == 422
    assert "A training takes at most 3 pictures." in answer.content.decode()
    assert choose(which="all").status_code == 302
    assert draft.pictures.chosen().count() == 3


def test_at_the_limit_the_others_are_off(choose, draft, pictures, settings, signed_in):
    settings.PICTURES_MAX = 3
    choose(*pictures[:3])
    page = signed_in.get(f"/datasets/{draft.pk}").content.decode()
    assert page.count(" disabled data-over") == 1


def test_a_picture_of_somebody_else_is_not_found(choose, draft, pictures, upload, bob):
    """Z11."""
    theirs = upload(Dataset.objects.create(kind="draft", wallet=bob))
    assert choose(pictures[0], theirs).status_code == 404
    assert choose(uuid4()).status_code == 404
    assert draft.pictures.chosen().count() == 4


def test_what_is_no_number_is_refused(choose, pictures, draft):
    assert choose("1 OR 1=1").status_code == 422
    assert draft.pictures.chosen().count() == 4
