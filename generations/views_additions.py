"""Adding LoRAs to the one that somebody generates with."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from generations.addition_fields import additions_query, typed_additions
from generations.additions import ADDED_SCALE
from generations.dialog import added_words, form_for, mix
from generations.pages import generate_url
from generations.views_page import MOST_LETTERS, found
from trainings.http import lora_or_404
from wallets.http import Request


@login_not_required
@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def additions(request: Request, pk: UUID) -> HttpResponse:
    """Search for LoRAs to add (`q`), or with script: `add` one to those of the form, `drop` one."""
    lora = lora_or_404(request, pk)
    typed = list(typed_additions(request.GET))
    new, old = request.GET.get("add", ""), request.GET.get("drop", "")
    if new:
        typed.append((new, f"{ADDED_SCALE:g}"))
    query = additions_query([one for one in typed if one[0] != old])
    form = form_for(request.user, lora, query=query)
    q = request.GET.get("q", "").strip()[:MOST_LETTERS]
    chosen = [row.lora for row in form.rows]
    context = {
        "lora": lora,
        "mix": mix(lora, form.rows) | {"new": new, "is_changed": bool(new or old)},
        "hints": added_words([lora, *chosen], request.GET.get("prompt", "")),
        "q": q,
        "add_url": f"{generate_url(lora, {})}?{urlencode(query, doseq=True)}",
    }
    if not (new or old):
        context |= found(request, q, without=[lora.pk, *(one.pk for one in chosen)])
    part = ("#changed" if new or old else "#found") if request.htmx else ""
    return render(request, f"generations/additions.html{part}", context)
