"""What trainings and images are said to cost: the public prices, in proportion."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from providers import get_provider
from providers.replicate import _ran_in

QUARTER = timedelta(minutes=15)


def test_fal_charges_by_the_step_and_by_the_megapixel() -> None:
    fal = get_provider("fal")
    assert fal.training_cost_cents(steps=1000, ran_in=QUARTER) == 200
    assert fal.training_cost_cents(steps=100, ran_in=timedelta(0)) == 20
    assert fal.training_cost_cents(steps=0, ran_in=QUARTER) == 0
    assert fal.generation_cost_cents(images=4, megapixels=8) == 28


def test_replicate_charges_by_the_second_and_by_the_image() -> None:
    dev, fast = get_provider("replicate"), get_provider("replicate-fast")
    assert dev.training_cost_cents(steps=0, ran_in=QUARTER) == Decimal("137.25")
    assert dev.training_cost_cents(steps=2000, ran_in=timedelta(0)) == 0
    assert fast.training_cost_cents(steps=0, ran_in=QUARTER) == 8 * Decimal("137.25")
    assert dev.generation_cost_cents(images=4, megapixels=8) == 14


@pytest.mark.parametrize("alias", ["fal", "replicate", "replicate-fast"])
def test_sums_cost_what_their_parts_cost(alias: str) -> None:
    provider = get_provider(alias)
    parts = [(100, timedelta(seconds=0.1)), (1700, timedelta(seconds=1234.567891))]
    together = provider.training_cost_cents(
        steps=sum(steps for steps, _ran in parts), ran_in=parts[0][1] + parts[1][1]
    )
    assert together == sum(
        provider.training_cost_cents(steps=steps, ran_in=ran_in) for steps, ran_in in parts
    )
    assert isinstance(together, Decimal)


@pytest.mark.parametrize(
    ("metrics", "seconds"),
    [
        ({"predict_time": 1320.5}, 1320.5),
        ({"predict_time": 0}, 0),
        ({}, None),
        (None, None),
        ({"predict_time": "12"}, None),
        ({"predict_time": -1}, None),
        ({"predict_time": float("nan")}, None),
        ({"predict_time": 1e300}, None),
    ],
)
def test_the_time_that_replicate_says_is_believed_where_it_can_be_one(metrics, seconds) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert _ran_in({"metrics": metrics}) == expected
