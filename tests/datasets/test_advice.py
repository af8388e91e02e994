"""What is said about pictures before anybody pays."""

from __future__ import annotations

import pytest
from PIL import Image, ImageEnhance, ImageFilter

from datasets import decoding
from datasets.advice import advise
from tests.datasets.photographs import drawing, encoded

pytestmark = pytest.mark.django_db
BIG = (900, 700)


@pytest.fixture
def add(draft):
    def add(*images: Image.Image, form: str = "JPEG"):
        for image in images:
            draft.add_upload(decoding.develop(encoded(image, form)), name="x")
        pictures = list(draft.pictures.all())
        advise(pictures)
        return [list(picture.advice) for picture in pictures]

    return add


def test_nothing_is_said_about_good_pictures(add):
    assert add(drawing(1, BIG), drawing(2, BIG)) == [[], []]


def test_a_small_picture(add):
    assert add(drawing(1, (900, 400))) == [["Small: 900 × 400 pixels"]]  # noqa: RUF001


def test_a_blurred_picture(add):
    assert add(drawing(1, BIG).filter(ImageFilter.GaussianBlur(12))) == [["Blurred"]]


def test_dark_bright_and_empty_pictures(add):
    corner = drawing(1, (400, 300))
    dark, bright = Image.new("RGB", BIG, "black"), Image.new("RGB", BIG, "white")
    dark.paste(corner)
    bright.paste(corner.resize((250, 200)))
    empty = Image.new("RGB", BIG, (90, 90, 90))
    assert add(dark, bright, empty) == [["Very dark"], ["Very bright"], ["Hardly anything to see"]]


def test_twins_are_found_however_they_were_saved(add):
    original = drawing(1, BIG)
    resized = original.resize((700, 544))
    brighter = ImageEnhance.Brightness(original).enhance(1.1)
    assert add(drawing(2, BIG), original, original, resized, brighter) == [
        [],
        [],
        ["The same as image 2"],
        ["Nearly the same as image 2"],
        ["Nearly the same as image 2"],
    ]


def test_a_twin_that_is_not_chosen_does_no_harm(add, draft):
    add(drawing(1, BIG), drawing(1, BIG))
    draft.choose([draft.pictures.first().pk])
    assert add()[0] == []
    assert add()[1] == []
