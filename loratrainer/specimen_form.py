"""The form of the style page."""

from __future__ import annotations

from django import forms

from loratrainer.widgets import RangeInput


class SpecimenForm(forms.Form):
    """Every kind of field; the last two are wrong on purpose."""

    channel = forms.URLField(
        label="Channel link", help_text="Glaze tests by Kiln Room: 24 images, 3 links skipped."
    )
    trigger = forms.CharField(label="Trigger word", help_text="A made-up word works best.")
    kind = forms.ChoiceField(
        label="Type",
        choices=[("style", "Style"), ("character", "Character"), ("product", "Product")],
        widget=forms.RadioSelect,
    )
    steps = forms.IntegerField(
        label="Steps",
        widget=RangeInput(attrs={"min": 500, "max": 2000, "step": 100, "class": "p-33"}),
    )
    prompt = forms.CharField(label="Prompt", widget=forms.Textarea(attrs={"rows": 3}))
    locked = forms.CharField(label="Base model", disabled=True, initial="FLUX.1 [dev]")
    link = forms.URLField(
        label="Channel link",
        help_text="For example https://www.are.na/kiln-room/glaze-tests",
        error_messages={"invalid": "That is not the link of an Are.na channel."},
        widget=forms.TextInput,
    )
    word = forms.CharField(
        label="Trigger word",
        max_length=24,
        error_messages={"required": "A training needs a trigger word."},
        required=True,
    )
