from __future__ import annotations

import pytest

from payments.templatetags.payments import about_eth, eth, usd


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (0, "$0"),
        (1, "$0.01"),
        (231, "$2.31"),
        (400, "$4"),
        (-201, "-$2.01"),
        (123_456, "$1,234.56"),
    ],
)
def test_dollars(cents, text):
    assert usd(cents) == text


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (1_176_470_588_235_295, "0.001176470588235295"),
        (10**18, "1"),
        (15 * 10**17, "1.5"),
        (1, "0.000000000000000001"),
        (2**256 - 1, f"{(2**256 - 1) // 10**18}.584007913129639935"),
    ],
)
def test_ether_is_written_exactly(wei, text):
    assert eth(wei) == text


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (1_176_470_588_235_295, "0.00118"),
        (999_900_000_000_000, "0.001"),
        (10**18, "1"),
        (1, "0.000000000000000001"),
    ],
)
def test_ether_is_written_roughly_and_never_too_little(wei, text):
    assert about_eth(wei) == text
