"""How pages show a wallet."""

from __future__ import annotations

import colorsys
import hashlib

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from wallets.models import shorten_address

register = template.Library()

register.filter("short_address", shorten_address)


@register.simple_tag
def glyph(address: str) -> SafeString:
    """Draw the address as five by five squares, mirrored, in two colours of its own.

    It needs no style and no script, and says nothing that the address beside it does not say.
    """
    digest = hashlib.sha256(address.lower().encode()).digest()
    cells = [
        f"M{column} {row}h1v1h-1z"
        for row in range(5)
        for column in range(5)
        if digest[row * 3 + min(column, 4 - column)] % 2
    ]
    return format_html(
        '<svg class="glyph" viewBox="0 0 5 5" shape-rendering="crispEdges" aria-hidden="true">'
        '<path fill="{}" d="M0 0h5v5H0z"/><path fill="{}" d="{}"/></svg>',
        _colour(digest[30], lightness=0.86),
        _colour(digest[31], lightness=0.5),
        "".join(cells),
    )


def _colour(hue: int, *, lightness: float) -> str:
    channels = colorsys.hls_to_rgb(hue / 256, lightness, 0.55)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
