"""Where a request comes from, as far as limits and logs need to know."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

COUNTED = {4: 32, 6: 64}
"""Bits of an address that limits count by: one customer of a provider gets a whole IPv6 /64."""
LOGGED = {4: 24, 6: 64}
"""Bits of an address that logs may keep."""


def network_of(request: HttpRequest, bits: dict[int, int] = COUNTED) -> str:
    """Return the network that the request comes from, like `203.0.113.7/32` or `2001:db8::/64`.

    `X-Forwarded-For` is believed only as far as `PROXY_HOPS` proxies of our own have written it.
    """
    address = _address_of(request)
    if address is None:
        return "unknown"
    return str(ip_network((address, bits[address.version]), strict=False))


def _address_of(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    text = request.META.get("REMOTE_ADDR", "")
    hops: int = settings.PROXY_HOPS
    if hops:
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")
        text = forwarded[-hops] if len(forwarded) >= hops else text
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
