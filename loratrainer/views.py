"""The page that shows every part of the design."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from loratrainer.specimens import specimens


@login_not_required
@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """Every part in every state, from the templates that the pages use. In development only."""
    return render(request, "style.html", specimens())
