"""The wall, and what its owner alone sees above it."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url

from gallery.caching import for_everybody
from gallery.forms import WallForm
from gallery.rows import row_html
from gallery.wall import PAGE, BadCursor, Sort, Wall
from providers import get_services
from trainings import own
from trainings.models import Training
from trainings.progress import WORKING
from trainings.states import Kind
from wallets.http import Request
from wallets.models import Wallet

logger = logging.getLogger(__name__)

PINNED = 5
"""How many unfinished trainings are pinned above the wall; the others are on their own page."""


@for_everybody
@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def loras(request: Request) -> HttpResponse:
    """The wall in one of its views, or the rows behind a place in it. The same for everybody."""
    form = WallForm(request.GET)
    if not form.is_valid():
        words = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return trouble(request, Wall(), 400, _("The gallery cannot be shown like that"), words)
    wall, before = form.wall(), request.GET.get("before", "")
    try:
        context = rows_of(wall, before)
    except BadCursor:
        words = _("This place in the list is none of ours: the address was changed or cut off.")
        return trouble(request, wall, 400, _("The list cannot go on from there"), words)
    except OperationalError:
        logger.exception("The wall was not read")
        words = _("The database did not answer in time. Nothing is lost; trainings keep running.")
        return trouble(request, wall, 503, _("The gallery did not load"), words)
    if not request.htmx:
        return render(request, "gallery/loras.html", context)
    if before:
        return render(request, "gallery/loras.html#rows", context)
    # The form's own address would name what was not chosen, too.
    return push_url(render(request, "gallery/loras.html#wall", context), wall.url())


def rows_of(wall: Wall, before: str) -> dict[str, Any]:
    """Return the rows behind a place, how many there are, and the ways on. Raises `BadCursor`."""
    page = wall.page(before)
    count = number_format(page.count, force_grouping=True)
    return around(wall) | {
        "rows": [row_html(lora, place) for place, lora in enumerate(page.loras)],
        "shown": page.shown,
        "count": f"{count}+" if page.has_uncounted else count,
        "more_url": wall.url(before=page.cursor) if page.cursor else "",
        "page_size": PAGE,
        "before": before,
        "by": Wallet(address=wall.wallet) if wall.wallet else None,
        "url_for_all_wallets": wall.url(wallet=""),
        "url_for_all_channels": wall.url(channel=""),
    }


def around(wall: Wall) -> dict[str, Any]:
    """Return what stands around the rows: the form as it was filled in."""
    return {
        "wall": wall,
        "kinds": [("", _("All")), *Kind.choices],
        "services": [("", _("All trainers")), *((name, name) for name in get_services())],
        "sorts": Sort.choices,
        "price": settings.TRAINING_USD_CENTS,
        "canonical_url": settings.SITE_URL + wall.url(),
    }


def trouble(request: Request, wall: Wall, status: int, title: str, text: str) -> HttpResponse:
    """Say what went wrong where the rows would be; what can help, is offered."""
    note: dict[str, object] = {"title": title, "text": text, "again": status >= 500}
    note["label"] = _("Try again") if note["again"] else _("Show all LoRAs")
    note["url"] = request.get_full_path() if note["again"] else Wall().url()
    if request.htmx:
        return render(request, "parts/note.html", note, status=status)
    context = around(wall) | {"trouble": note}
    response = render(request, "gallery/loras.html", context, status=status)
    if status == 503:
        response.headers["Retry-After"] = "10"
    return response


@login_not_required
@require_safe
def pinned(request: Request) -> HttpResponse:
    """The visitor's own trainings that are not finished, for the top of the wall; often nothing."""
    if not isinstance(request.user, Wallet):
        return HttpResponse()
    mine = own.own(request.user).filter(pk__in=Training.objects.unfinished())
    shown = list(mine[:PINNED])
    context = {
        "rows": [own.row(training) for training in shown],
        "is_working": any(training.status in WORKING for training in shown),
    }
    return render(request, "gallery/pinned.html", context)
