"""The keys with which programs work for a wallet: listed, made, revoked."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from wallets.http import WalletRequest
from wallets.keys import KEYS_PER_WALLET, NAME_LENGTH, ApiKey, TooManyKeys


class KeyForm(forms.Form):
    name = forms.CharField(
        label=_("What is it for?"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": _("Give the key a name, such as the program that uses it."),
            "max_length": _("A name has at most %(limit_value)d characters."),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: WalletRequest) -> HttpResponse:
    """The wallet's keys; a POST makes one and shows it, this once."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    if not (form.is_bound and form.is_valid()):
        return _page(request, form, status=422 if form.is_bound else 200)
    try:
        key, secret = ApiKey.issue(request.user, form.cleaned_data["name"])
    except TooManyKeys as exc:
        form.add_error("name", str(exc))
        return _page(request, form, status=409)
    return _page(request, KeyForm(), status=201, made=key, secret=secret)


@require_POST
def revoke(request: WalletRequest, pk: UUID) -> HttpResponse:
    """Take a key out of use, at once and for good."""
    get_object_or_404(request.user.api_keys, pk=pk).delete()
    return redirect("wallets:keys")


def _page(
    request: WalletRequest,
    form: KeyForm,
    *,
    status: int,
    made: ApiKey | None = None,
    secret: str = "",
) -> HttpResponse:
    context = {
        "form": form,
        "made": made,
        "secret": secret,
        "keys": request.user.api_keys.all(),
        "most": KEYS_PER_WALLET,
    }
    response = render(request, "wallets/keys.html", context, status=status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
