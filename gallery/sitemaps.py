"""The sitemap (sitemaps.org): an index of days, and the LoRAs of each day.

A day's file holds what was completed on it, so a crawler reads only the days that are new, and none
costs more because there are a million others.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gallery.caching import for_everybody
from trainings.models import Training
from wallets.http import Request

type Addresses = list[tuple[str, datetime | None]]
"""Where something is, and when it changed last, if that is known."""

MOST = 50_000
"""How many addresses, or sitemaps, one file may hold (sitemaps.org, protocol)."""
PAGES = ("home", "gallery:loras", "gallery:licence", "trainings:rules")
"""What there is to find besides the LoRAs."""
DAYS = """
WITH RECURSIVE days(newest) AS (
    SELECT max(completed_at) FROM ({public}) AS loras
    UNION ALL
    SELECT (
        SELECT max(completed_at) FROM ({public}) AS loras
        WHERE completed_at < date_trunc('day', days.newest, 'UTC')
    ) FROM days WHERE newest IS NOT NULL
)
SELECT newest FROM days WHERE newest IS NOT NULL LIMIT %s
"""
"""One step of the index per day that has LoRAs; GROUP BY would read them all."""


@for_everybody
@login_not_required
@require_safe
def sitemap(request: Request) -> HttpResponse:
    """The index: one file of pages, and one for each day on which something was completed."""
    origin = settings.SITE_URL
    files: Addresses = [(origin + reverse("gallery:sitemap_of_pages"), None)]
    files += [
        (origin + reverse("gallery:sitemap_of_day", args=[newest.date().isoformat()]), newest)
        for newest in days()
    ]
    return _send(request, "gallery/sitemap_index.xml", files)


@for_everybody
@login_not_required
@require_safe
def sitemap_of_pages(request: Request) -> HttpResponse:
    """The pages that are always there."""
    addresses: Addresses = [(settings.SITE_URL + reverse(name), None) for name in PAGES]
    return _send(request, "gallery/sitemap.xml", addresses)


@for_everybody
@login_not_required
@require_safe
def sitemap_of_day(request: Request, day: str) -> HttpResponse:
    """The LoRAs that were completed on a day (in UTC); 404 for what is no day, or had none."""
    try:
        begins_at = datetime.combine(date.fromisoformat(day), time(), UTC)
        ends_at = begins_at + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise Http404 from error
    loras = Training.objects.public().filter(completed_at__gte=begins_at, completed_at__lt=ends_at)
    found = loras.order_by("-completed_at", "-id").values_list("pk", "completed_at")[:MOST]
    addresses: Addresses = [
        (settings.SITE_URL + reverse("gallery:lora", args=[pk]), completed_at)
        for pk, completed_at in found
    ]
    if not addresses:
        raise Http404
    return _send(request, "gallery/sitemap.xml", addresses)


def days() -> list[datetime]:
    """Return when the newest LoRA of each day was completed, the newest day first."""
    sql, params = Training.objects.public().values("completed_at").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(DAYS.format(public=sql), [*params, *params, MOST - 1])
        return [newest for (newest,) in cursor.fetchall()]


def _send(request: Request, template: str, addresses: Addresses) -> HttpResponse:
    context = {"addresses": addresses}
    return render(request, template, context, content_type="application/xml")
