"""What an owner may say of a LoRA."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from trainings.exhibits import DESCRIPTION_LENGTH, NAME_LENGTH


class LoraForm(forms.Form):
    """Name and description; the trigger word is in the weights and stays."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LENGTH,
        error_messages={"required": _("A LoRA needs a name.")},
    )
    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=DESCRIPTION_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What it is for, and what it does well. Everybody who sees the LoRA sees it."),
    )
