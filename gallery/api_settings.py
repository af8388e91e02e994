"""The settings of a training that a program orders: every trainer's, and each trainer's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Schema
from pydantic import create_model

from gallery.api_problems import Invalid
from gallery.schemas import Kind
from providers import get_providers
from providers.base import Setting
from trainings.drafts import option_name, written

type Error = dict[str, str]


class Basics(Schema):
    """The settings of a training, as the train page has them.

    Those of one trainer say so; what is left out has the trainer's default.
    """

    trigger_word: str = Field(description="2 to 24 letters, digits or underscores.")
    kind: Kind
    name: str = Field("", description="At most 80 characters; empty: the trigger word.")
    description: str = Field("", description="At most 500 characters.")
    training_steps: int = Field(1000, description="100 to 2,000, in hundreds.")
    visibility: str = Field("public", description="public or private.")
    provider: str = Field("fal", description="fal, replicate or replicate-fast.")
    captions: list[str] = Field([], description="None, or one for each picture in its order.")


def own_settings() -> dict[str, dict[str, Setting]]:
    """Return the trainers' own settings by their names; each by the aliases of who has it."""
    found: dict[str, dict[str, Setting]] = {}
    for alias, provider in get_providers().items():
        for setting in provider.settings:
            found.setdefault(setting.name, {})[alias] = setting
    return found


def field_of(having: dict[str, Setting]) -> Any:
    """Return the type and the description of a setting that these trainers have.

    Limits stand here for the documentation; the form refuses what is outside, in its words.
    """
    kinds: Any = None
    for setting in having.values():
        kinds = type(setting.default) | kinds
    told = [f"Only for {alias}. {about(setting)}" for alias, setting in having.items()]

    def describe(schema: dict[str, Any]) -> None:
        types = [kind for kind in schema.pop("anyOf") if kind["type"] != "null"]
        schema.update(types[0] if len(types) == 1 else {"anyOf": types})
        if len(having) == 1:
            schema.update(limits_of(*having.values()))

    return kinds, Field(None, description=" ".join(told), json_schema_extra=describe)


def limits_of(setting: Setting) -> dict[str, Any]:
    """Return what values a setting may have, as a JSON schema says it."""
    if setting.choices:
        return {"enum": [value for value, _words in setting.choices]}
    if setting.maximum is None:
        return {}
    return {"minimum": setting.minimum, "maximum": setting.maximum}


def about(setting: Setting) -> str:
    """Return what the documentation says of a setting."""
    default = str(setting.default)
    if isinstance(setting.default, bool):
        default = default.lower()
    return f"{setting.help} Left out: {default}." if default else setting.help


if TYPE_CHECKING:
    Order = Basics
else:  # Whoever adds a trainer, or a setting to one, need not say it here again.
    Order = create_model(
        "Order",
        __base__=Basics,
        __doc__=Basics.__doc__,
        **{name: field_of(having) for name, having in own_settings().items()},
    )


def only_fields(request: HttpRequest) -> None:
    """Raise 422 for a field that there is not: a typing error would change what is meant."""
    words = _("There is no such setting.")
    unknown = [name for name in request.POST if name not in Order.model_fields]
    if unknown:
        raise Invalid([{"pointer": f"#/{name[:100]}", "detail": words} for name in unknown])


def typed_of(order: Order) -> dict[str, str]:
    """Return what the form of the train page would have been sent."""
    given = order.dict(exclude_none=True, exclude={"captions"})
    having = own_settings()
    typed = {name: str(value) for name, value in given.items() if name not in having}
    for name in having.keys() & given.keys():
        if setting := having[name].get(order.provider):
            typed[option_name(order.provider, setting)] = written(given[name])
    return typed


def misplaced(order: Order) -> list[Error]:
    """Return what is wrong with settings that the chosen trainer does not have."""
    given = order.dict(exclude_none=True)
    title = getattr(get_providers().get(order.provider), "title", "")
    return [
        {
            "pointer": f"#/{name}",
            "detail": _("The trainer “{trainer}” has no such setting.").format(trainer=_(title)),
        }
        for name, having in own_settings().items()
        if title and name in given and order.provider not in having
    ]
