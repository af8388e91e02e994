from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


@login_not_required
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "base.html")


@login_not_required
def style(request: HttpRequest) -> HttpResponse:
    return render(request, "base.html")
