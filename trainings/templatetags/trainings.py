"""How pages write durations and trigger words."""

from __future__ import annotations

from datetime import timedelta

from django import template
from django.utils.translation import gettext as _

register = template.Library()

FITTING = (9, 13, 18, 24)
"""Letters up to which a title fits with the size of the class `fit-…`; none is longer."""


@register.filter
def lasting(duration: timedelta) -> str:
    """Write a duration as `48 s`, `3 min`, `2 h 5 min`."""
    seconds = max(0, round(duration.total_seconds()))
    if seconds < 90:
        return _("{seconds} s").format(seconds=seconds)
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return _("{minutes} min").format(minutes=minutes)
    return _("{hours} h {minutes} min").format(hours=hours, minutes=minutes)


@register.filter
def fitting(word: str) -> str:
    """Return the class with which a trigger word stays in one line as a title, if it needs one."""
    return "" if len(word) < 7 else f"fit-{next(most for most in FITTING if len(word) <= most)}"
