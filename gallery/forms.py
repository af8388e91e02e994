"""What a visitor may ask of the wall."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from gallery.wall import Sort, Wall
from providers import get_services
from trainings.states import Kind
from wallets.fields import parse_address

SEARCH_LENGTH = 100
NO_SUCH_CHOICE = {"invalid_choice": _("The gallery has no “%(value)s” to choose.")}


class WallForm(forms.Form):
    """A view of the wall, read from an address: nothing is required, everything is checked."""

    q = forms.CharField(
        required=False,
        max_length=SEARCH_LENGTH,
        error_messages={"max_length": _("Search for at most %(limit_value)d letters.")},
    )
    kind = forms.ChoiceField(required=False, choices=Kind.choices, error_messages=NO_SUCH_CHOICE)
    service = forms.ChoiceField(
        required=False,
        choices=lambda: [(name, name) for name in get_services()],
        error_messages=NO_SUCH_CHOICE,
    )
    wallet = forms.CharField(required=False, max_length=SEARCH_LENGTH)
    channel = forms.CharField(required=False, max_length=200)
    sort = forms.ChoiceField(required=False, choices=Sort.choices, error_messages=NO_SUCH_CHOICE)

    def clean_wallet(self) -> str:
        """Take any spelling of an address."""
        address: str = self.cleaned_data["wallet"]
        return parse_address(address) if address else ""

    def clean_sort(self) -> str:
        """Show the newest first unless asked otherwise."""
        sort: str = self.cleaned_data["sort"]
        return sort or Sort.NEWEST

    def wall(self) -> Wall:
        """Return the view that was asked for; the form must be valid."""
        return Wall(**self.cleaned_data)
