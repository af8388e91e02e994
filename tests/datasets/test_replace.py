"""`/datasets/<uuid>/replace`: find and replace over the captions, said before it is done."""

from __future__ import annotations

import pytest

from datasets.models import Dataset

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def captioned(draft: Dataset, upload) -> Dataset:
    texts = ["a red vase, red glaze", "a Red bowl", "", "red"]
    draft.write_captions({upload(draft, seed).pk: text for seed, text in enumerate(texts)})
    return draft


def captions(dataset: Dataset) -> list[str]:
    return list(dataset.pictures.values_list("caption", flat=True))


def replace(client, dataset: Dataset, text: str, by: str, **more: str):
    return client.post(f"/datasets/{dataset.pk}/replace", {"text": text, "by": by, **more})


def test_it_says_how_often_the_text_is_found_and_changes_nothing(signed_in, captioned):
    answer = signed_in.get(
        f"/datasets/{captioned.pk}/replace", {"text": "red", "by": "blue"}, headers=HTMX
    )
    text = answer.content.decode()
    assert "Found 3 times in 2 captions." in text
    assert "Replace all" in text
    assert captions(captioned)[3] == "red"


def test_what_is_in_no_caption_cannot_be_replaced(signed_in, captioned):
    answer = signed_in.get(f"/datasets/{captioned.pk}/replace", {"text": "teal"})
    assert "In no caption." in answer.content.decode()
    assert "Replace all" not in answer.content.decode()


def test_nothing_is_counted_before_something_is_typed(signed_in, captioned):
    url = f"/datasets/{captioned.pk}/replace"
    for typed in ({}, {"text": ""}):
        answer = signed_in.get(url, typed, headers=HTMX)
        assert answer.status_code == 200
        assert 'role="status"' not in answer.content.decode()


def test_all_captions_are_changed_as_they_stand(signed_in, captioned):
    answer = replace(signed_in, captioned, "red", "<b>{{7*7}}</b>", next="/draft")
    assert answer.url == "/draft"
    new = "<b>{{7*7}}</b>"
    assert captions(captioned) == [f"a {new} vase, {new} glaze", "a Red bowl", "", new]


def test_a_text_can_be_taken_out(signed_in, captioned):
    replace(signed_in, captioned, ", red glaze", "")
    assert captions(captioned)[0] == "a red vase"


def test_pictures_that_are_not_chosen_keep_their_captions(signed_in, captioned):
    captioned.pictures.filter(position=3).update(chosen=False)
    replace(signed_in, captioned, "red", "blue")
    assert captions(captioned)[3] == "red"
    assert captions(captioned)[0] == "a blue vase, blue glaze"


def test_a_caption_that_would_become_too_long_stops_all_of_them(signed_in, captioned):
    last = captioned.pictures.last()
    captioned.write_captions({last.pk: "red" + "x" * 990})
    before = captions(captioned)
    answer = replace(signed_in, captioned, "red", "a very long word")
    assert answer.status_code == 422
    assert "The caption of image 4 would have more than 1000" in answer.content.decode()
    assert captions(captioned) == before


@pytest.mark.parametrize(
    ("text", "words"), [("", "Say what to find."), ("x" * 201, "at most 200"), ("a\0b", "Null")]
)
def test_what_cannot_be_found_is_refused_in_words(signed_in, captioned, text, words):
    answer = replace(signed_in, captioned, text, "y")
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_the_captions_are_drawn_anew(signed_in, captioned):
    url = f"/datasets/{captioned.pk}/replace"
    answer = signed_in.post(url, {"text": "red", "by": "blue"}, headers=HTMX)
    assert "a blue vase, blue glaze</textarea>" in answer.content.decode()
    assert "pictures-changed" in answer.headers["HX-Trigger"]


def test_nobody_else_can_and_a_frozen_set_stays(signed_in, stranger, captioned):
    assert replace(stranger, captioned, "red", "blue").status_code == 404
    before = captions(captioned)
    captioned.freeze()
    assert replace(signed_in, captioned, "red", "blue").status_code == 409
    assert captions(captioned) == before
