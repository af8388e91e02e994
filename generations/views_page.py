"""The page of images: choose a LoRA, say what it should show."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from generations.dialog import asked_of, begun_prompt, dialog, form_for, query_of
from generations.views import latest
from trainings.http import lora_or_404
from trainings.indexes import NEWEST
from trainings.models import Training
from trainings.search import Search
from trainings.views import uuid_of
from wallets.http import Request
from wallets.models import Wallet

PREFIX = "lora:"
"""What the name of a LoRA begins with where other kinds of models could stand."""
OWN, PUBLIC = 8, 12
"""How many LoRAs of each the list shows; the search finds the others."""
MOST_LETTERS = 100
"""Of what is searched for; names are shorter."""


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def page(request: Request) -> HttpResponse:
    """Choose a LoRA (`q` searches); `lora` is the one that was chosen, as `lora:<id>` or `<id>`."""
    named = request.GET.get("lora", "")
    if named:
        return chosen(request, named)
    q = request.GET.get("q", "").strip()[:MOST_LETTERS]
    part = "#found" if request.htmx else ""
    return render(request, f"generations/page.html{part}", {"q": q, **found(request, q)})


def found(request: Request, q: str, *, without: Collection[UUID] = ()) -> dict[str, Any]:
    """Return the visitor's own LoRAs and the public ones whose names have these words."""
    owned, public = Training.objects.none(), Training.objects.public()
    if isinstance(request.user, Wallet):
        owned = Training.objects.owned_by(request.user).exclude(pk__in=without)
    own = list((owned.naming(q) if q else owned).in_order(NEWEST)[:OWN])
    skipped = {lora.pk for lora in own}.union(without)
    most = PUBLIC + len(skipped)
    public = Search(q).page(NEWEST, most).loras if q else public.in_order(NEWEST)[:most]
    return {"own": own, "public": [lora for lora in public if lora.pk not in skipped][:PUBLIC]}


def chosen(request: Request, named: str) -> HttpResponse:
    """The form for a LoRA, with its trigger word in the prompt. Raises `Http404`."""
    lora = lora_or_404(request, uuid_of(named.removeprefix(PREFIX)))
    query = {name: value for name, value in query_of(request.GET).items() if name != "lora"}
    batch = None if query else latest(request, lora)
    if batch:
        query = asked_of(batch)
    form = form_for(request.user, lora, query={"prompt": begun_prompt(lora)} | query)
    context = {"lora": lora, "gen": dialog(request.user, lora, form, batch=batch)}
    return render(request, "generations/page.html", context)
