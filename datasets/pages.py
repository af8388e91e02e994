"""What the templates of a dataset are given, on its own page and on the train page."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django_htmx.http import trigger_client_event

from datasets.advice import advise
from datasets.forms import ChannelForm
from datasets.http import next_url
from datasets.models import Dataset, Picture
from datasets.retouches import Retouch, newest_of
from providers import get_retoucher
from wallets.http import Request
from wallets.models import Wallet

type Wishes = dict[tuple[UUID | None, str], Retouch]
"""See `retouches.newest_of`."""

MANY = 100
"""Frames; a page with more of them is asked for less often while they are loaded."""
CHANGED = "pictures-changed"
"""The event that the page hears when pictures, choice or captions have changed."""
COUNTED = "captions-counted"
"""The event that it hears when there is one caption more or less, while somebody types."""


def workspace(
    request: Request,
    dataset: Dataset | None,
    *,
    channel: str = "",
    form: ChannelForm | None = None,
    refused: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """The context of `datasets/sources.html`, `sheet.html` and `captions.html`.

    Without a dataset they begin a draft. `channel` is an address from the page's own (`?channel=`),
    which is opened at once; `refused` are names of uploads and why each was not taken.
    """
    pictures = list(dataset.pictures.all()) if dataset else []
    advise(pictures)
    wishes = newest_of(dataset) if dataset else {}
    chosen = [picture for picture in pictures if picture.chosen]
    blocks = [picture for picture in pictures if picture.block_id is not None]
    loaded = sum(bool(picture.thumbnails or picture.problem) for picture in blocks)
    typed = {"channel": channel or (dataset.typed if dataset else "")}
    frames = _frames(pictures, is_full=len(chosen) >= settings.PICTURES_MAX)
    return {
        "dataset": dataset,
        "chosen": chosen,
        "frames": frames,
        "flagged": [frame for frame in frames if frame["flag"]],
        "captions": [_caption(picture, wishes) for picture in chosen],
        **_retouching(chosen, wishes),
        "blocks": len(blocks),
        "percent": 100 * loaded // len(blocks) if blocks else None,
        "pace": 1 if len(frames) <= MANY else 3,
        "source": "upload" if len(pictures) > len(blocks) else "arena",
        "least": settings.PICTURES_MIN,
        "most": settings.PICTURES_MAX,
        "max_bytes": settings.PICTURE_MAX_BYTES,
        "max_size": megabytes(settings.PICTURE_MAX_BYTES),
        "channel_form": form or ChannelForm(initial=typed, auto_id="channel-%s"),
        "opens_at_once": bool(channel) and form is None,
        "refused": refused,
        "shoots": Dataset.objects.shoots().filter(wallet=request.user)
        if isinstance(request.user, Wallet)
        else None,
    }


def megabytes(size: int) -> str:
    """A size in bytes as people say it, in millions: "10 MB"."""
    # %g leaves out what is 0 behind the point, which number_format would write.
    return _("{number} MB").format(number=localize(Decimal(f"{size / 1_000_000:.3g}")))


def _frames(pictures: Sequence[Picture], *, is_full: bool) -> list[dict[str, Any]]:
    """What `parts/picks.html` and `parts/sheet.html` draw, and the list of remarks below them."""
    frames = []
    for number, picture in enumerate(pictures, 1):
        words = picture.problem or " · ".join(picture.advice)
        label = _("Image {number}").format(number=number)
        frames.append(
            {
                "id": picture.pk,
                "number": number,
                "src": picture.square_url if picture.thumbnails else "",
                "url": picture.fitted_url if picture.is_kept else "",
                "picked": picture.chosen,
                "off": bool(picture.problem),
                "over": is_full and not picture.chosen,
                "problem": bool(picture.problem),
                "flag": bool(words),
                "words": words,
                "label": ". ".join(part for part in (label, picture.title, words) if part),
            }
        )
    return frames


def _retouching(chosen: Sequence[Picture], wishes: Wishes) -> dict[str, Any]:
    """What a service is asked for, and may be asked for: for `captions.html` and `sheet.html`."""
    writing = [wish for wish in wishes.values() if wish.kind == "caption" and wish.is_working]
    begun_at = min((wish.created_at for wish in writing), default=None)
    asked = [
        wish
        for wish in wishes.values()
        if wish.kind == "caption" and begun_at and wish.created_at >= begun_at
    ]
    busy = {wish.picture_id for wish in writing}
    lacking = [each for each in chosen if each.is_kept and not each.caption and each.pk not in busy]
    done = len(asked) - len(writing)
    return {
        "retoucher": get_retoucher(settings.RETOUCHER).service if settings.RETOUCHER else "",
        "lacking": len(lacking),
        "writing": {"done": done, "all": len(asked), "percent": 100 * done // len(asked)}
        if writing
        else None,
        "is_retouching": any(wish.is_working for wish in wishes.values()),
        "automatic": sum(picture.caption_is_automatic for picture in chosen),
    }


def _touches(picture: Picture, wishes: Wishes) -> dict[str, Any]:
    """What `parts/captions.html` says of a picture's wishes, and offers."""
    caption, cutout = (wishes.get((picture.pk, kind)) for kind in ("caption", "cutout"))
    failed = [wish.error for wish in (cutout, caption if not picture.caption else None) if wish]
    is_cutting = cutout is not None and cutout.is_working
    can_be_cut = picture.is_kept and (picture.cutout or settings.RETOUCHER)
    on_its_way = _("The caption is on its way.")
    pending = (caption.note or on_its_way) if caption and caption.is_working else ""
    if is_cutting:
        pending = f"{pending} {_('The background is being removed.')}".strip()
    return {
        "automatic": picture.caption_is_automatic,
        "pending": pending,
        "error": " ".join(filter(None, failed)),
        "is_cutting": is_cutting,
        "cut_url": reverse("datasets:remove_background", args=[picture.pk])
        if can_be_cut and not picture.is_cut_out
        else "",
        "background_url": reverse("datasets:put_background_back", args=[picture.pk])
        if picture.is_cut_out
        else "",
    }


def _caption(picture: Picture, wishes: Wishes) -> dict[str, Any]:
    """What `parts/captions.html` draws."""
    title = picture.title or picture.name
    by = _("{title} by {author} on Are.na").format(title=title, author=picture.author)
    return {
        "name": f"caption-{picture.pk}",
        "value": picture.caption,
        "src": picture.square_url if picture.thumbnails else "",
        "save_url": reverse("datasets:caption", args=[picture.pk]),
        "id": picture.pk,
        "rotate_url": reverse("datasets:rotate", args=[picture.pk]) if picture.is_kept else "",
        "crop_url": reverse("datasets:crop", args=[picture.pk]) if picture.is_kept else "",
        "earlier_url": reverse("datasets:earlier", args=[picture.pk]),
        "later_url": reverse("datasets:later", args=[picture.pk]),
        "remove_url": reverse("datasets:remove_picture", args=[picture.pk]),
        "credit": by if picture.block_url else picture.name,
        "credit_url": picture.block_url,
        **_touches(picture, wishes),
    }


def dataset_page(request: Request, dataset: Dataset, **more: Any) -> dict[str, Any]:
    """The context of `datasets/dataset.html`."""
    match dataset.kind:
        case Dataset.Kind.SHOOT:
            words = dataset.costume, _("A shoot with {person}.").format(person=dataset.person)
        case Dataset.Kind.TRAINING:
            words = (
                _("Training set"),
                _("What a LoRA was trained with. It does not change any more."),
            )
        case _:
            words = (
                _("Images"),
                _("Choose {least} to {most}, and say what is in them.").format(
                    least=settings.PICTURES_MIN, most=settings.PICTURES_MAX
                ),
            )
    heading, intro = words
    return workspace(request, dataset, **more) | {"heading": heading, "intro": intro}


def asked(request: Request, dataset: Dataset, name: str, form: Form, **more: Any) -> HttpResponse:
    """A form about a dataset: a dialog, or a page; 422 when something in it is wrong."""
    part = "#dialog" if request.htmx else ""
    back = request.POST.get("next") or request.GET.get("next", "")
    context = {"dataset": dataset, "form": form, "back": back, **more}
    status = 422 if form.errors else 200
    return render(request, f"datasets/{name}.html{part}", context, status=status)


def changed(
    request: Request, dataset: Dataset, words: str = "", *, status: int = 200
) -> HttpResponse:
    """Answer a form that has changed pictures: with what is to see now, or the page it stood on.

    `words` are for the person; without script they are read on the dataset's own page.
    """
    if request.htmx:
        return fragment(request, dataset, "sheet", status=status, words=words)
    if words:
        context = dataset_page(request, dataset) | {"words": words}
        return render(request, "datasets/dataset.html", context, status=status)
    return redirect(next_url(request, dataset))


def fragment(
    request: Request, dataset: Dataset, name: str, *, status: int = 200, words: str = ""
) -> HttpResponse:
    """A part of the page, with the other parts that change with it; the page is told.

    `words` stand under the captions.
    """
    context = workspace(request, dataset) | {"part": name, "words": words}
    response = render(request, "datasets/parts.html", context, status=status)
    return trigger_client_event(response, CHANGED, {"dataset": str(dataset.pk)})
