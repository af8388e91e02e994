"""How the wall shows a LoRA: its row, drawn once and kept for as long as it says the same."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext, override
from django.utils.translation import gettext as _

from gallery.wall import Lora, Wall
from trainings.states import Kind
from trainings.ticket import FRAMES
from wallets.models import Wallet

EAGER = 3
"""How many rows are above the fold of a large screen: their strips are not loaded lazily."""
KEPT = 1_000
"""How many rows a process keeps, of about 5 kB each."""


def row_html(lora: Lora, place: int) -> SafeString:
    """Return parts/row.html for a LoRA at a place of its page, counted from 0.

    Drawing twenty rows takes ten times as long as all the rest of a page. A row that was drawn with
    the same facts in the same language is taken as it is, except where templates are being written.
    """
    language, eager = get_language() or settings.LANGUAGE_CODE, place < EAGER
    draw = _draw if settings.LOCAL else _kept
    return draw(lora, settings.SITE_URL, language, eager)


def _draw(lora: Lora, origin: str, language: str, eager: bool) -> SafeString:  # noqa: FBT001
    with override(language):
        context = {"row": row(lora, origin, eager=eager)}
        return render_to_string("parts/row.html", context)


_kept = lru_cache(maxsize=KEPT)(_draw)


def row(lora: Lora, origin: str, *, eager: bool) -> dict[str, Any]:
    """Return the `row` of parts/row.html; `origin` is how addresses that people copy begin."""
    wallet = Wallet(address=lora.wallet)
    download_url = reverse("trainings:weights", args=[lora.id])
    return {
        "url": reverse("gallery:lora", args=[lora.id]),
        "name": lora.trigger_word,
        "about": about(lora),
        "hue": lora.hue,
        "strip": strip(lora, eager=eager),
        "channel": lora.channel_title or lora.channel,
        "channel_url": Wall(channel=lora.channel).url() if lora.channel else "",
        "steps": lora.training_steps,
        "images": lora.picture_count,
        "wallet": wallet.address,
        "wallet_url": wallet.explorer_url,
        "by_url": Wall(wallet=wallet.address).url(),
        "at": lora.completed_at,
        "generate_url": reverse("generations:generate", args=[lora.id]),
        "weights_url": origin + download_url,
        "download_url": download_url,
        "size": lora.weights_size,
    }


def about(lora: Lora) -> str:
    """Say in a line what it is called, what kind it is, and how much was generated with it."""
    if lora.image_count:
        generated = ngettext("{number} generated", "{number} generated", lora.image_count)
        generated = generated.format(number=number_format(lora.image_count, force_grouping=True))
    else:
        generated = _("Nothing generated yet")
    # What stands beside it already is not said twice.
    name = lora.name if lora.name not in (lora.trigger_word, lora.channel_title) else ""
    return " · ".join(part for part in (name, str(Kind(lora.kind).label), generated) if part)


def strip(lora: Lora, *, eager: bool) -> dict[str, Any]:
    """Return the `strip` of parts/strip.html, whose address changes with its frames."""
    return {
        "src": f"{reverse('gallery:strip', args=[lora.id])}?v={lora.digest[:12]}",
        "placeholder": lora.placeholder,
        "alt": _("{frames} of the {all} training images for {name}").format(
            frames=min(FRAMES, lora.picture_count), all=lora.picture_count, name=lora.trigger_word
        ),
        "tail": f"+{lora.picture_count - FRAMES}" if lora.picture_count > FRAMES else "",
        "eager": eager,
    }
