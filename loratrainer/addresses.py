"""Which of the addresses that somebody gave us may be asked at all: rules, and no network.

The rules are those of the OWASP cheat sheet "Server-Side Request Forgery Prevention": a list of
hosts first, then a list of networks for whatever the names of those hosts turn out to mean.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Collection

import httpx
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from loratrainer.outcomes import GiveUp

logger = logging.getLogger(__name__)

NOT_ALLOWED = gettext_lazy("We do not load files from this address.")
UNREACHABLE = gettext_lazy("The file could not be loaded from its address.")
"""One text for everything that happens on the network, so that it tells nothing about ours."""

HOSTNAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A name of two labels or more (RFC 1123, 2.1), in lower case, without the dot at the end."""

UNICAST_IPV6 = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that IANA has given out. Outside lie loopback, private, link-local and multicast
addresses, and the forms that carry an IPv4 address (mapped, compatible, NAT64)."""

# `ip_address(...).is_global` is true for some of these, and not the same from
# one Python to the next. Source: the IANA special-purpose address registries for IPv4 and IPv6.
DENIED_NETWORKS = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, where clouds answer with credentials
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
]


class Refused(GiveUp):
    """We do not load this. The message is meant for the person who gave us the address."""


def refuse(message: str | Promise, host: str, reason: str) -> Refused:
    """The exception to raise, after a line in the log that says why; it holds no path or query."""
    logger.warning("Refused to load from %.100r: %s.", host, reason)
    return Refused(message)


def check_url(url: str, *, allowed: Collection[str]) -> httpx.URL:
    """Parse an address and hold it against the list; nothing is resolved or asked.

    An entry of `allowed` is a host ("replicate.delivery"), what its true subdomains end in
    (".are.na"), any public host ("*"), or an origin of our own ("http://127.0.0.1:42000"). Hosts
    are reached by HTTPS on port 443 only; an origin is taken as it is written, and its IP address
    is not judged.

    Raises `Refused`.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise refuse(NOT_ALLOWED, "", "not a URL") from error
    host = parsed.raw_host.decode("ascii")
    if parsed.userinfo:
        raise refuse(NOT_ALLOWED, host, "has a user name")
    if is_own_origin(parsed, allowed):
        return parsed
    if parsed.scheme != "https" or parsed.port is not None:  # httpx leaves out the default port.
        raise refuse(NOT_ALLOWED, host, "not HTTPS on port 443")
    if not HOSTNAME.fullmatch(host) or not any(_covers(entry, host) for entry in allowed):
        raise refuse(NOT_ALLOWED, host, "host not on the list")
    return parsed


def is_own_origin(url: httpx.URL, allowed: Collection[str]) -> bool:
    """Whether the list holds the very scheme, host and port of this address, as the sandbox's."""
    origins = [httpx.URL(entry) for entry in allowed if "://" in entry]
    return any(
        (url.scheme, url.raw_host, url.port) == (origin.scheme, origin.raw_host, origin.port)
        for origin in origins
    )


def is_public(address: str) -> bool:
    """Whether an IP address, as text, belongs to the public internet and to one machine there."""
    ip = ipaddress.ip_address(address)
    if ip.version == 6 and ip not in UNICAST_IPV6:
        return False
    return not any(ip in network for network in DENIED_NETWORKS)


def _covers(entry: str, host: str) -> bool:
    if entry.startswith("."):
        return host.endswith(entry)
    return entry in {"*", host}
