"""Where a form leads when it says so itself."""

from __future__ import annotations

from django.utils.http import url_has_allowed_host_and_scheme

LENGTH = 2000
"""In characters: no page of ours has a longer address, and no QR code has room for it."""


def own_path(url: str, fallback: str = "/", *, under: str = "/") -> str:
    """Return the address if it is a path of ours, else the fallback: nobody is led elsewhere."""
    is_ours = url.startswith(under) and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    return url if is_ours and len(url) <= LENGTH and url.isprintable() else fallback
