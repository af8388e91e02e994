"""The train page: pictures, captions, settings, and the order beside them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_cookie, vary_on_headers

from datasets.models import Dataset, Frozen, TooMany
from datasets.pages import megabytes, workspace
from loratrainer.outcomes import TryAgainLater
from payments.chain import Chain
from payments.forms import MOST_CENTS
from payments.rates import Rate
from payments.templatetags.payments import about_eth
from trainings import advice
from trainings.drafts import Draft
from trainings.forms import TrainingForm
from trainings.states import Kind
from trainings.ticket import ticket
from wallets.http import Request

PRICE_KEPT_SECONDS = 60
"""How long a price in ETH is shown before the feed is asked again."""


@login_not_required
@require_safe
@vary_on_cookie
def train(request: Request) -> HttpResponse:
    """The front page. Whoever has no session here gets the same bytes as everybody without one.

    `?lora=<id>` leads to the page that generates images with it.
    """
    if "lora" in request.GET:
        return redirect(reverse("generations:page", query=request.GET))
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        return render(request, "trainings/train.html", page(request))
    query = {name: request.GET[name] for name in ("channel", "shoot") if name in request.GET}
    response = render(request, "trainings/train.html", {**limits(), "query": urlencode(query)})
    patch_cache_control(response, public=True, max_age=30)
    return response


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def draft(request: Request) -> HttpResponse:
    """The form of the train page; a POST keeps what was typed and answers with what changes."""
    if request.method != "POST":
        part = "#workspace" if request.htmx else ""
        return render(request, f"trainings/train.html{part}", page(request))
    try:
        kept = draft_of(request) or Draft(dataset=Dataset.begin(request))
    except TooMany as exc:
        return refuse_too_many(request, exc)
    except Frozen:
        return HttpResponse(status=204)  # The page says so once more while it is being left.
    before = form_of(kept).alias
    kept.keep(request.POST.dict())
    if not request.htmx:
        return redirect("trainings:draft")
    form = form_of(kept)
    context = {**changes(request, kept, form), "is_new_trainer": form.alias != before}
    return render(request, "trainings/train.html#changes", context)


@login_not_required
@require_safe
def ticket_changes(request: Request) -> HttpResponse:
    """What changes beside the pictures when they do, or when somebody signs in."""
    try:
        found = draft_of(request)
    except Frozen:
        return HttpResponse(status=204)
    context = changes(request, found, form_of(found))
    return render(request, "trainings/train.html#changes", context)


@login_not_required
@require_safe
@vary_on_headers("HX-Request")
@cache_control(public=True, max_age=300)
def rules(request: Request) -> HttpResponse:
    """What makes good pictures, captions and trigger words: a dialog, or a page."""
    context = {
        **limits(),
        "kinds": [
            (kind.label, advice.PICTURES[kind], advice.CAPTIONS[kind], advice.PROMPTS[kind])
            for kind in Kind
        ],
    }
    part = "#dialog" if request.htmx else ""
    return render(request, f"trainings/rules.html{part}", context)


@login_not_required
@require_safe
@cache_control(public=True, max_age=PRICE_KEPT_SECONDS)
def price(request: HttpRequest) -> HttpResponse:
    """About how much ETH so many `cents` are: for the ticket, which must not wait for the chain."""
    asked = request.GET.get("cents", "")[:7]
    if not (asked.isascii() and asked.isdecimal() and 0 < int(asked) <= MOST_CENTS):
        return HttpResponse(_("in ETH on Base"), status=422)
    rate = current_rate()
    if rate is None:
        return HttpResponse(_("in ETH on Base"))
    wei = rate.wei_for(int(asked))
    return HttpResponse(_("about {eth} ETH on Base").format(eth=about_eth(wei)))


def refuse_too_many(request: Request, exc: TooMany) -> HttpResponse:
    """Answer 429: this network has begun too many drafts."""
    context = {"title": str(exc), "status": 429}
    template = "parts/note.html" if request.htmx else "errors/page.html"
    return render(request, template, context, status=429)


def current_rate() -> Rate | None:
    """Return the price of ether, asked for once in a while; None when it is not to be had."""
    kept: Rate | str | None = cache.get("rate")
    if kept is None:
        try:
            with Chain() as chain:
                # The price is only shown, so this machine's clock will do.
                kept = chain.price(timezone.now())
        except TryAgainLater:
            kept = ""
        cache.set("rate", kept, PRICE_KEPT_SECONDS)
    return kept if isinstance(kept, Rate) else None


def limits() -> dict[str, Any]:
    """Return what a training takes and costs, for pages that explain it."""
    return {
        "least": settings.PICTURES_MIN,
        "most": settings.PICTURES_MAX,
        "max_size": megabytes(settings.PICTURE_MAX_BYTES),
        "price_cents": settings.TRAINING_USD_CENTS,
    }


def changes(request: Request, draft: Draft | None, form: TrainingForm) -> dict[str, Any]:
    """Return the context of trainings/train.html#changes: all that depends on what is typed."""
    dataset = draft.dataset if draft else None
    chosen = dataset.pictures.chosen().count() if dataset else 0
    word = str(form["trigger_word"].value() or "").strip()
    return {
        "draft": draft,
        "form": form,
        "ticket": ticket(request.user, dataset, form, chosen),
        "problem": draft.problem(form) if draft else "",
        "trigger_problem": trigger_problem(draft, form, word),
        "trigger_hints": advice.trigger_hints(word),
        "steps_hint": advice.steps_hint(form.steps, chosen, form.chosen_kind),
        "captions_hint": advice.CAPTIONS[form.chosen_kind],
    }


def trigger_problem(draft: Draft | None, form: TrainingForm, word: str) -> str:
    """Return what is wrong with the word: all of it once a start was refused, before gently."""
    if form.is_bound or (draft and draft.is_refused):
        return " ".join(map(str, form.strict().errors.get("trigger_word", ())))
    return advice.trigger_problem(word)


def page(
    request: Request, draft: Draft | None = None, form: TrainingForm | None = None
) -> dict[str, Any]:
    """Return the context of the whole trainings/train.html."""
    draft = draft or Draft.current(request)
    form = form or form_of(draft)
    dataset = draft.dataset if draft else None
    return {
        **workspace(request, dataset, channel=request.GET.get("channel", "")),
        **limits(),
        **changes(request, draft, form),
        "shoot": shoot_of(request),
    }


def shoot_of(request: Request) -> Dataset | None:
    """Return the visitor's own shoot that the address asks for."""
    pk = uuid_of(request.GET.get("shoot", ""))
    return Dataset.objects.mine(request).shoots().filter(pk=pk).first()


def draft_of(request: Request) -> Draft | None:
    """Return the draft that the page was made for, or the visitor's newest, if there is one.

    Another tab may have begun another draft, which this page knows nothing of. Raises `Http404`,
    and `Frozen` when the training has begun.
    """
    named = request.POST.get("dataset") or request.GET.get("dataset")
    if not named:
        return Draft.current(request)
    try:
        return Draft.current(request, uuid_of(named))
    except Dataset.DoesNotExist as exc:
        raise Http404 from exc


def uuid_of(text: str) -> UUID:
    """Return the UUID that a text is, else the nil one (RFC 9562, 5.9), which no row has."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def form_of(draft: Draft | None, data: QueryDict | None = None) -> TrainingForm:
    """Return the form of a draft: strict with `data`, else as it was typed."""
    if draft is None:
        return TrainingForm(data)
    default_name = draft.dataset.costume or draft.dataset.channel_title
    return TrainingForm(data, typed=draft.typed, default_name=default_name)
