"""What the generate dialog is given, in each of its states."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from generations.addition_fields import additions_query, typed_additions, typed_of
from generations.choices import MOST_IMAGES
from generations.forms import DEFAULTS, PromptForm, defaults_of
from generations.models import most_loras, usual_provider
from generations.pages import drawn_allowance, frame, generate_url, size_words
from generations.prompts import STYLED, missing_words
from generations.states import Status
from providers import get_provider
from trainings.models import Training
from trainings.states import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import QueryDict

    from generations.addition_fields import Row
    from generations.pages import SeenBatch, Viewer

REFERENCE = 4
"""How many training pictures lie on the easel until there is something to see."""
AT_FIRST = timedelta(seconds=20)
"""So long it asks every second, then every three."""
EXAMPLES = {
    Kind.STYLE: gettext_lazy("a lighthouse on a cliff, evening light…"),
    Kind.CHARACTER: gettext_lazy("reading in a café, soft window light…"),
    Kind.PRODUCT: gettext_lazy("on a wooden table, morning light…"),
}


def dialog(
    viewer: Viewer,
    lora: Training,
    form: PromptForm | None = None,
    *,
    batch: SeenBatch | None = None,
) -> dict[str, Any]:
    """Return the `gen` of parts/generate.html: for a form, or for a batch that was begun with it.

    Without a form it is what changes while the batch is drawn.
    """
    allowance = drawn_allowance(viewer)
    chosen = asked_of(batch) if batch else form.settings if form else defaults_of(lora)
    prompt = str(form["prompt"].value() or "") if form else ""
    gen = {
        "id": lora.pk,
        "name": lora.trigger_word,
        "url": reverse("generations:generate", args=[lora.pk]),
        "lora_url": reverse("gallery:lora", args=[lora.pk]),
        "placeholder": EXAMPLES[Kind(lora.kind)],
        "hints": added_words([lora, *(row.lora for row in form.rows)], prompt) if form else [],
        "mix": mix(lora, form.rows) if form else None,
        "allowance": allowance,
        "recipe": recipe_of(chosen),
        "button": button_words(chosen["images_asked"]),
        "labels": [[button_words(n), image_words(n)] for n in range(1, MOST_IMAGES + 1)],
        "request_id": uuid4(),
        "form": form,
        "prompt": prompt,
        "state": "idle",
        **easel(lora, batch),
    }
    if batch:
        gen |= told(batch)
    if allowance["is_anonymous"]:
        gen["state"] = "anonymous"
    elif allowance["is_used_up"]:
        gen["is_limited"] = True
        if "title" not in gen:  # Otherwise the line below the form says when one comes free.
            gen |= limit_words(allowance) | {"allowance": allowance | {"free": ""}}
    return gen


def easel(lora: Training, batch: SeenBatch | None) -> dict[str, Any]:
    """Return what lies on the easel: images, places for them, or training pictures."""
    if batch and batch.status == Status.COMPLETED:
        return {"images": [frame(image, batch.prompt) for image in batch.seen]}
    if batch and not batch.is_over:
        return {"waiting": range(batch.images_asked)}
    pictures = [picture for picture in lora.dataset.pictures.chosen() if picture.thumbnails]
    urls = [
        reverse("gallery:picture", args=[lora.pk, picture.pk, 640])
        for picture in pictures[:REFERENCE]
    ]
    return {"reference": urls}


def told(batch: SeenBatch) -> dict[str, Any]:
    """Return what is said about a batch: that it is drawn, that it is there, or what went wrong."""
    url = reverse("generations:generation", args=[batch.pk])
    if not batch.is_over:
        words = _("Generating {images}. Usually 5 to 15 seconds; you can close this meanwhile.")
        return {
            "state": "busy",
            "poll_url": url,
            "pace": 1 if batch.age < AT_FIRST else 3,
            "say": batch.note or words.format(images=image_words(batch.images_asked)),
        }
    if batch.status == Status.FAILED:
        return {
            "state": "error",
            "title": _("The images did not arrive"),
            "text": f"{batch.error} {counted_words(batch)}".strip(),
        }
    words = ngettext("{count} image is ready.", "{count} images are ready.", len(batch.seen))
    return {
        "state": "done",
        "batch_url": url,
        "zip_url": reverse("generations:zip", args=[batch.pk]),
        "say": f"{words.format(count=len(batch.seen))} {batch.note}".strip(),
        "missing": batch.note,
    }


def counted_words(batch: SeenBatch) -> str:
    """Say whether a batch that failed has used a place of the allowance."""
    if batch.wallet.is_exempt:
        return _("Your prompt is still here.")
    if batch.is_counted:
        return _("Your prompt is still here. This try was counted: it may have been drawn.")
    return _("Your prompt is still here, and this try was not counted.")


def mix(lora: Training, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the `mix` of templates/generations/additions.html: the LoRAs that were added."""
    usual, drawn_by = usual_provider(lora), usual_provider(lora, loras=1 + len(rows))
    asked = [(str(row.lora.pk), row.scale) for row in rows]
    return {
        "id": lora.pk,
        "rows": [
            {
                "lora": row.lora,
                "scale": row.scale,
                "without_url": generate_url(lora, additions_query([*asked[:n], *asked[n + 1 :]])),
            }
            for n, row in enumerate(rows)
        ],
        "url": reverse("generations:additions", args=[lora.pk]),
        "query": urlencode(additions_query(asked), doseq=True),
        "most": most_loras(),
        "is_full": 1 + len(rows) >= most_loras(),
        "largest_scale": get_provider(drawn_by).largest_scale,
        "drawn_by": "" if drawn_by == usual else get_provider(drawn_by).service,
    }


def asked_of(batch: SeenBatch) -> dict[str, Any]:
    """Return what a batch was asked for, as a query; without the seed, to get other images."""
    names = DEFAULTS.keys() - {"seed", "additions"}
    asked = {name: getattr(batch, name) for name in ("prompt", *names)}
    return asked | additions_query(typed_of(batch.additions))


def query_of(asked: QueryDict) -> dict[str, Any]:
    """Return what the address of a dialog says; LoRAs may be added several times."""
    return asked.dict() | additions_query(typed_additions(asked))


def recipe_of(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `recipe` of parts/generate.html: what is drawn, in words."""
    return {
        "images": image_words(chosen["images_asked"]),
        "size": size_words(chosen["width"], chosen["height"]),
        "steps": chosen["inference_steps"],
        "scale": f"{chosen['scale']:g}",
    }


def image_words(images: int) -> str:
    """Return "1 image", "4 images"."""
    return ngettext("{count} image", "{count} images", images).format(count=images)


def button_words(images: int) -> str:
    """Return what the button says."""
    words = ngettext("Generate {count} image", "Generate {count} images", images)
    return words.format(count=images)


def limit_words(allowance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said when no generation is left."""
    title = ngettext(
        "That was your one generation today",
        "That was the last of your {total} generations today",
        allowance["total"],
    )
    text = allowance["free"]
    return {"title": title.format(total=allowance["total"]), "text": text, "calm": True}


def added_words(loras: Sequence[Training], prompt: str) -> list[tuple[str, str]]:
    """Return what is added to a prompt so that it has the trigger words, and where, in words."""
    named = [(lora.trigger_word, lora.kind) for lora in loras]
    in_front, behind = missing_words(" ".join(prompt.split()), named)
    there = dict.fromkeys(word for word, _kind in named if word not in (*in_front, *behind))
    hints = [(word, _("is in your prompt already.")) for word in there]
    if in_front:
        words = ngettext("is put in front for you.", "are put in front for you.", len(in_front))
        hints.append((", ".join(in_front), words))
    if behind:
        hints.append((f"{STYLED.strip()} {' and '.join(behind)}", _("is added for you.")))
    return hints


def begun_prompt(lora: Training) -> str:
    """Return a prompt that has the trigger word in it and waits for the rest."""
    is_style = lora.kind == Kind.STYLE
    return f" in the style of {lora.trigger_word}" if is_style else f"{lora.trigger_word}, "


def form_for(viewer: Viewer, lora: Training, **given: Any) -> PromptForm:
    """Return the form of a LoRA, with the strengths that its provider has."""
    most = get_provider(usual_provider(lora)).largest_scale
    others = Training.objects.visible_to(viewer).exclude(pk=lora.pk)
    return PromptForm(**given, lora=lora, loras=others, largest_scale=most)
