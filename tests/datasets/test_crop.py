"""`/pictures/<uuid>/crop`: a part of a picture, shown and trained with; the original stays."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from datasets import archives, storage
from datasets.advice import advise
from datasets.models import Dataset, Picture

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
LEFT_HALF = {"left": "0", "top": "0", "width": "50", "height": "100"}


@pytest.fixture
def picture(draft: Dataset, upload) -> Picture:
    return upload(draft, 1, size=(900, 600))


def crop(client, picture: Picture, **typed: str):
    answer = client.post(f"/pictures/{picture.pk}/crop", LEFT_HALF | typed, headers=HTMX)
    picture.refresh_from_db()
    return answer


def seen(client, picture: Picture, size: str = "640") -> Image.Image:
    answer = client.get(f"/pictures/{picture.pk}/{size}")
    return Image.open(io.BytesIO(answer.content))


def archived(picture: Picture) -> Image.Image:
    file = io.BytesIO()
    archives.write(picture.dataset, file, caption=lambda picture: "")
    return Image.open(io.BytesIO(zipfile.ZipFile(file).read("001.jpg")))


def test_a_part_is_what_is_seen_and_trained_with(signed_in, picture):
    before = picture.square_url
    original = storage.read(picture.original)
    answer = crop(signed_in, picture)
    assert answer.content.decode().lstrip().startswith('<div id="sheet"')
    assert picture.crop == [0, 0, 0.5, 1]
    assert picture.square_url != before
    assert seen(signed_in, picture).size == (450, 600)
    assert archived(picture).size == (450, 600)
    assert storage.read(picture.original) == original


def test_the_part_is_the_one_that_was_chosen(signed_in, draft, upload):
    picture = upload(draft, 2, size=(800, 800))
    whole = archived(picture)
    crop(signed_in, picture, left="25", top="50", width="50", height="50")
    expected = whole.crop((200, 400, 600, 800)).resize((8, 8), Image.Resampling.BOX)
    found = archived(picture).resize((8, 8), Image.Resampling.BOX)
    differences = [abs(a - b) for a, b in zip(expected.tobytes(), found.tobytes(), strict=True)]
    assert max(differences) < 12


def test_all_of_it_comes_back(signed_in, picture):
    crop(signed_in, picture)
    crop(signed_in, picture, whole="1", left="")
    assert picture.crop == []
    assert archived(picture).size == (900, 600)


def test_the_part_turns_with_the_picture(signed_in, draft, upload):
    """Its upper left quarter is the upper right one after a turn."""
    picture = upload(draft, 3, size=(1200, 800))
    crop(signed_in, picture, width="50", height="40")
    before = archived(picture)
    picture.rotate()
    picture.refresh_from_db()
    assert picture.crop == [0.6, 0, 1, 0.5]
    assert picture.shown_size == archived(picture).size == (before.height, before.width)
    for _turn in range(3):
        picture.rotate()
        picture.refresh_from_db()
    assert picture.crop == pytest.approx([0, 0, 0.5, 0.4])


def test_the_dialog_shows_all_of_it_and_where_the_part_is(signed_in, picture):
    crop(signed_in, picture, left="10.5", width="80")
    answer = signed_in.get(f"/pictures/{picture.pk}/crop", headers=HTMX)
    text = answer.content.decode()
    assert text.lstrip().startswith("<dialog")
    assert 'value="10.5"' in text
    assert 'value="80.0"' in text
    assert seen(signed_in, picture, "whole").size == (640, 427)
    assert "<html" in signed_in.get(f"/pictures/{picture.pk}/crop").content.decode()


def test_a_plain_form_leads_back(signed_in, picture):
    answer = signed_in.post(f"/pictures/{picture.pk}/crop", LEFT_HALF | {"next": "/draft"})
    assert (answer.status_code, answer["Location"]) == (302, "/draft")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"left": "60"}, "over the edge"),
        ({"width": "20"}, "would leave 180 × 600 pixels. It needs 256"),  # noqa: RUF001
        ({"width": "0"}, "would leave 0 × 600"),  # noqa: RUF001
        ({"left": "-1"}, "greater than or equal to 0"),
        ({"height": "101"}, "less than or equal to 100"),
        ({"top": "nan"}, "Enter a number"),
        ({"top": "inf"}, "Enter a number"),
        ({"top": "{{7*7}}"}, "Enter a number"),
        ({"height": ""}, "required"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_changes(signed_in, picture, typed, words):
    answer = crop(signed_in, picture, **typed)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert picture.crop == []


def test_a_small_picture_can_still_be_used_whole(signed_in, draft, upload):
    picture = upload(draft, 1, size=(256, 300))
    assert crop(signed_in, picture, width="100").status_code == 200
    assert picture.crop == []


def test_a_stranger_finds_nothing(stranger, picture):
    for address in ("crop", "whole"):
        assert stranger.get(f"/pictures/{picture.pk}/{address}").status_code == 404
    assert crop(stranger, picture).status_code == 404
    assert picture.crop == []


def test_a_frozen_picture_stays(signed_in, draft, upload):
    first, *_others = [upload(draft, seed, size=(900, 600)) for seed in range(4)]
    draft.freeze()
    assert crop(signed_in, first).status_code == 409
    assert first.crop == []


def test_a_copy_has_the_same_parts(signed_in, draft, picture):
    crop(signed_in, picture)
    assert draft.copy().pictures.get().crop == [0, 0, 0.5, 1]


def test_the_strip_and_the_digest_know_the_part(signed_in, draft, upload):
    first, *_others = [upload(draft, seed, size=(900, 600)) for seed in range(4)]
    draft.develop_strip()
    before = draft.strip, draft._digest()
    crop(signed_in, first)
    draft.refresh_from_db()
    draft.develop_strip()
    assert draft.strip != before[0]
    assert draft._digest() != before[1]


def test_the_advice_is_about_the_part(signed_in, draft, upload):
    first, twin = upload(draft, 1, size=(900, 600)), upload(draft, 1, size=(900, 600))
    crop(signed_in, twin)
    pictures = list(draft.pictures.all())
    advise(pictures)
    assert pictures[0].advice == []
    assert pictures[1].advice == ["Small: 450 × 600 pixels"]  # noqa: RUF001
    crop(signed_in, first)
    pictures = list(draft.pictures.all())
    advise(pictures)
    assert "The same as image 1" in pictures[1].advice
