"""`manage.py reset_second_factor 0x…`: for an admin who has lost phone and recovery codes."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from loratrainer.second_factor import forget
from wallets.fields import parse_address
from wallets.models import Wallet


class Command(BaseCommand):
    help = "Forget a wallet's second factor and end its sessions; the next visit enrols a new one."

    def add_arguments(self, parser: CommandParser) -> None:
        """The wallet."""
        parser.add_argument("address")

    def handle(self, *args: Any, **options: Any) -> None:
        """Forget it, whether the wallet is an admin's at the moment or not."""
        try:
            address = parse_address(options["address"])
        except ValidationError as exc:
            raise CommandError(" ".join(exc.messages)) from exc
        wallet = Wallet.objects.filter(address=address).first()
        if wallet is None:
            raise CommandError("No wallet with this address has ever signed in.")
        count = forget(wallet)
        wallet.end_sessions()
        self.stdout.write(
            "Its second factor is forgotten, and it is signed out everywhere."
            if count
            else "It had no second factor. It is signed out everywhere."
        )
