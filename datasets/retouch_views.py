"""What a service does for somebody's pictures: it writes captions, and takes backgrounds away."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from datasets.forms import read_captions
from datasets.http import connect_first, in_words, own_dataset, picture_to_change
from datasets.models import Picture
from datasets.pages import changed, workspace
from datasets.retouches import LimitReached
from wallets.http import Request
from wallets.models import Wallet


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
@in_words
def describe(request: Request, pk: UUID) -> HttpResponse:
    """Have the chosen pictures described that have no caption; a worker does, the page watches.

    A GET says how many these are. It costs us, so it is for wallets: whoever has none signed in
    keeps what they typed.
    """
    found = own_dataset(request, pk)
    if request.method != "POST":
        if not request.htmx:
            return redirect(found)
        return render(request, "datasets/captions.html#ask", workspace(request, found))
    found.write_captions(read_captions(request.POST.dict()))
    if not isinstance(request.user, Wallet):
        return connect_first(request, found)
    if not settings.RETOUCHER:
        raise Http404
    try:
        asked, lacking = found.describe_rest(request.user)
    except LimitReached as error:
        return changed(request, found, str(error), status=429)
    words = _("{asked} of {lacking} are on their way; the rest is over the daily limit.")
    return changed(
        request, found, words.format(asked=asked, lacking=lacking) if asked < lacking else ""
    )


@login_not_required
@require_POST
@in_words
def remove_background(request: Request, pk: UUID) -> HttpResponse:
    """Show and train with a picture without its background; a worker has it cut out once."""
    found = picture_to_change(request, pk, Picture.objects.kept())
    if not isinstance(request.user, Wallet):
        return connect_first(request, found.dataset)
    if not (found.cutout or settings.RETOUCHER):
        raise Http404
    try:
        found.remove_background(request.user)
    except LimitReached as error:
        return changed(request, found.dataset, str(error), status=429)
    return changed(request, found.dataset)


@login_not_required
@require_POST
@in_words
def put_background_back(request: Request, pk: UUID) -> HttpResponse:
    """Show and train with the original again; the cut-out is kept for the next time."""
    found = picture_to_change(request, pk, Picture.objects.kept())
    found.put_background_back()
    return changed(request, found.dataset)
