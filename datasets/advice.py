"""What a person should know about pictures before they pay; nothing of it forbids a training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from datasets.pictures import Picture
from datasets.quality import distance

SMALL_SIDE = 512
"""The trainers work with 512, 768 and 1024 pixels."""
BLURRED_BELOW = 20.0
DARK_BELOW = 30.0
BRIGHT_ABOVE = 235.0
FLAT_BELOW = 12.0
NEAR = 10
"""Of 256 bits. A copy that was resized or brightened differs in fewer; two pots of one kiln, on the
same table, differ in more."""


def advise(pictures: Sequence[Picture]) -> None:
    """Set `advice`, in words, on the pictures that are kept; all of a set, in its order."""
    earlier: list[tuple[int, Picture]] = []
    for number, picture in enumerate(pictures, 1):
        if not picture.is_kept:
            continue
        picture.advice = list(_alone(picture))
        if picture.chosen:  # A twin that is not chosen does no harm.
            picture.advice += _twins(picture, earlier)
            earlier.append((number, picture))


def _twins(picture: Picture, earlier: Sequence[tuple[int, Picture]]) -> list[str]:
    # Two parts of one picture are two pictures.
    earlier = [(number, other) for number, other in earlier if other.crop == picture.crop]
    for number, other in earlier:
        if other.sha256 == picture.sha256:
            return [_("The same as image {number}").format(number=number)]
    if _is_flat(picture):
        return []  # Where nothing is to see, nothing tells pictures apart.
    for number, other in earlier:
        if distance(other.fingerprint, picture.fingerprint) <= NEAR:
            return [_("Nearly the same as image {number}").format(number=number)]
    return []


def _alone(picture: Picture) -> Iterable[str]:
    width, height = picture.shown_size
    if min(width, height) < SMALL_SIDE:
        words = _("Small: {width} × {height} pixels")  # noqa: RUF001
        yield words.format(width=width, height=height)
    if _is_flat(picture):
        yield _("Hardly anything to see")
    elif (picture.brightness or 0) < DARK_BELOW:
        yield _("Very dark")
    elif (picture.brightness or 0) > BRIGHT_ABOVE:
        yield _("Very bright")
    elif (picture.sharpness or 0) < BLURRED_BELOW:
        yield _("Blurred")


def _is_flat(picture: Picture) -> bool:
    return (picture.contrast or 0) < FLAT_BELOW
