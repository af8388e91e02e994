"""One picture: uploaded, shown, captioned, turned, cut, moved, removed."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from datasets import decoding, storage
from datasets.decoding import Unreadable
from datasets.forms import CropForm, read_captions
from datasets.http import (
    image_response,
    in_words,
    limited_body,
    next_url,
    own_or_new_draft,
    picture_to_change,
    refuse,
    send_image,
    wants_json,
)
from datasets.models import Dataset, Picture, TooMany
from datasets.pages import COUNTED, asked, changed, dataset_page, megabytes
from datasets.pictures import NAME_LENGTH
from wallets.http import Request

type Upload = UploadedFile[bytes]

FORM_BYTES = 100_000
"""What an upload may hold besides the files."""


def most_bytes() -> int:
    """The most that one upload may send, in bytes."""
    return settings.PICTURES_MAX * settings.PICTURE_MAX_BYTES + FORM_BYTES


@login_not_required
@require_POST
@limited_body(most_bytes)
@in_words
def upload(request: Request, pk: UUID | None = None) -> HttpResponse:
    """Take one picture from a script, or several from a plain form.

    What cannot be used is refused in words; the others are kept all the same.
    """
    dataset = own_or_new_draft(request, pk)
    files = cast("list[Upload]", request.FILES.getlist("file"))
    if not files:
        return refuse(request, 400, _("No picture arrived."))
    refused = []
    for file in files:
        try:
            take(dataset, file)
        except (Unreadable, TooMany) as error:
            if wants_json(request):
                raise
            refused.append((display_name(file), str(error)))
    if wants_json(request):
        return JsonResponse({"url": dataset.get_absolute_url()}, status=201)
    if refused:
        context = dataset_page(request, dataset, refused=refused)
        return render(request, "datasets/dataset.html", context, status=422)
    return redirect(next_url(request, dataset))


def take(dataset: Dataset, file: Upload) -> Picture:
    """Decode an uploaded file and add it to the set.

    Raises `Unreadable`, `TooMany`, `Frozen` and `TryAgainLater`.
    """
    most = settings.PICTURE_MAX_BYTES
    if (file.size or 0) > most:
        raise Unreadable(_("This file is larger than {most}.").format(most=megabytes(most)))
    return dataset.add_upload(decoding.develop(file.read()), name=display_name(file))


def display_name(file: Upload) -> str:
    """What the file was called, for display: printable, and not too long.

    Django has cut the path off; the name is never one in the storage.
    """
    name = "".join(letter for letter in file.name or "" if letter.isprintable())
    return name[:NAME_LENGTH]


@login_not_required
@require_safe
@in_words
def picture(request: Request, pk: UUID, size: int) -> HttpResponse:
    """A small version of a picture: 160 pixels square, or 640 on the longer side."""
    found = get_object_or_404(Picture.objects.mine(request), pk=pk)
    if size not in {160, 640} or not found.thumbnails:
        raise Http404
    return send_image(request, f"{found.thumbnails}/{size}")


@login_not_required
@require_POST
@in_words
def caption(request: Request, pk: UUID) -> HttpResponse:
    """Keep the caption of this picture alone, while it is typed."""
    found = get_object_or_404(Picture.objects.mine(request), pk=pk)
    name = f"caption-{pk}"
    typed = read_captions({name: request.POST.get(name, ""), f"shown-{pk}": ""})
    found.dataset.write_captions(typed)
    response = HttpResponse(status=204)
    if bool(found.caption) != bool(typed[pk]):
        trigger_client_event(response, COUNTED)  # The page says how many are missing.
    return response


@login_not_required
@require_POST
@in_words
def rotate(request: Request, pk: UUID) -> HttpResponse:
    """Turn a picture clockwise by 90 degrees."""
    found = picture_to_change(request, pk, Picture.objects.kept())
    found.rotate()
    return changed(request, found.dataset)


@login_not_required
@require_safe
@in_words
def whole(request: Request, pk: UUID) -> HttpResponse:
    """All of a picture, turned but not cut, 640 pixels on the longer side; made when asked for."""
    found = get_object_or_404(Picture.objects.mine(request).kept(), pk=pk)
    small = decoding.small(storage.read(found.source), found.rotation)
    return image_response(request, lambda suffix: small[f"640.{suffix}"])


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
@in_words
def crop(request: Request, pk: UUID) -> HttpResponse:
    """Choose the part of a picture to train with: a dialog, or a page. The original stays."""
    found = get_object_or_404(Picture.objects.mine(request).kept(), pk=pk)
    form = CropForm(found, request.POST if request.method == "POST" else None)
    if "whole" in request.POST:
        found.cut([])
    elif form.is_valid():
        found.cut(form.cleaned_data["crop"])
    else:
        width, height = found.size_within([])
        sizes = {"width": width, "height": height}
        return asked(request, found.dataset, "crop", form, picture=found, **sizes)
    return changed(request, found.dataset)


@login_not_required
@require_POST
@in_words
def move(request: Request, pk: UUID, by: int) -> HttpResponse:
    """Let a picture change places with the next chosen one (1), or the one before (-1)."""
    found = picture_to_change(request, pk, Picture.objects.all())
    found.move(by)
    return changed(request, found.dataset)


@login_not_required
@require_POST
@in_words
def remove(request: Request, pk: UUID) -> HttpResponse:
    """Take a picture out of its set."""
    found = picture_to_change(request, pk, Picture.objects.all())
    found.remove()
    return changed(request, found.dataset)
