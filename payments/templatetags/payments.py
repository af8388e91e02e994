"""How pages write money."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from payments.rates import CENTS, WEI

register = template.Library()

SHORT_DIGITS = 3
"""So many digits that say something tell an amount of ETH roughly."""


@register.filter
def usd(cents: int) -> str:
    """Write US cents as `$4`, `$2.31`, `-$4`; in Russian `4 $`, `2,31 $`, `-4 $`."""
    digits = 2 if cents % CENTS else 0
    amount = number_format(Decimal(abs(cents)) / CENTS, digits, force_grouping=True)
    return f"{'-' if cents < 0 else ''}{_('${amount}').format(amount=amount)}"


@register.filter
def whole(cents: Decimal) -> int:
    """Round an estimate to whole US cents, a half up."""
    return int(cents.quantize(Decimal(1), ROUND_HALF_UP))


@register.filter
def eth(wei: int) -> str:
    """Write wei as ether, exactly: `0.001176470588235295`."""
    whole, rest = divmod(wei, WEI)
    return f"{whole}.{rest:018d}".rstrip("0").rstrip(".")


@register.filter
def about_eth(wei: int) -> str:
    """Write wei as ether with three digits, rounded up: `0.00118`."""
    step = 10 ** max(len(str(wei)) - SHORT_DIGITS, 0)
    return eth(-(-wei // step) * step)
