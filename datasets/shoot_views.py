"""People and their shoots."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from datasets.forms import ShootForm
from datasets.models import Dataset
from wallets.http import WalletRequest


@require_http_methods(["GET", "HEAD", "POST"])
def shoots(request: WalletRequest) -> HttpResponse:
    """The wallet's shoots by person, and a form for a new one."""
    form = ShootForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            person, _created = request.user.people.get_or_create(name=form.cleaned_data["person"])
            shoot = Dataset.objects.create(
                kind=Dataset.Kind.SHOOT,
                wallet=request.user,
                person=person,
                costume=form.cleaned_data["costume"],
            )
        return redirect(shoot)
    context = {
        "form": form,
        "shoots": request.user.datasets.shoots(),
        "names": request.user.people.values_list("name", flat=True),
    }
    status = 422 if form.is_bound else 200
    return render(request, "datasets/shoots.html", context, status=status)
