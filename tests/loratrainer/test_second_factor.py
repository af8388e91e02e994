"""The admin's second factor: enrolled once, shown in each session, and nobody's way around it."""

from __future__ import annotations

import re
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from loratrainer.second_factor import confirm, recovery_code
from tests.factories import create_training, create_wallet
from wallets.models import Wallet

pytestmark = pytest.mark.django_db

FACTOR, ENROL, INSIDE = "/admin/second-factor", "/admin/second-factor/enrol", "/admin/wallets/"


@pytest.fixture(autouse=True)
def needed(settings: Any) -> None:
    settings.ADMIN_SECOND_FACTOR = True


@pytest.fixture
def anna(settings: Any) -> Wallet:
    wallet = create_wallet()
    settings.ADMIN_WALLETS = [wallet.address]
    return wallet


def signed_in(wallet: Wallet) -> Client:
    client = Client()
    client.force_login(wallet)
    return client


@pytest.fixture
def as_anna(anna: Wallet) -> Client:
    return signed_in(anna)


def enrolled(wallet: Wallet) -> tuple[TOTPDevice, list[str]]:
    device = TOTPDevice.objects.create(user=wallet, name="phone", confirmed=False)
    codes = confirm(device)
    device.refresh_from_db()
    return device, codes


def shown_by(device: TOTPDevice, *, steps: int = 0) -> str:
    """What the phone shows now, or some half minutes later."""
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift + steps)
    return f"{totp.token():06d}"


def wrong_for(device: TOTPDevice) -> str:
    right = {shown_by(device, steps=steps) for steps in range(-3, 4)}
    return next(code for code in ("000000", *map(str, range(100000, 100010))) if code not in right)


def pending_of(client: Client) -> TOTPDevice:
    device: TOTPDevice = TOTPDevice.objects.get(pk=client.session["second_factor_pending"])
    return device


def is_inside(client: Client) -> bool:
    return client.get(INSIDE).status_code == 200


def test_an_admin_without_a_device_is_led_to_enrol_and_comes_back(as_anna, anna):
    response = as_anna.get("/admin/payments/entry/?kind__exact=charge", follow=True)
    there = "/admin/payments/entry/?kind__exact=charge"
    assert [url for url, _status in response.redirect_chain] == [
        f"{FACTOR}?next={quote(there, safe='')}",
        f"{ENROL}?next={quote(there, safe='')}",
    ]
    page = response.content.decode()
    assert "<svg" in page
    key = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert key
    done = as_anna.post(
        response.request["PATH_INFO"] + "?" + response.request["QUERY_STRING"],
        {"code": shown_by(pending_of(as_anna))},
    )
    codes = re.findall(r"<li><code>(\w{8})</code>", done.content.decode())
    assert len(set(codes)) == 10
    assert 'href="/admin/payments/entry/?kind__exact=charge"' in done.content.decode()
    assert is_inside(as_anna)
    assert "no-store" in done["Cache-Control"]
    assert TOTPDevice.objects.get().user == anna


def test_the_page_of_the_key_keeps_to_the_strict_policy(as_anna):
    response = as_anna.get(ENROL)
    page = response.content.decode()
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|data:|<script(?![^>]*\ssrc=)", page)
    assert "no-store" in response["Cache-Control"]


def test_until_it_is_shown_no_page_of_the_admin_opens(as_anna, anna):
    enrolled(anna)
    training = create_training(status="completed")
    for path in (
        "/admin/",
        "/admin/margin",
        "/admin/trainings/training/",
        "/admin/jsi18n/",
        f"/admin/trainings/training/{training.pk}/change/",
    ):
        response = as_anna.get(path)
        assert (response.status_code, response["Location"]) == (
            302,
            f"{FACTOR}?next={quote(path, safe='')}",
        )
    as_anna.post(
        "/admin/trainings/training/", {"action": "hide", "_selected_action": [training.pk]}
    )
    training.refresh_from_db()
    assert training.hidden_at is None
    page = as_anna.get(FACTOR).content.decode()
    assert "Trainings" not in page
    assert anna.address not in page


def test_the_code_of_the_phone_opens_it_where_one_was_going(as_anna, anna):
    device, _codes = enrolled(anna)
    code = shown_by(device)
    response = as_anna.post(f"{FACTOR}?next=/admin/margin", {"code": f" {code[:3]} {code[3:]}"})
    assert (response.status_code, response["Location"]) == (302, "/admin/margin")
    assert is_inside(as_anna)
    assert as_anna.get(FACTOR)["Location"] == "/admin/"


@pytest.mark.parametrize("there", ["https://evil.example/admin/", "//evil.example", "/loras", ""])
def test_it_leads_nowhere_else(as_anna, anna, there):
    device, _codes = enrolled(anna)
    response = as_anna.post(f"{FACTOR}?next={there}", {"code": shown_by(device)})
    assert response["Location"] == "/admin/"


def test_the_session_is_another_one_afterwards(as_anna, anna):
    device, _codes = enrolled(anna)
    before = as_anna.session.session_key
    as_anna.post(FACTOR, {"code": shown_by(device)})
    assert as_anna.session.session_key != before


def test_another_session_must_show_it_too(as_anna, anna):
    device, _codes = enrolled(anna)
    as_anna.post(FACTOR, {"code": shown_by(device)})
    assert not is_inside(signed_in(anna))


def test_a_code_works_once(as_anna, anna):
    device, _codes = enrolled(anna)
    code = shown_by(device)
    as_anna.post(FACTOR, {"code": code})
    other = signed_in(anna)
    assert other.post(FACTOR, {"code": code}).status_code == 422
    assert not is_inside(other)


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdefgh", "x" * 31, "-1", "\u0660" * 6, "\0"]
)
def test_what_is_no_code_is_refused_in_words(as_anna, anna, code):
    enrolled(anna)
    response = as_anna.post(FACTOR, {"code": code})
    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert not is_inside(as_anna)


def test_wrong_codes_must_wait_longer_and_longer_and_the_right_one_with_them(as_anna, anna):
    device, _codes = enrolled(anna)
    assert as_anna.post(FACTOR, {"code": wrong_for(device)}).status_code == 422
    response = as_anna.post(FACTOR, {"code": shown_by(device)})
    assert response.status_code == 429
    assert "Try again in 1 second." in response.content.decode()
    TOTPDevice.objects.update(
        throttling_failure_count=10, throttling_failure_timestamp=Now() - timedelta(seconds=400)
    )
    assert as_anna.post(FACTOR, {"code": shown_by(device)}).status_code == 429
    TOTPDevice.objects.update(throttling_failure_timestamp=Now() - timedelta(seconds=600))
    assert as_anna.post(FACTOR, {"code": shown_by(device)}).status_code == 302


def test_a_recovery_code_opens_it_once_and_lets_another_phone_in(as_anna, anna):
    device, codes = enrolled(anna)
    assert as_anna.post(FACTOR, {"code": codes[0].upper()}).status_code == 302
    assert is_inside(as_anna)
    other = signed_in(anna)
    assert other.post(FACTOR, {"code": codes[0]}).status_code == 422
    as_anna.get(ENROL)
    replaced = as_anna.post(ENROL, {"code": shown_by(pending_of(as_anna))})
    assert "recovery codes" in replaced.content.decode()
    assert TOTPDevice.objects.get().key != device.key
    assert not set(codes) & set(StaticToken.objects.values_list("token", flat=True))
    assert is_inside(as_anna)


def test_recovery_codes_are_throttled_too(as_anna, anna):
    _device, codes = enrolled(anna)
    assert as_anna.post(FACTOR, {"code": "aaaaaaaa"}).status_code == 422
    assert as_anna.post(FACTOR, {"code": codes[0]}).status_code == 429


def test_recovery_codes_cannot_be_taken_for_the_phones():
    assert all(not recovery_code().isdecimal() for _number in range(50))


def test_whoever_has_not_shown_the_phone_enrols_no_other(as_anna, anna):
    device, _codes = enrolled(anna)
    assert as_anna.get(ENROL)["Location"].startswith(FACTOR)
    assert as_anna.post(ENROL, {"code": "123456"})["Location"].startswith(FACTOR)
    assert TOTPDevice.objects.get() == device


def test_two_sessions_never_see_the_same_key_and_the_first_to_confirm_it_wins(as_anna, anna):
    other = signed_in(anna)
    as_anna.get(ENROL)
    other.get(ENROL)
    mine, theirs = pending_of(as_anna), pending_of(other)
    assert mine.key != theirs.key
    assert as_anna.get(ENROL).status_code == 200
    assert pending_of(as_anna) == mine
    as_anna.post(ENROL, {"code": shown_by(mine)})
    assert other.post(ENROL, {"code": shown_by(theirs)}).status_code == 302
    assert not is_inside(other)
    assert TOTPDevice.objects.get() == mine


def test_a_wrong_first_code_enrols_nothing(as_anna):
    as_anna.get(ENROL)
    device = pending_of(as_anna)
    assert as_anna.post(ENROL, {"code": wrong_for(device)}).status_code == 422
    device.refresh_from_db()
    assert not device.confirmed
    assert not is_inside(as_anna)
    # A device that was never confirmed opens nothing, whatever the session says.
    session = as_anna.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    assert not is_inside(as_anna)


def test_the_device_of_another_admin_opens_nothing(as_anna, anna, settings):
    bert = create_wallet()
    settings.ADMIN_WALLETS = [anna.address, bert.address]
    enrolled(anna)
    device, codes = enrolled(bert)
    for code in (shown_by(device), codes[0]):
        assert as_anna.post(FACTOR, {"code": code}).status_code in {422, 429}
    session = as_anna.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    assert not is_inside(as_anna)


def test_a_device_that_is_gone_opens_nothing_any_more(as_anna, anna):
    device, _codes = enrolled(anna)
    as_anna.post(FACTOR, {"code": shown_by(device)})
    device.delete()
    assert not is_inside(as_anna)


@pytest.mark.parametrize("path", [FACTOR, ENROL])
def test_for_others_nothing_is_there(client, path):
    assert client.get(path)["Location"].startswith("/connect?")
    client.force_login(create_wallet())
    assert client.get(path).status_code == 404
    assert client.post(path, {"code": "123456"}).status_code == 404
    assert not TOTPDevice.objects.exists()


@pytest.mark.parametrize("path", [FACTOR, ENROL])
def test_where_it_is_off_there_is_none_and_the_admin_opens(as_anna, settings, path):
    settings.ADMIN_SECOND_FACTOR = False
    assert as_anna.get(path).status_code == 404
    assert is_inside(as_anna)


@pytest.mark.parametrize("path", [FACTOR, ENROL])
def test_other_methods_are_refused(as_anna, path):
    assert as_anna.put(path).status_code == 405


def test_codes_are_taken_from_our_own_pages_only(anna):
    device, _codes = enrolled(anna)
    client = Client(enforce_csrf_checks=True)
    client.force_login(anna)
    assert client.post(FACTOR, {"code": shown_by(device)}).status_code == 403


def test_whoever_has_shown_it_finds_the_way_to_another_phone(as_anna, anna):
    device, _codes = enrolled(anna)
    as_anna.post(FACTOR, {"code": shown_by(device)})
    assert f'href="{ENROL}"' in as_anna.get("/admin/").content.decode()


def test_the_site_itself_asks_for_none(as_anna):
    assert as_anna.get("/wallet").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_recovery_code_that_is_sent_twice_at_once_opens_one_session(anna):
    _device, codes = enrolled(anna)
    clients, ready, answers = [signed_in(anna) for _number in range(4)], Barrier(4), []

    def send(client: Client) -> None:
        ready.wait()
        try:
            answers.append(client.post(FACTOR, {"code": codes[0]}).status_code)
        finally:
            connection.close()

    threads = [Thread(target=send, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.remove(302)
    assert set(answers) <= {422, 429}
    assert sum(is_inside(client) for client in clients) == 1
    assert StaticDevice.objects.get().token_set.count() == 9
