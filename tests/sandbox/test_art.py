from __future__ import annotations

import time

import pytest
from PIL import ImageStat

from sandbox import art


@pytest.mark.parametrize("style", art.STYLES)
def test_a_picture_is_the_same_every_time_and_unlike_its_neighbour(style: str):
    first, again = (art.draw(style, 3, 320, 400) for _ in range(2))

    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != art.draw(style, 4, 320, 400).tobytes()


@pytest.mark.parametrize("style", art.STYLES)
def test_a_picture_has_the_size_that_was_asked_for_and_is_not_flat(style: str):
    picture = art.draw(style, 0, 320, 400)

    assert (picture.mode, picture.size) == ("RGB", (320, 400))
    assert min(ImageStat.Stat(picture.convert("L")).stddev) > 10


@pytest.mark.parametrize("style", art.STYLES)
def test_a_picture_in_its_own_size_costs_less_than_a_second_of_work(style: str):
    chosen = art.STYLES[style]
    began = time.thread_time()

    art.draw(style, 1, chosen.width, chosen.height)

    assert time.thread_time() - began < 1


@pytest.mark.parametrize("style", art.STYLES)
def test_neighbours_have_titles_of_their_own(style: str):
    titles = [art.STYLES[style].title(seed) for seed in range(12)]

    assert len(set(titles)) == 12
    assert all(title and title[0].isupper() for title in titles)


def test_an_unknown_style_is_refused():
    with pytest.raises(KeyError):
        art.draw("finger-paint", 0, 10, 10)
