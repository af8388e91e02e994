"""manage.py reset_second_factor: for an admin who has lost phone and recovery codes."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from loratrainer.second_factor import confirm
from tests.factories import create_wallet

pytestmark = pytest.mark.django_db


def said(address: str) -> str:
    out = io.StringIO()
    call_command("reset_second_factor", address, stdout=out)
    return out.getvalue()


def test_it_forgets_phone_and_codes_and_ends_the_sessions() -> None:
    wallet, other = create_wallet(), create_wallet()
    for each in (wallet, other):
        confirm(TOTPDevice.objects.create(user=each, name="phone", confirmed=False))
    client = Client()
    client.force_login(wallet)
    assert client.get("/wallet").status_code == 200
    assert "is forgotten" in said(wallet.address.lower())
    assert TOTPDevice.objects.get().user == StaticDevice.objects.get().user == other
    assert client.get("/wallet").status_code == 302
    assert "had no second factor" in said(wallet.address)


@pytest.mark.parametrize(
    ("address", "words"), [("0x12", "address"), ("0x" + "1" * 40, "has ever signed in")]
)
def test_what_is_nobodys_address_is_refused_in_words(address: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        said(address)
