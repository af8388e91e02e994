"""Which strength looks most like the training pictures: on made pictures that leave no doubt."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy
import pytest
from PIL import Image, ImageEnhance, ImageOps

from generations.likeness import Look, distance, is_burnt, look_of, suggest, together
from tests.datasets.photographs import drawing

GIVEN = [look_of(drawing(seed)) for seed in range(4)]
"""The training pictures: drawings of one hand."""


def good(seed: int) -> Image.Image:
    """Another drawing of the same hand."""
    return drawing(seed)


def washed_out(seed: int) -> Image.Image:
    picture = drawing(seed)
    return Image.blend(picture, Image.new("RGB", picture.size, "#b8b8b8"), 0.7)


def slightly_washed_out(seed: int) -> Image.Image:
    picture = drawing(seed)
    return Image.blend(picture, Image.new("RGB", picture.size, "#b8b8b8"), 0.3)


def clipped(seed: int) -> Image.Image:
    return ImageOps.posterize(ImageEnhance.Contrast(drawing(seed)).enhance(6), 1)


def glowing(seed: int) -> Image.Image:
    return ImageEnhance.Color(drawing(seed)).enhance(8)


def noisy(seed: int) -> Image.Image:
    pixels = numpy.asarray(drawing(seed), numpy.int16)
    noise = numpy.random.default_rng(seed).normal(0, 60, pixels.shape)
    return Image.fromarray(numpy.clip(pixels * 0.5 + 60 + noise, 0, 255).astype(numpy.uint8))


def looks(make: Callable[[int], Image.Image], number: int = 3) -> list[Look]:
    return [look_of(make(seed)) for seed in range(10, 10 + number)]


@pytest.mark.parametrize("burnt", [clipped, glowing, noisy])
def test_the_good_one_is_suggested_whatever_stands_beside_it(burnt):
    """In every order: the number of a strength says nothing."""
    for order in permutations((washed_out, good, burnt)):
        drawn = dict(zip((0.8, 1.0, 1.5), map(looks, order), strict=True))
        assert suggest(GIVEN, drawn, of=3) == (0.8, 1.0, 1.5)[order.index(good)]


def test_the_less_washed_out_the_nearer():
    like = together(GIVEN)
    near = [
        distance(together(looks(make)), like) for make in (good, slightly_washed_out, washed_out)
    ]
    assert near == sorted(near)
    assert near[0] < near[1] / 2


@pytest.mark.parametrize(
    ("make", "expected"),
    [(good, False), (washed_out, False), (clipped, True), (glowing, True), (noisy, True)],
)
def test_what_burns_out_is_told_from_what_does_not(make, expected):
    assert is_burnt(together(looks(make)), GIVEN) is expected


def test_a_burnt_one_is_not_suggested_even_if_nothing_else_is_as_near():
    drawn = {1.0: looks(washed_out), 2.0: looks(clipped)}
    assert suggest(GIVEN, drawn, of=3) == 1.0


def test_pictures_that_are_noisy_themselves_make_noise_no_fault():
    given = [look_of(noisy(seed)) for seed in range(4)]
    assert not is_burnt(together(looks(noisy)), given)
    assert suggest(given, {1.0: looks(washed_out), 2.0: looks(noisy)}, of=3) == 2.0


def test_pictures_in_black_and_white_alone_make_clipping_no_fault():
    given = [look_of(clipped(seed)) for seed in range(4)]
    assert not is_burnt(together(looks(clipped)), given)


def test_of_equals_the_weakest_is_suggested():
    assert suggest(GIVEN, {2.0: looks(good), 1.0: looks(good), 1.5: looks(good)}, of=3) == 1.0


def test_what_the_weakest_has_already_is_the_prompts_doing():
    """Their detail is far beyond that of smooth pictures; the nearest is suggested all the same."""
    smooth = [look_of(Image.new("RGB", (64, 64), shade)) for shade in ("#7a7f80", "#6f7a74")]
    assert is_burnt(together(looks(slightly_washed_out)), smooth)
    drawn = {0.8: looks(good), 1.0: looks(slightly_washed_out), 2.0: looks(noisy)}
    assert suggest(smooth, drawn, of=3) == 1.0


def test_nothing_is_suggested_when_nothing_was_drawn_or_given():
    assert suggest(GIVEN, {1.0: [], 2.0: []}, of=3) is None
    assert suggest(GIVEN, {}, of=3) is None
    assert suggest([], {1.0: looks(good)}, of=3) is None


def test_with_less_than_half_of_its_images_a_strength_is_not_judged():
    drawn = {1.0: looks(good, 1), 1.5: looks(slightly_washed_out, 2), 2.0: looks(washed_out)}
    assert suggest(GIVEN, drawn, of=3) == 1.5
    assert suggest(GIVEN, {1.0: looks(good, 1)}, of=2) == 1.0


def test_the_size_of_an_image_hardly_matters():
    large = drawing(7, (1024, 1024))
    small = large.resize((512, 512), Image.Resampling.BILINEAR)
    assert distance(look_of(large), look_of(small)) < 0.05


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 3), (4000, 1)])
def test_the_smallest_and_the_plainest_images_are_measured_too(size):
    look = look_of(Image.new("RGB", size, "black"))
    assert (look.clipped, look.colourfulness) == (1.0, 0.0)
    assert len(look.colours) == 768
    assert look.colours[255::256] == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK"])
def test_every_kind_of_pixels_is_measured(mode):
    assert look_of(drawing(1).convert(mode)).detail > 0
