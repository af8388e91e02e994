"""What every template may say."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

SIMULATIONS = {
    "CHAIN_RPC_URL": gettext_lazy("payments on Base"),
    "FAL_KEY": "fal.ai",
    "REPLICATE_API_TOKEN": "Replicate",
    "ARENA_URL": "Are.na",
}
"""The outside world behind each setting of `SANDBOXED`, in the words of the pages."""


def site(request: HttpRequest | None) -> dict[str, object]:
    """The site's name, and which outside worlds are the sandbox's.

    Asks neither the request nor the database, so that the page of a failure can say it too.
    """
    return {
        "SITE_NAME": settings.SITE_NAME,
        "SANDBOXED": [words for name, words in SIMULATIONS.items() if name in settings.SANDBOXED],
        "PLAY_MONEY": settings.DEMO_WALLET,
    }
