"""What a browser sends about a payment."""

from __future__ import annotations

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

MOST_CENTS = 100_000
"""The most that one quote asks for, in US cents."""


class QuoteForm(forms.Form):
    usd_cents = forms.IntegerField(
        min_value=1,
        max_value=MOST_CENTS,
        error_messages={
            "required": _("Say how much you want to pay."),
            "invalid": _("The amount must be a whole number of US cents."),
            "min_value": _("The amount must be at least one US cent."),
            "max_value": _("One payment is at most $1,000."),
        },
    )
    purpose = forms.CharField(max_length=80, required=False)

    def clean_purpose(self) -> str:
        """What it is for; a payment for nothing in particular goes to the balance."""
        return self.cleaned_data["purpose"] or str(_("Your balance"))


class HashForm(forms.Form):
    hash = forms.CharField(
        max_length=100,
        validators=[
            RegexValidator(
                r"\A0[xX][0-9a-fA-F]{64}\Z",
                _("A transaction's hash is 0x and 64 digits from 0 to 9 and a to f."),
            )
        ],
        error_messages={"required": _("Paste the hash of the transaction.")},
    )

    def clean_hash(self) -> str:
        """The hash in lower case."""
        return str(self.cleaned_data["hash"]).lower()
