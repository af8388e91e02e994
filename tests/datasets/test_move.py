"""`/pictures/<uuid>/earlier` and `/later`: the order of the pictures, and so of the archive."""

from __future__ import annotations

import pytest

from datasets.models import Dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def named(draft: Dataset, upload) -> Dataset:
    for seed in range(4):
        upload(draft, seed)
    return draft


def order(dataset: Dataset) -> str:
    """The pictures by what their files were called: "0123"."""
    return "".join(picture.name[0] for picture in dataset.pictures.all())


def move(client, dataset: Dataset, name: str, way: str, **typed: str):
    picture = dataset.pictures.get(name=f"{name}.jpg")
    return client.post(f"/pictures/{picture.pk}/{way}", typed)


@pytest.mark.parametrize(
    ("name", "way", "expected"),
    [
        ("1", "earlier", "1023"),
        ("1", "later", "0213"),
        ("3", "earlier", "0132"),
        ("0", "earlier", "0123"),
        ("3", "later", "0123"),
    ],
)
def test_a_picture_changes_places_with_its_neighbour(signed_in, named, name, way, expected):
    assert move(signed_in, named, name, way).status_code == 302
    assert order(named) == expected


def test_pictures_that_are_not_chosen_are_passed_over(signed_in, named):
    named.pictures.filter(name__in=["1.jpg", "2.jpg"]).update(chosen=False)
    move(signed_in, named, "3", "earlier")
    assert order(named) == "3120"


def test_it_can_be_moved_all_the_way(signed_in, named):
    for _step in range(3):
        move(signed_in, named, "0", "later")
    assert order(named) == "1230"


def test_captions_go_with_their_pictures_and_what_is_typed_is_kept(signed_in, named):
    first, second, *_others = named.pictures.all()
    typed = {f"caption-{first.pk}": "a vase", f"caption-{second.pk}": "a bowl"}
    move(signed_in, named, "0", "later", **typed)
    captions = named.pictures.values_list("name", "caption")[:2]
    assert list(captions) == [("1.jpg", "a bowl"), ("0.jpg", "a vase")]


def test_nobody_else_can_move_it_and_a_frozen_one_stays(signed_in, stranger, named):
    assert move(stranger, named, "1", "earlier").status_code == 404
    named.freeze()
    assert move(signed_in, named, "1", "earlier").status_code == 409
    assert order(named) == "0123"
