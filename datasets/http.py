"""What the views have in common: whose a dataset is, how long a body may be, refusals."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django_htmx.http import HttpResponseClientRedirect

from datasets import storage
from datasets.forms import read_captions
from datasets.models import Dataset, Frozen, Picture, TooMany
from datasets.pictures import PictureQuerySet
from datasets.storage import Missing
from loratrainer.csrf import csrf_protect
from loratrainer.outcomes import GiveUp, TryAgainLater
from loratrainer.paths import own_path
from wallets.http import Request
from wallets.models import Wallet

type View = Callable[..., HttpResponseBase]


def own_dataset(request: Request, pk: UUID) -> Dataset:
    """The visitor's own dataset; who signs in keeps the drafts of the browser. Raises Http404."""
    dataset = get_object_or_404(Dataset.objects.mine(request), pk=pk)
    if dataset.wallet_id is None and isinstance(request.user, Wallet):
        dataset.adopt(request.user)
    return dataset


def own_or_new_draft(request: Request, pk: UUID | None) -> Dataset:
    """The visitor's own dataset; without a number their newest draft, or a new one.

    Raises Http404 and `TooMany`.
    """
    if pk is not None:
        return own_dataset(request, pk)
    newest = Dataset.objects.mine(request).drafts().first()
    return own_dataset(request, newest.pk) if newest else Dataset.begin(request)


def picture_to_change(request: Request, pk: UUID, pictures: PictureQuerySet) -> Picture:
    """One of these pictures, if it is the visitor's. Raises Http404.

    Its buttons stand in the form of all captions: what is typed in them is kept.
    """
    found = get_object_or_404(pictures.mine(request), pk=pk)
    found.dataset.write_captions(read_captions(request.POST.dict()))
    return found


def next_url(request: Request, dataset: Dataset) -> str:
    """Where a form leads without script: the page it stands on, or the dataset's own."""
    return own_path(request.POST.get("next", ""), dataset.get_absolute_url())


def connect_first(request: Request, dataset: Dataset) -> HttpResponse:
    """Lead whoever is not signed in to where they can, and from there to where they were."""
    url = reverse("wallets:connect", query={"next": next_url(request, dataset)})
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


def wants_json(request: Request) -> bool:
    """Whether a script asks that draws the answer itself."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def refuse(request: Request, status: int, title: str, text: str = "") -> HttpResponse:
    """Say in words why something was not done, in the form in which it was asked for."""
    context = {"status": status, "title": title, "text": text}
    if wants_json(request):
        return JsonResponse({"error": f"{title} {text}".strip()}, status=status)
    template = "parts/note.html" if request.htmx else "errors/page.html"
    return render(request, template, context, status=status)


def in_words(view: View) -> View:
    """Turn what datasets refuse into answers: 404, 409, 422, 429 or 503, each with words."""

    @wraps(view)
    def respond(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except ValidationError as error:
            return refuse(request, 422, " ".join(error.messages))
        except (Dataset.DoesNotExist, Picture.DoesNotExist, Missing) as error:
            raise Http404 from error
        except Frozen as error:
            return refuse(request, 409, str(error), _("Make a copy to change it."))
        except (TooMany, GiveUp) as error:
            return refuse(request, 422, str(error))
        except TryAgainLater as error:
            response = refuse(request, 503, str(error))
            response.headers["Retry-After"] = "10"
            return response

    return respond


def limited_body(max_bytes: Callable[[], int]) -> Callable[[View], View]:
    """Refuse a body that says to be longer, before Django reads it in search of a CSRF token.

    A body that does not say how long it is, is read as empty (PEP 3333).
    """

    def decorate(view: View) -> View:
        protected = csrf_protect(view)

        @csrf_exempt
        @wraps(view)
        def respond(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if int(request.META.get("CONTENT_LENGTH") or 0) > max_bytes():
                return refuse(request, 413, _("That is more than we take at once."))
            return protected(request, *args, **kwargs)

        return respond

    return decorate


def send_image(request: Request, name: str) -> HttpResponse:
    """An image of the storage that has no suffix yet: AVIF for browsers that take it, else WebP.

    Its address changes when it does, so that this browser, and no cache between, may keep it.
    """
    return image_response(request, lambda suffix: storage.read(f"{name}.{suffix}"))


def image_response(request: Request, content: Callable[[str], bytes]) -> HttpResponse:
    """An image in the form, "avif" or "webp", that `content` is asked for; see `send_image`."""
    takes_avif = "image/avif" in request.headers.get("Accept", "")
    suffix = "avif" if takes_avif else "webp"
    response = HttpResponse(content(suffix), content_type=f"image/{suffix}")
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.headers["Vary"] = "Accept"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
