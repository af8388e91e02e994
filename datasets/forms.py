"""What a person may type about pictures."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from datasets import arena
from datasets.pictures import CAPTION_LENGTH, Picture


class ChannelForm(forms.Form):
    """The address of an Are.na channel, in any form; cleaned, it is the channel's slug."""

    channel = forms.CharField(
        label=_("Channel link"),
        max_length=500,
        widget=forms.TextInput(
            attrs={
                "inputmode": "url",
                "autocomplete": "off",
                "spellcheck": "false",
                "placeholder": "https://www.are.na/…",
            }
        ),
        error_messages={"required": _("Paste the link of an Are.na channel.")},
    )

    def clean_channel(self) -> str:
        """The slug."""
        try:
            return arena.parse_channel(self.cleaned_data["channel"])
        except arena.NotAChannel as error:
            raise ValidationError(str(error)) from error


class CaptionField(forms.CharField):
    """A caption as it was typed, with line ends as Unix writes them."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            strip=False,
            max_length=CAPTION_LENGTH,
            error_messages={
                "max_length": _("A caption has at most %(limit_value)d characters."),
            },
        )

    def to_python(self, value: Any) -> str:
        """Browsers send CRLF (HTML, 4.10.22.4), which would count twice."""
        return (super().to_python(value) or "").replace("\r\n", "\n")


def read_captions(posted: dict[str, str]) -> dict[UUID, str]:
    """The captions among posted fields, by picture: `caption-<uuid>`. Raises `ValidationError`.

    An empty one counts only with `shown-<uuid>`: the page showed a caption there, which somebody
    took out. Without it the page may not know yet that one was written meanwhile.
    """
    captions = {}
    for name, text in posted.items():
        key = name.removeprefix("caption-")
        if key != name and (text or f"shown-{key}" in posted):
            captions[forms.UUIDField().clean(key)] = CaptionField().clean(text)
    return captions


class ReplaceForm(forms.Form):
    """A text to find in captions, and what comes in its place."""

    text = forms.CharField(
        label=_("Find"),
        strip=False,
        max_length=200,
        help_text=_("Upper and lower case count."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Say what to find.")},
    )
    by = forms.CharField(
        label=_("Replace with"),
        strip=False,
        max_length=CAPTION_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class CropForm(forms.Form):
    """A part of a picture in percent of it; cleaned, `crop` is a `decoding.Crop`."""

    left = forms.FloatField(label=_("From the left"), min_value=0, max_value=100)
    top = forms.FloatField(label=_("From the top"), min_value=0, max_value=100)
    width = forms.FloatField(label=_("Width"), min_value=0, max_value=100)
    height = forms.FloatField(label=_("Height"), min_value=0, max_value=100)

    def __init__(self, picture: Picture, data: QueryDict | None = None) -> None:
        left, top, right, bottom = picture.crop or (0, 0, 1, 1)
        edges = {"left": left, "top": top, "width": right - left, "height": bottom - top}
        initial = {name: round(100 * share, 1) for name, share in edges.items()}
        super().__init__(data, initial=initial, auto_id="crop-%s")
        self.picture = picture

    def clean(self) -> dict[str, Any]:
        """Refuse what reaches over the edge, and what is too small to train with."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        left, top = cleaned["left"] / 100, cleaned["top"] / 100
        right, bottom = left + cleaned["width"] / 100, top + cleaned["height"] / 100
        if max(right, bottom) > 1.001:  # Fields of one decimal may add up to a little more.
            raise ValidationError(_("That reaches over the edge of the image."))
        crop = [round(edge, 4) for edge in (left, top, min(right, 1), min(bottom, 1))]
        width, height = self.picture.size_within(crop)
        if min(width, height) < settings.PICTURE_MIN_SIDE and crop != [0, 0, 1, 1]:
            words = _(
                "That would leave {width} × {height} pixels. "  # noqa: RUF001
                "It needs {least} on its shorter side."
            )
            least = settings.PICTURE_MIN_SIDE
            raise ValidationError(words.format(width=width, height=height, least=least))
        return cleaned | {"crop": [] if crop == [0, 0, 1, 1] else crop}


class ShootForm(forms.Form):
    """A new shoot: somebody, and the costume."""

    person = forms.CharField(
        label=_("Person"),
        max_length=80,
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off"}),
    )
    costume = forms.CharField(label=_("Costume"), max_length=80)
