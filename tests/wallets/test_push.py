"""Web Push to a server that plays the push service, read by a browser of the tests' own."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from django.db.models.functions import Now

from loratrainer import embedded
from tests.loratrainer.origin import answer, says, serving
from tests.processes import free_port
from tests.wallets.destinations import ENDPOINT, Browser, create_browser, create_notice, step
from wallets.destinations import MAX_FAILURES, Destination
from wallets.notices import Notice, Status
from wallets.push import encrypted, is_key, public_key

pytestmark = pytest.mark.django_db(transaction=True)

CREATED = answer(status="201 Created")


def parts(request: bytes) -> tuple[dict[str, str], bytes]:
    """The headers, by their names in lower case, and the body of a request."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in lines}, body


def pushed(settings: Any, script: Any, *, browser: Browser | None = None) -> tuple[Notice, Any]:
    """Send one notice to a push service that follows the script."""
    with serving(script) as origin:
        settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"push": [origin.url]}
        notice = create_notice(create_browser(None, f"{origin.url}/push/abc", browser))
        step(notice)
    return notice, origin


def test_only_the_browser_can_read_what_is_sent(settings):
    browser = Browser()
    notice, origin = pushed(settings, CREATED, browser=browser)
    assert (notice.status, notice.due_at) == (Status.SENT, None)
    headers, body = parts(origin.requests[0])
    assert browser.read(body) == {
        "title": "KILNGLZ: Ready",
        "body": "The weights are in our storage, and verified.",
        "path": notice.path,
        "tag": str(notice.about),
    }
    assert b"KILNGLZ" not in origin.requests[0]
    assert headers["content-encoding"] == "aes128gcm"
    assert headers["ttl"] == "86400"
    assert headers["topic"] == notice.about.hex
    assert notice.destination.trouble == ""
    assert notice.destination.heard_at is not None


def test_the_example_of_rfc_8291_is_read_by_the_tests_browser():
    """RFC 8291, appendix A: so the tests' browser is one."""

    def raw(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    number = int.from_bytes(raw("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
    browser = Browser(ec.derive_private_key(number, ec.SECP256R1()), raw("BTBZMqHH6r4Tts7J_aSIgg"))
    body = raw(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWA"
        "mS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxs"
        "j_Qulcy4a-fN"
    )
    with pytest.raises(json.JSONDecodeError) as failure:
        browser.read(body)
    assert failure.value.doc == "When I grow up, I want to be a watermelon"


def test_the_site_proves_who_it_is(settings):
    settings.VAPID_PRIVATE_KEY = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
    settings.SITE_URL, settings.HTTPS = "https://lora.example", True
    _notice, origin = pushed(settings, CREATED)
    headers, _body = parts(origin.requests[0])
    scheme, _, fields = headers["authorization"].partition(" ")
    assert scheme == "vapid"
    given = dict(field.strip().split("=", 1) for field in fields.split(","))
    assert given["k"] == public_key()
    signed, _, signature = given["t"].rpartition(".")

    def raw(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    head, claims = (json.loads(raw(part)) for part in signed.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    assert claims["aud"] == origin.url
    assert claims["sub"] == "https://lora.example"
    made = raw(signature)
    der = encode_dss_signature(int.from_bytes(made[:32]), int.from_bytes(made[32:]))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(given["k"]))
    key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))  # Raises if it is not.


def test_a_worker_that_died_after_the_mark_leaves_it_at_silence(settings):
    with serving(CREATED) as origin:
        settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"push": [origin.url]}
        notice = create_notice(create_browser(None, f"{origin.url}/push/abc"))
        Notice.objects.filter(pk=notice.pk).update(sent_at=Now(), due_at=Now())
        step(notice)
    assert origin.requests == []
    assert (notice.status, notice.due_at) == (Status.DOUBTED, None)


def test_an_answer_that_never_came_is_not_asked_for_again(settings):
    notice, origin = pushed(settings, says())
    assert len(origin.requests) == 1
    assert notice.status == Status.DOUBTED
    assert "may have arrived" in notice.destination.trouble


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_was_surely_not_taken_is_sent_again(settings, status):
    notice, _origin = pushed(settings, answer(status=f"{status} X"))
    assert (notice.status, notice.sent_at) == (Status.SENDING, None)
    assert str(status) in notice.note
    assert str(status) in notice.destination.trouble
    with serving(CREATED) as origin:
        Destination.objects.update(address=f"{origin.url}/push/abc")
        settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"push": [origin.url]}
        step(notice)
    assert notice.status == Status.SENT
    assert notice.destination.trouble == ""


def test_a_push_service_that_is_away_is_tried_again(settings):
    url = f"http://127.0.0.1:{free_port()}"
    settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"push": [url]}
    notice = step(create_notice(create_browser(None, f"{url}/push/abc")))
    assert (notice.status, notice.sent_at) == (Status.SENDING, None)
    assert notice.due_at is not None


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_removed(settings, status):
    notice, _origin = pushed(settings, answer(status=f"{status} X"))
    assert notice.status == Status.FAILED
    assert notice.destination.removed_at is not None


@pytest.mark.parametrize("status", [302, 400, 401, 403, 413])
def test_what_is_refused_is_given_up_and_no_redirect_is_followed(settings, status):
    notice, origin = pushed(settings, answer(status=f"{status} X", Location="http://127.0.0.1:1/"))
    assert len(origin.requests) == 1
    assert notice.status == Status.FAILED
    assert str(status) in notice.error
    assert notice.destination.failures == 1


def test_an_address_that_is_no_push_services_is_refused(settings):
    settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"push": ["fcm.googleapis.com"]}
    notice = step(create_notice(create_browser(None, "https://127.0.0.1/push/abc")))
    assert notice.status == Status.FAILED
    assert notice.error == "We do not send to this address."


def test_several_failures_in_a_row_switch_it_off(settings):
    browser = create_browser(None, "https://nowhere.example/x")
    for number in range(1, MAX_FAILURES + 1):
        notice = step(create_notice(browser))
        assert notice.destination.failures == number
        assert (notice.destination.disabled_at is not None) == (number == MAX_FAILURES)
    assert not browser.wallet.destinations.usable().exists()


def test_a_message_fits_however_long_its_words_are():
    notice = create_notice(create_browser(), title="Щ" * 120, text="Щ" * 9000)
    assert len(encrypted(notice)) <= 4096


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("", ""),
        ("x", "y"),
        ("é", "é"),
        (Browser().keys["p256dh"], "c2hvcnQ"),
        ("BA" + "A" * 85, Browser().keys["auth"]),
        (Browser().keys["p256dh"][:40], Browser().keys["auth"]),
    ],
    # Each process makes keys of its own, and tests must be named alike in all.
    ids=["none", "not base64", "not ASCII", "short secret", "no point", "short key"],
)
def test_keys_that_nothing_can_be_encrypted_to(key, secret):
    assert not is_key(key, secret)
    assert is_key(Browser().keys["p256dh"], Browser().keys["auth"])


def test_a_local_installation_makes_a_key_and_keeps_it(tmp_path, settings):
    settings.VAPID_PRIVATE_KEY = embedded.vapid_key(tmp_path)
    assert embedded.vapid_key(tmp_path) == settings.VAPID_PRIVATE_KEY
    assert (tmp_path / "vapid-key").stat().st_mode & 0o777 == 0o600
    assert len(base64.urlsafe_b64decode(public_key() + "=")) == 65


def test_without_a_key_there_is_no_web_push(settings):
    settings.VAPID_PRIVATE_KEY = ""
    browser = create_browser()
    assert public_key() == ""
    assert not browser.wallet.destinations.usable().exists()
    assert browser.address == ENDPOINT
