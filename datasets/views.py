"""A dataset: its page, its pictures' choice and captions, its archive and strip."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.core.exceptions import ValidationError
from django.forms import UUIDField
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import reswap

from datasets import archives, storage
from datasets.forms import ChannelForm, ReplaceForm, read_captions
from datasets.http import (
    in_words,
    next_url,
    own_dataset,
    own_or_new_draft,
    refuse,
    send_image,
    wants_json,
)
from datasets.pages import asked, dataset_page, fragment, workspace
from datasets.ranges import left_to_the_web_server, send_file
from wallets.http import Request


@login_not_required
@require_safe
def dataset(request: Request, pk: UUID) -> HttpResponse:
    """A draft, shoot or frozen set: sources, contact sheet, captions."""
    found = own_dataset(request, pk)
    return render(request, "datasets/dataset.html", dataset_page(request, found))


@login_not_required
@require_POST
@in_words
def begin(request: Request) -> HttpResponse:
    """The visitor's newest draft, or a new one: `{url}` for scripts, which then add to it."""
    draft = own_or_new_draft(request, None)
    if wants_json(request):
        return JsonResponse({"url": draft.get_absolute_url()}, status=201)
    return redirect(next_url(request, draft))


@login_not_required
@require_POST
@in_words
def channel(request: Request, pk: UUID | None = None) -> HttpResponse:
    """Read an Are.na channel into the set; a worker does, while the page watches."""
    form = ChannelForm(request.POST, auto_id="channel-%s")
    found = own_or_new_draft(request, pk)
    if not form.is_valid():
        context = dataset_page(request, found, form=form) | {"part": "channel"}
        template = "parts.html" if request.htmx else "dataset.html"
        return render(request, f"datasets/{template}", context, status=422)
    found.open_channel(form.cleaned_data["channel"], typed=form.data["channel"])
    if request.htmx:
        return fragment(request, found, "channel")
    return redirect(next_url(request, found))


@login_not_required
@require_POST
@in_words
def choose(request: Request, pk: UUID) -> HttpResponse:
    """Choose exactly the posted pictures; or `which`: all that there is place for, or none."""
    found = own_dataset(request, pk)
    which = request.POST.get("which", "")
    if which == "all":
        found.choose_all()
    else:
        posted = [] if which == "none" else request.POST.getlist("picture")
        found.choose([UUIDField().clean(value) for value in posted])
    if not request.htmx:
        return redirect(next_url(request, found))
    answer = fragment(request, found, "sheet")
    # Morphing leaves a checkbox as the visitor left it, and here they change without them.
    return reswap(answer, "outerHTML") if which else answer


@login_not_required
@require_POST
@in_words
def captions(request: Request, pk: UUID) -> HttpResponse:
    """Keep the posted captions, as they were typed."""
    found = own_dataset(request, pk)
    found.write_captions(read_captions(request.POST.dict()))
    return HttpResponse(status=204) if request.htmx else redirect(next_url(request, found))


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
@in_words
def replace(request: Request, pk: UUID) -> HttpResponse:
    """Put one text in place of another in all captions: a dialog, or a page.

    With `?text=` it says how often that stands in them, before anything is changed.
    """
    found = own_dataset(request, pk)
    data = request.POST if request.method == "POST" else request.GET
    form = ReplaceForm(data if data.get("text") or data is request.POST else None)
    if not form.is_valid():
        return asked(request, found, "replace", form)
    text, by = form.cleaned_data["text"], form.cleaned_data["by"]
    if request.method != "POST":
        number, captions = found.find_in_captions(text)
        return asked(request, found, "replace", form, number=number, captions=captions)
    try:
        found.replace_in_captions(text, by)
    except ValidationError as error:
        form.add_error("by", error)
        return asked(request, found, "replace", form)
    if request.htmx:
        return fragment(request, found, "captions")
    return redirect(next_url(request, found))


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
def progress(request: Request, pk: UUID) -> HttpResponse:
    """The contact sheet and the captions as they are now; asked again while a worker loads."""
    found = own_dataset(request, pk)
    if not request.htmx:
        return redirect(found)
    return render(request, "datasets/parts.html", workspace(request, found) | {"part": "sheet"})


@login_not_required
@require_POST
@in_words
def copy(request: Request, pk: UUID) -> HttpResponse:
    """A new draft with the pictures and captions of this set, frozen or not."""
    return redirect(next_url(request, own_dataset(request, pk).copy()))


@login_not_required
@require_POST
def remove(request: Request, pk: UUID) -> HttpResponse:
    """Throw a draft or shoot away, with its files."""
    found = own_dataset(request, pk)
    if found.is_frozen:
        return refuse(request, 409, _("This set was trained with, so it stays."))
    found.remove()
    return redirect("datasets:shoots" if found.kind == "shoot" else "home")


@login_not_required
@require_safe
@in_words
def archive(request: Request, pk: UUID) -> HttpResponseBase:
    """The chosen pictures and their captions as a ZIP, for their owner."""
    found = own_dataset(request, pk)
    if not found.pictures.chosen().kept().exists():
        return refuse(request, 409, _("Choose images first."))
    with ExitStack() as until_sent:
        file = until_sent.enter_context(tempfile.TemporaryFile())
        archives.write(found, file, caption=lambda picture: picture.caption)
        until_sent.pop_all()  # From here on the response closes it.
    file.seek(0)
    name = slugify(str(found)) or "pictures"
    return FileResponse(file, as_attachment=True, filename=f"{name}.zip")


@login_not_required
@require_safe
@in_words
def strip(request: Request, pk: UUID) -> HttpResponse:
    """The contact strip, made when it is first asked for."""
    found = own_dataset(request, pk)
    found.develop_strip()
    if not found.strip:
        raise Http404
    return send_image(request, f"{found.strip}/strip")


@login_not_required
@require_safe
def file(request: Request, token: str, filename: str) -> HttpResponseBase:
    """A file of our disk for whoever was given its signed address: trainers, and downloads.

    Whole or in part; no cache keeps it, and none may pack it (RFC 9111, 5.2.2.6).
    """
    try:
        name = storage.read_token(token, filename)
        if settings.SENDFILE_HEADER:
            response: HttpResponseBase = left_to_the_web_server(name, filename)
        else:
            response = send_file(request, storage.open_file(name), filename)
    except (signing.BadSignature, storage.Missing) as error:
        raise Http404 from error
    response.headers["Cache-Control"] = "private, no-store, no-transform"
    return response
