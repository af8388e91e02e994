"""The admin's second factor: a code of an app on the admin's phone (TOTP, RFC 6238).

django-otp keeps the devices, refuses a code that was used before, and lets wrong ones wait longer
and longer. Whoever has lost the phone signs in with one of ten recovery codes and enrols another;
whoever has lost these too asks somebody with a shell for `manage.py reset_second_factor`.
"""

from __future__ import annotations

import logging
import math
from base64 import b32encode
from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_otp import login, verify_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from loratrainer.admin_site import Site, is_verified
from loratrainer.paths import own_path
from loratrainer.qr import qr

logger = logging.getLogger(__name__)

RECOVERY_CODES = 10
PENDING = "second_factor_pending"
"""Where a session keeps which device it is about to confirm: another one never sees its key."""

type View = Callable[[HttpRequest], HttpResponse]


class CodeForm(forms.Form):
    """A code, of the phone or for recovery."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
        error_messages={"required": gettext_lazy("Type the code.")},
    )

    def clean_code(self) -> str:
        """Return it without what people put between its digits."""
        code: str = self.cleaned_data["code"]
        return "".join(letter for letter in code.lower() if letter.isalnum())


def for_admins(view: View) -> View:
    """Let admins in who may not have shown their second factor yet; else there is nothing here."""

    @wraps(view)
    def respond(request: HttpRequest) -> HttpResponse:
        if not settings.ADMIN_SECOND_FACTOR or not cast("Site", admin.site).is_admin(request):
            raise Http404
        return view(request)

    return require_http_methods(["GET", "HEAD", "POST"])(never_cache(respond))


@for_admins
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for a code, and lead to where the admin was going."""
    there = next_url(request)
    phone = TOTPDevice.objects.devices_for_user(request.user, confirmed=True).first()
    if phone is None:
        return redirect(f"{reverse('admin:enrol')}?{urlencode({'next': there})}")
    if is_verified(request):
        return redirect(there)
    form = CodeForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = accept(request, form, phone)
        if status == 302:
            return redirect(there)
    return page(request, "admin/second_factor.html", status=status, form=form, next=there)


@for_admins
def enrol(request: HttpRequest) -> HttpResponse:
    """Show the key of a new device, and confirm it by its first code.

    Whoever has one already must have shown it: the new one takes its place.
    """
    there = next_url(request)
    has_one = TOTPDevice.objects.devices_for_user(request.user, confirmed=True).exists()
    if has_one and not is_verified(request):
        return redirect(f"{reverse('admin:second_factor')}?{urlencode({'next': there})}")
    device = pending(request)
    form = CodeForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = accept(request, form, device)
        if status == 302:
            del request.session[PENDING]
            codes = confirm(device)
            return page(request, "admin/recovery_codes.html", codes=codes, next=there)
    context = {"form": form, "next": there, "qr": qr(device.config_url), "key": spelled(device)}
    return page(request, "admin/enrol.html", status=status, **context)


def accept(request: HttpRequest, form: CodeForm, phone: TOTPDevice) -> int:
    """Take a code: 302 when it is right, else the form says why not; the status is 422 or 429."""
    if not form.is_valid():
        return 422
    code: str = form.cleaned_data["code"]
    device = phone
    if not code.isdecimal():  # Recovery codes are letters and digits, and hold a letter.
        device = StaticDevice.objects.devices_for_user(request.user, confirmed=True).first()
    if device is None:
        form.add_error("code", _("That code is wrong."))
        return 422
    allowed, why = device.verify_is_allowed()
    if not allowed:
        wait = max(1, math.ceil((why["locked_until"] - timezone.now()).total_seconds()))
        words = ngettext(
            "Too many wrong codes. Try again in {seconds} second.",
            "Too many wrong codes. Try again in {seconds} seconds.",
            wait,
        )
        form.add_error("code", words.format(seconds=wait))
        return 429
    found = verify_token(request.user, device.persistent_id, code)
    logger.info("outcome=%r admin=%s", "verified" if found else "wrong code", request.user.pk)
    if found is None:
        form.add_error("code", _("That code is wrong, or was used before. Type the next one."))
        return 422
    request.session.cycle_key()  # Whoever knew the session before shall not know it now.
    login(request, found)
    return 302


def pending(request: HttpRequest) -> TOTPDevice:
    """Return the device that this session is about to confirm, a new one if there is none."""
    unconfirmed = TOTPDevice.objects.devices_for_user(request.user, confirmed=False)
    device = unconfirmed.filter(pk=request.session.get(PENDING)).first()
    if device is None:
        device = TOTPDevice.objects.create(user_id=request.user.pk, name="phone", confirmed=False)
        request.session[PENDING] = device.pk
    return device


def confirm(device: TOTPDevice) -> list[str]:
    """Let a device take the place of all others, and return new recovery codes."""
    with transaction.atomic():
        TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
        forget(device.user, but=device)
        recovery = StaticDevice.objects.create(user=device.user, name="recovery")
        codes = [recovery_code() for _number in range(RECOVERY_CODES)]
        StaticToken.objects.bulk_create(StaticToken(device=recovery, token=code) for code in codes)
    return codes


def recovery_code() -> str:
    """Return eight letters and digits that nobody can guess, at least one of them a letter."""
    while (code := StaticToken.random_token()).isdecimal():
        pass
    return str(code)


def forget(user: Any, *, but: TOTPDevice | None = None) -> int:
    """Remove a wallet's devices, one excepted, and its recovery codes; say how many there were."""
    phones = TOTPDevice.objects.devices_for_user(user).exclude(pk=but and but.pk)
    recovery = StaticDevice.objects.devices_for_user(user)
    count: int = phones.count() + recovery.count()
    phones.delete()
    recovery.delete()
    return count


def spelled(device: TOTPDevice) -> str:
    """Return the key in groups of four, for typing."""
    key = b32encode(device.bin_key).decode()
    return " ".join(key[place : place + 4] for place in range(0, len(key), 4))


def next_url(request: HttpRequest) -> str:
    """Return where in the admin to go on."""
    return own_path(request.GET.get("next", ""), reverse("admin:index"), under="/admin/")


def page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """Draw a page of the admin, without what only those may see who have shown the factor."""
    closed = {"is_nav_sidebar_enabled": False, "available_apps": [], "title": _("Second factor")}
    return render(
        request, template, {**admin.site.each_context(request), **closed, **context}, status=status
    )
