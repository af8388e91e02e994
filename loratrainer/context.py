"""What every template may say."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """The site's name, and whether the outside worlds are the sandbox's."""
    return {"SITE_NAME": settings.SITE_NAME, "SANDBOXED": bool(settings.SANDBOXED)}
