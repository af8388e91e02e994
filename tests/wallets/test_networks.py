from __future__ import annotations

import pytest
from django.test import RequestFactory

from wallets.networks import LOGGED, network_of


def network(remote: str, forwarded: str | None = None, **options) -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return network_of(RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote), **options)


@pytest.mark.parametrize(
    ("remote", "counted", "logged"),
    [
        ("203.0.113.77", "203.0.113.77/32", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.77", "203.0.113.77/32", "203.0.113.0/24"),
        ("", "unknown", "unknown"),
        ("unix:", "unknown", "unknown"),
    ],
)
def test_w24_limits_count_customers_and_logs_keep_less(remote, counted, logged):
    assert network(remote) == counted
    assert network(remote, bits=LOGGED) == logged


def test_w24_a_header_that_anybody_can_send_is_not_believed():
    assert network("203.0.113.77", "198.51.100.1") == "203.0.113.77/32"


@pytest.mark.parametrize(
    ("hops", "forwarded", "expected"),
    [
        (1, "198.51.100.1", "198.51.100.1/32"),
        (1, "10.0.0.1, 198.51.100.1", "198.51.100.1/32"),
        (2, "10.0.0.1, 198.51.100.1, 192.0.2.9", "198.51.100.1/32"),
        (1, "nonsense", "unknown"),
        (2, "198.51.100.1", "192.0.2.1/32"),
        (1, None, "unknown"),
    ],
)
def test_w24_our_own_proxies_are_believed_as_far_as_they_wrote(settings, hops, forwarded, expected):
    settings.PROXY_HOPS = hops
    assert network("192.0.2.1", forwarded) == expected
