"""`manage.py seed --loras 1000000`: a wall to look at and to measure, on a local installation."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from gallery.seeding import Seeding
from loratrainer.environment import LOCAL

MOST_WITH_PICTURES = 5_000
"""Each picture of a LoRA is a row of its own."""


class Command(BaseCommand):
    """Add LoRAs that nobody has trained; never where real ones are."""

    help = "Add LoRAs that nobody has trained, of the last two years."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take how many, and whether they have pictures."""
        parser.add_argument("--loras", type=int, default=100, help="how many to add")
        parser.add_argument(
            "--pictures",
            action="store_true",
            help=f"draw some sets of pictures, and share them out; for {MOST_WITH_PICTURES:,} "
            "LoRAs at most",
        )

    def handle(self, *args: Any, loras: int, pictures: bool, **options: Any) -> None:
        """Add them, and say how long it took."""
        if not (settings.DEBUG or LOCAL):
            raise CommandError("This is no local installation: its wall is for real LoRAs.")
        if loras < 1:
            raise CommandError("Add at least one LoRA.")
        if pictures and loras > MOST_WITH_PICTURES:
            raise CommandError(f"Pictures are drawn for {MOST_WITH_PICTURES:,} LoRAs at most.")
        begun_at = time.monotonic()
        Seeding(loras, with_pictures=pictures).run()
        self.stdout.write(f"{loras:,} LoRAs in {time.monotonic() - begun_at:.0f} s.")
