"""What a wallet has asked for, with everything that can be done with it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from generations.images import Favourite, GeneratedImage
from generations.models import Generation
from generations.pages import seen_by, shown_batch
from generations.querysets import GenerationQuerySet
from trainings.models import Training
from trainings.views import uuid_of
from wallets.http import WalletRequest
from wallets.models import Wallet

PAGE = 12
"""How many batches a page shows."""
MOST_IN_ZIP = 400
"""How many images one ZIP of many batches holds, if none of them alone has more."""
MOST_LETTERS = 200
"""Of what is searched for."""


@dataclass(frozen=True, slots=True)
class View:
    """What of a wallet's history is looked at."""

    q: str
    favourites: bool
    batches: GenerationQuerySet

    @property
    def query(self) -> dict[str, str]:
        """What an address says of it."""
        query = {"q": self.q, "favourites": "1" if self.favourites else ""}
        return {name: value for name, value in query.items() if value}


@dataclass(frozen=True, slots=True)
class Part:
    """As many batches as one ZIP takes."""

    after: UUID | None
    """The batch before the first one, unless that is the newest of all."""
    batches: list[UUID]
    images: int
    number: int
    """From 1, the newest; it counts from where the list begins."""

    @property
    def filename(self) -> str:
        """What the ZIP is saved as."""
        return f"images-{self.batches[0].hex[:8]}.zip"


@require_safe
@vary_on_headers("HX-Request")
def history(request: WalletRequest) -> HttpResponse:
    """My batches, the newest first; `q` searches in prompts.

    `favourites=1` shows those that an image of is a favourite of mine, whoever asked for them.
    `before` is the last batch of the page before.
    """
    view = asked_for(request)
    older, before = behind(request, view.batches)
    found = list(seen_by(request.user, older.newest())[: PAGE + 1])
    batches = [shown_batch(batch, request.user) for batch in found[:PAGE]]
    mark_favourites(request.user, batches)
    context = {
        "batches": batches,
        "last": found[PAGE - 1].pk if len(found) > PAGE else None,
        "query": urlencode(view.query),
        "q": view.q,
        "favourites": view.favourites,
        "before": before,
        "next": request.get_full_path(),
    }
    if request.htmx and before:
        return render(request, "generations/history.html#rows", context)
    return render(request, "generations/history.html", context | {"zips": zips(request.user, view)})


def asked_for(request: WalletRequest) -> View:
    """Return what the address asks for: batches of LoRAs that the wallet may still see."""
    q = request.GET.get("q", "").replace("\0", "").strip()[:MOST_LETTERS]
    favourites = request.GET.get("favourites") == "1"
    if favourites:
        liked = Favourite.objects.filter(
            wallet=request.user, image__in=GeneratedImage.objects.shown_to(request.user)
        )
        found = Generation.objects.with_images_for(request.user).filter(
            Exists(liked.filter(image__generation=OuterRef("pk")))
        )
    else:
        loras = Training.objects.visible_to(request.user)
        found = request.user.generations.wished().made_of(loras)
    if q:
        found = found.filter(prompt__icontains=q)
    return View(q, favourites, found)


def behind(
    request: WalletRequest, batches: GenerationQuerySet
) -> tuple[GenerationQuerySet, UUID | None]:
    """Return the batches behind the one that `before` names, and that. Raises `Http404`."""
    before = request.GET.get("before", "")
    if not before:
        return batches, None
    known = Generation.objects.filter(wallet=request.user)
    if request.GET.get("favourites"):
        # Whoever's it is; it need not be in the view, because a favourite may be none by now.
        known |= Generation.objects.with_images_for(request.user)
    last = get_object_or_404(known, pk=uuid_of(before))
    same_moment = Q(created_at=last.created_at, pk__lt=last.pk)
    return batches.filter(Q(created_at__lt=last.created_at) | same_moment), last.pk


def parts_of(
    wallet: Wallet, batches: GenerationQuerySet, *, after: UUID | None = None
) -> Iterator[Part]:
    """Divide batches, the newest first, into what one ZIP takes; those without images are left out.

    They are as large as whole batches allow: a ZIP is sent by one thread, for as long as it takes.
    """
    shown = GeneratedImage.objects.shown_to(wallet).filter(generation=OuterRef("pk")).order_by()
    counted = batches.annotate(
        shown=Subquery(shown.values("generation").annotate(all=Count("*")).values("all"))
    )
    pks: list[UUID] = []
    images = number = 0
    for pk, more in counted.filter(shown__gt=0).newest().values_list("pk", "shown"):
        if pks and images + more > MOST_IN_ZIP:
            number += 1
            yield Part(after, pks, images, number)
            after, pks, images = pks[-1], [], 0
        pks.append(pk)
        images += more
    if pks:
        yield Part(after, pks, images, number + 1)


def zips(wallet: Wallet, view: View) -> list[dict[str, Any]]:
    """Return the ZIPs of a view: how many images each has, and where it is."""
    url = reverse("generations:zip_all")
    found = []
    for part in parts_of(wallet, view.batches):
        query = view.query | ({"before": str(part.after)} if part.after else {})
        address = f"{url}?{urlencode(query)}" if query else url
        found.append({"number": part.number, "images": part.images, "url": address})
    return found


def mark_favourites(wallet: Wallet, batches: list[dict[str, Any]]) -> None:
    """Say of each image whether it is a favourite of this wallet."""
    images = [image for batch in batches for image in batch["images"]]
    liked = set(
        wallet.favourites.filter(image__in=[image["pk"] for image in images]).values_list(
            "image_id", flat=True
        )
    )
    for image in images:
        image["is_favourite"] = image["pk"] in liked
