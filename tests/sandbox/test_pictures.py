from __future__ import annotations

import io
import time
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageChops

from sandbox import pictures, techniques
from sandbox.pictures import Wish
from tests.sandbox.conftest import picture

WISH = Wish(prompt="TOK at night", strength=1.0, seed=5, number=4, size=(256, 256), form="jpeg")
SOURCES = [Image.open(io.BytesIO(picture(number))).convert("RGB") for number in range(5)]


def distance(one: Image.Image, two: Image.Image) -> float:
    """The mean difference of two images, 0 to 255."""
    return float(np.asarray(ImageChops.difference(one, two)).mean())


def test_the_images_of_a_batch_are_clearly_different() -> None:
    batch = [pictures.compose(SOURCES, WISH, number) for number in range(4)]
    for number, one in enumerate(batch):
        for two in batch[number + 1 :]:
            assert distance(one, two) > 15


def test_four_large_images_take_about_a_second() -> None:
    wish = replace(WISH, size=(1024, 1024))
    began = time.process_time()
    for number in range(4):
        pictures.encode(pictures.compose(SOURCES, wish, number), "jpeg", "TOK")
    assert time.process_time() - began < 3.0  # Measured 0.6 s; the limit leaves room for a busy CI.


def test_without_strength_the_pictures_hardly_show() -> None:
    other = [Image.new("RGB", (300, 300), colour) for colour in ("red", "lime", "blue")]
    weak, strong = replace(WISH, strength=0.0), replace(WISH, strength=1.0)
    hidden = distance(pictures.compose(SOURCES, weak, 0), pictures.compose(other, weak, 0))
    shown = distance(pictures.compose(SOURCES, strong, 0), pictures.compose(other, strong, 0))
    assert shown > 2.5 * hidden


@pytest.mark.parametrize("technique", techniques.ALL)
@pytest.mark.parametrize("size", [(64, 64), (200, 113)])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_technique_works_for_every_size_and_any_number_of_pictures(
    technique: techniques.Technique, size: tuple[int, int], count: int
) -> None:
    image = technique(SOURCES[:count], Random(3), size)
    assert (image.size, image.mode) == (size, "RGB")
    again = technique(SOURCES[:count], Random(3), size)
    assert image.tobytes() == again.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (3, 300), (64, 64)])
def test_an_image_has_the_size_that_was_wished_for(size: tuple[int, int]) -> None:
    for number in range(len(techniques.ALL)):
        assert pictures.compose(SOURCES, replace(WISH, size=size), number).size == size


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
def test_every_image_says_that_it_is_simulated(form: str) -> None:
    plain = Image.new("RGB", (256, 256), "white")
    data = pictures.encode(pictures.mark(plain.copy()), form, "TOK, père")
    image = Image.open(io.BytesIO(data))
    exif = image.getexif()
    assert "simulated" in exif[0x0131]
    assert exif[0x010E] == "Simulated. TOK, p?re"
    difference = ImageChops.difference(image.convert("RGB"), plain).convert("L")
    box = difference.point(lambda value: 255 * (value > 60)).getbbox()
    assert box is not None
    assert box[0] < 20
    assert box[3] > 240
    assert (box[2] - box[0]) * (box[3] - box[1]) < 256 * 256 * 0.1


def test_what_stands_before_a_plain_ground_is_cut_out() -> None:
    photo = Image.new("RGB", (200, 200), "white")
    photo.paste((200, 30, 30), (70, 70, 130, 130))
    alpha = pictures.cut_out(photo).getchannel("A")
    assert alpha.getpixel((100, 100)) == 255
    assert alpha.getpixel((100, 20)) == 0


def test_a_caption_tells_what_can_be_measured() -> None:
    assert "blue" in pictures.describe(Image.new("RGB", (200, 100), (20, 40, 230)))
    assert "tall" in pictures.describe(Image.new("RGB", (100, 200), "white"))
