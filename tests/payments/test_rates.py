from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.rates import Rate

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def rate(answer: int, decimals: int = 8) -> Rate:
    return Rate(answer, decimals, 1, NOW)


rates = st.builds(
    rate, answer=st.integers(min_value=10**10, max_value=10**13), decimals=st.just(8)
) | st.builds(rate, answer=st.integers(min_value=10**20, max_value=10**23), decimals=st.just(18))
cents = st.integers(min_value=1, max_value=10**8)


@settings(max_examples=10_000, deadline=None, database=None)
@given(rates, cents)
def test_p27_wei_are_whole_rounded_up_and_worth_the_full_price(rate: Rate, cents: int):
    exact = Fraction(cents * 10**18 * 10**rate.decimals, 100 * rate.answer)
    wei = rate.wei_for(cents)
    assert type(wei) is int
    assert exact <= wei < exact + 1
    assert rate.cents_for(wei) == cents


@settings(max_examples=2_000, deadline=None, database=None)
@given(rates, cents)
def test_what_is_paid_out_is_rounded_down(rate: Rate, cents: int):
    exact = Fraction(cents * 10**18 * 10**rate.decimals, 100 * rate.answer)
    wei = rate.wei_within(cents)
    assert type(wei) is int
    assert wei <= exact < wei + 1


@settings(max_examples=2_000, deadline=None, database=None)
@given(rates, st.integers(min_value=0, max_value=2**256 - 1))
def test_p37_cents_are_rounded_down_however_large_the_amount(rate: Rate, wei: int):
    exact = Fraction(wei * rate.answer * 100, 10**18 * 10**rate.decimals)
    cents = rate.cents_for(wei)
    assert type(cents) is int
    assert cents <= exact < cents + 1


@pytest.mark.parametrize(("cents", "wei"), [(400, 1_176_470_588_235_295), (1, 2_941_176_470_589)])
def test_prices_at_3400_dollars(cents: int, wei: int):
    assert rate(3400 * 10**8).wei_for(cents) == wei


def test_half_the_wei_are_half_the_cents():
    assert rate(3400 * 10**8).cents_for(1_176_470_588_235_295 // 2) == 199
