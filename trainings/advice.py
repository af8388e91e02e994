"""What a person should know about their settings before they pay; nothing of it is a must."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trainings.models import Training
from trainings.states import Kind
from trainings.words import STEPS, is_plain, validate_trigger_word

FEW_STEPS, MANY_STEPS = 60, 150
"""Steps for each picture between which a training at the usual learning rate mostly succeeds."""
STYLE_STEPS = 1500

CAPTIONS = {
    Kind.STYLE: gettext_lazy(
        "Say what is in the image, not its style: no medium, palette or brush."
    ),
    Kind.CHARACTER: gettext_lazy(
        "Say what may change: pose, clothes, light, background. Leave out the face and the hair; "
        "they should belong to the trigger word."
    ),
    Kind.PRODUCT: gettext_lazy(
        "Say what may change: angle, light, background. Leave out shape, logo and material; they "
        "should belong to the trigger word."
    ),
}
"""What to write into captions. Whatever a caption names, the trigger word need not learn."""
PICTURES = {
    Kind.STYLE: gettext_lazy("many different subjects, all in the one style"),
    Kind.CHARACTER: gettext_lazy(
        "one face or figure, from several sides, in several lights and clothes"
    ),
    Kind.PRODUCT: gettext_lazy("one thing, from several sides, on several backgrounds"),
}
"""Which pictures to bring."""
PROMPTS = {
    Kind.STYLE: "… in the style of KILNGLZ",
    Kind.CHARACTER: "KILNGLZ, …",
    Kind.PRODUCT: "KILNGLZ, …",
}
"""How a prompt names the LoRA later."""


def trigger_problem(word: str) -> str:
    """Return why a word that is being typed cannot be a trigger word; nothing for no word."""
    try:
        if word:
            validate_trigger_word(word)
    except ValidationError as exc:
        return str(exc.message)
    return ""


def trigger_hints(word: str) -> list[str]:
    """Return what speaks against a trigger word that is allowed; nothing for no word."""
    hints = []
    if word and is_plain(word):
        hints.append(_("A plain word, which the base model knows. A made-up one works better."))
    if word and Training.objects.public().filter(trigger_word__iexact=word).exists():
        hints.append(_("A public LoRA has this trigger word already. You can use it all the same."))
    return hints


def steps_hint(steps: int, pictures: int, kind: Kind) -> str:
    """Say how a number of steps fits the number of pictures and the type."""
    if not pictures:
        return _("How many are good depends on the number of images.")
    each = round(steps / pictures)
    if each < FEW_STEPS and steps < STEPS[-1]:
        words = _("{each} steps for each image: it may come out weak.")
    elif each > MANY_STEPS:
        words = _(
            "{each} steps for each image: it may repeat them. Fewer steps or more images help."
        )
    elif kind == Kind.STYLE and steps < STYLE_STEPS:
        words = _("{each} steps for each image: a good number. A style can take up to 1,500.")
    else:
        words = _("{each} steps for each image: a good number.")
    return words.format(each=each)
