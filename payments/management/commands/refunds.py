"""`manage.py refunds`: what was paid back, what is on its way, and what keeps it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from payments.models import Refund
from payments.templatetags.payments import eth, usd


class Command(BaseCommand):
    """List refunds, the newest first."""

    help = "List refunds with their states, the newest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take which, and how many."""
        parser.add_argument("--open", action="store_true", help="only what is on its way")
        parser.add_argument("--limit", type=int, default=50, help="how many at most")

    def handle(self, *args: Any, limit: int, **options: Any) -> None:
        """Write three lines for each."""
        found = Refund.objects.on_their_way() if options["open"] else Refund.objects.all()
        for refund in found.select_related("entry").newest()[: max(limit, 0)]:
            self.stdout.write(_lines(refund))
        if not found.exists():
            self.stdout.write("There are no refunds.")


def _lines(refund: Refund) -> str:
    why = refund.error or refund.note
    return (
        f"{refund.created_at:%Y-%m-%d %H:%M}  {refund.status:<12}  {usd(refund.cents)}, "
        f"{eth(refund.wei)} ETH to {refund.recipient}\n"
        f"    transaction {refund.nonce} of {refund.payer}\n"
        f"    {refund.hash}" + (f"\n    {why}" if why else "")
    )
