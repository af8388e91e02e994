"""What a browser sends when somebody signs in, and where they want to hear from us."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from loratrainer.addresses import Refused, check_url
from wallets.destinations import ADDRESS_LENGTH
from wallets.fields import parse_address
from wallets.push import is_key

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


class BrowserForm(forms.Form):
    """A subscription, as the Push API hands it to a script."""

    endpoint = forms.CharField(max_length=ADDRESS_LENGTH)
    p256dh = forms.CharField(max_length=100)
    auth = forms.CharField(max_length=40)

    def clean_endpoint(self) -> str:
        """The address, if it is one of a push service that we know."""
        endpoint: str = self.cleaned_data["endpoint"]
        return _checked(endpoint, "push", _("We do not know the push service of this browser."))

    def clean(self) -> dict[str, Any]:
        """Keys that a message can be encrypted to."""
        cleaned = super().clean() or {}
        if not is_key(cleaned.get("p256dh", ""), cleaned.get("auth", "")):
            raise ValidationError(_("The browser gave no key that we can write to."))
        return cleaned


class MailboxForm(forms.Form):
    address = forms.EmailField(
        label=_("Your mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": _("Write the address that mails should go to."),
            "invalid": _("This is not a mail address."),
        },
    )


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Address of your webhook"),
        max_length=ADDRESS_LENGTH,
        widget=forms.URLInput(
            attrs={"placeholder": "https://example.com/hooks/lora", "autocomplete": "off"}
        ),
        error_messages={"required": _("Write the address that webhooks should go to.")},
    )

    def clean_url(self) -> str:
        """The address, if it is one of the public internet, by HTTPS on its usual port."""
        words = _("It must be a public address that begins with https:// and names no port.")
        return _checked(self.cleaned_data["url"], "webhook", words)


def _checked(url: str, hosts: str, words: Any) -> str:
    try:
        check_url(url, allowed=settings.FETCH_HOSTS[hosts])
    except Refused as exc:
        raise ValidationError(words) from exc
    return url
