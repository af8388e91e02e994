"""What a browser sends when somebody signs in."""

from __future__ import annotations

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from wallets.fields import parse_address

SIGNATURE_DIGITS = 10_000
"""The longest signature we read; a passkey wallet that is not deployed yet needs about 4,000."""


class ChallengeForm(forms.Form):
    address = forms.CharField(
        max_length=100, error_messages={"required": _("The wallet named no account.")}
    )

    def clean_address(self) -> str:
        """The address in its EIP-55 spelling."""
        return parse_address(self.cleaned_data["address"])


class SignatureForm(forms.Form):
    challenge = forms.UUIDField()
    signature = forms.CharField(
        max_length=SIGNATURE_DIGITS,
        validators=[RegexValidator(r"\A0x([0-9a-fA-F]{2})*\Z", _("This is not a signature."))],
    )
    next = forms.CharField(max_length=2000, required=False)
