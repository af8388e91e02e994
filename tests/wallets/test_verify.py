from __future__ import annotations

import logging
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from eth_account.messages import _hash_eip191_message, encode_defunct

from tests.processes import free_port
from tests.wallets.fake_node import MAGIC
from tests.wallets.signing import ask, is_signed_in, new_account, sign, sign_in, verify
from wallets.models import Challenge, Wallet

pytestmark = pytest.mark.django_db

CONTRACT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.fixture
def unreachable_node(settings):
    settings.CHAIN_RPC_URL = f"http://127.0.0.1:{free_port()}"


def test_the_right_signature_signs_in_and_says_where_to_go(client, unreachable_node):
    account = new_account()
    challenge = ask(client, account.address)
    response = verify(client, challenge, sign(account, challenge["text"]), next="/wallet?a=1")
    assert response.status_code == 200
    assert response.json()["next"] == "/wallet?a=1"
    assert client.get("/wallet").context["request"].user.address == account.address
    assert Wallet.objects.get().address == account.address


def test_the_new_csrf_token_comes_along_for_the_forms_that_are_open():
    strict = Client(enforce_csrf_checks=True)
    account = new_account()
    page = strict.get("/connect").content.decode()
    (old,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page))
    challenge = strict.post(
        "/connect/challenge", {"address": account.address}, headers={"X-CSRFToken": old}
    ).json()
    signed = {"challenge": challenge["id"], "signature": sign(account, challenge["text"])}
    answer = strict.post("/connect/verify", signed, headers={"X-CSRFToken": old}).json()
    assert strict.post("/disconnect", headers={"X-CSRFToken": old}).status_code == 403
    new = answer["csrf_token"]
    assert strict.post("/disconnect", headers={"X-CSRFToken": new}).status_code == 302


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example", "/\\evil.example", ""])
def test_next_never_leads_to_another_site(client, url):
    account = new_account()
    challenge = ask(client, account.address)
    answer = verify(client, challenge, sign(account, challenge["text"]), next=url).json()
    assert answer["next"] == "/"


def test_the_same_wallet_comes_back_as_the_same_person(client):
    account = sign_in(client)
    sign_in(Client(), account)
    assert Wallet.objects.count() == 1
    assert Session.objects.count() == 2


def test_w02_a_challenge_signs_in_once(client):
    account = new_account()
    challenge = ask(client, account.address)
    signature = sign(account, challenge["text"])
    assert verify(client, challenge, signature).status_code == 200
    response = verify(client, challenge, signature)
    assert response.status_code == 401
    assert "Try again" in response.json()["error"]


def test_w05_another_browser_cannot_use_a_challenge_with_its_signature(client):
    account = new_account()
    challenge = ask(client, account.address)
    victim = Client()
    ask(victim, account.address)
    response = verify(victim, challenge, sign(account, challenge["text"]))
    assert response.status_code == 401
    assert not is_signed_in(victim)
    assert verify(client, challenge, sign(account, challenge["text"])).status_code == 200


@pytest.mark.parametrize("chain_id", ["1", "0", "08453"])
def test_w09_a_text_for_another_chain_is_not_the_text(client, node, chain_id):
    node.call = lambda call: {"result": "0x"}
    account = new_account()
    challenge = ask(client, account.address)
    other = challenge["text"].replace("Chain ID: 8453", f"Chain ID: {chain_id}")
    assert other != challenge["text"]
    assert verify(client, challenge, sign(account, other)).status_code == 401


def test_w10_a_signature_that_its_owner_has_published_signs_nobody_in(client, node):
    node.call = lambda call: {"result": "0x"}
    victim = new_account()
    challenge = ask(client, victim.address)
    published = sign(victim, "hello")
    # A text that the browser sends is not even read.
    response = verify(client, challenge, published, message="hello", text="hello")
    assert response.status_code == 401
    assert f"not from {victim.address[:6]}" in response.json()["error"]
    assert not is_signed_in(client)


def test_a_bad_signature_uses_the_challenge_up(client, node):
    node.call = lambda call: {"result": "0x"}
    account = new_account()
    challenge = ask(client, account.address)
    assert verify(client, challenge, sign(account, "hello")).status_code == 401
    assert verify(client, challenge, sign(account, challenge["text"])).status_code == 401


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"challenge": "1", "signature": "0x00"},
        {"challenge": "' OR 1=1", "signature": "0x00"},
        {"challenge": str(uuid4())},
        {"challenge": str(uuid4()), "signature": "0x0"},
        {"challenge": str(uuid4()), "signature": "0xzz"},
        {"challenge": str(uuid4()), "signature": "00" * 65},
        {"challenge": str(uuid4()), "signature": "0x00\x00"},
        {"challenge": str(uuid4()), "signature": "0x00\u202e"},
        {"challenge": str(uuid4()), "signature": "0x" + "00" * 5_500},
    ],
)
def test_w15_what_is_no_signature_is_refused_in_words(client, fields):
    response = client.post("/connect/verify", fields)
    assert response.status_code == 400
    assert response.json()["error"].endswith(".")


@pytest.mark.parametrize("size", [16_000, 900_000])
def test_w15_a_body_that_is_too_long_is_not_looked_at(client, size):
    response = client.post("/connect/verify", {"signature": "0x" + "0" * size})
    assert response.status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e9", "\N{SUPERSCRIPT TWO}"])
def test_w15_a_length_that_is_none_is_refused(client, length):
    response = client.post("/connect/verify", {}, CONTENT_LENGTH=length)
    assert response.status_code == 413


@pytest.mark.parametrize("path", ["/connect/verify", "/connect/challenge"])
def test_w15_a_body_beyond_everything_is_refused_before_it_is_read(path):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(path, {"signature": "0" * 1_500_000}).status_code in {400, 403, 413}


def test_w18_w2_a_contract_wallet_signs_in_by_what_base_says(client, node):
    challenge = ask(client, CONTRACT)
    assert verify(client, challenge, "0x1234").status_code == 200
    assert client.get("/wallet").context["request"].user.address == CONTRACT


def test_w19_a_node_that_is_away_is_a_503_with_a_time_to_come_back(client, unreachable_node):
    challenge = ask(client, CONTRACT)
    response = verify(client, challenge, "0x1234")
    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    assert "Base did not answer" in response.json()["error"]
    assert not is_signed_in(client)


def test_w21_a_planted_session_key_is_worth_nothing_after_signing_in(client):
    planted = Client()
    session = planted.session
    session["draft"] = 1
    session.save()
    client.cookies["sessionid"] = session.session_key
    sign_in(client)
    assert client.cookies["sessionid"].value != session.session_key
    planted.cookies["sessionid"] = session.session_key
    assert not is_signed_in(planted)


def test_what_is_on_its_way_while_somebody_signs_in_takes_nothing_from_them(client):
    client.post("/draft", {"trigger_word": "KILNGLZ"}, headers={"HX-Request": "true"})
    on_its_way = Client()
    on_its_way.cookies["sessionid"] = client.cookies["sessionid"].value
    sign_in(client)
    assert "KILNGLZ" in client.get("/draft").content.decode()  # It is the wallet's now.
    for answer in (
        on_its_way.get("/draft"),
        on_its_way.post("/draft", {"name": "Glaze"}, headers={"HX-Request": "true"}),
    ):
        assert answer.status_code == 200
        assert "KILNGLZ" in answer.content.decode()
        assert "sessionid" not in answer.cookies
    assert is_signed_in(client)
    assert not is_signed_in(on_its_way)
    assert 'value="Glaze"' in client.get("/draft").content.decode()


def test_the_session_of_before_is_gone_after_a_minute(client):
    client.post("/draft", {"trigger_word": "KILNGLZ"}, headers={"HX-Request": "true"})
    before = client.cookies["sessionid"].value
    sign_in(client)
    left = Session.objects.get(session_key=before).expire_date - timezone.now()
    assert timedelta(seconds=30) < left <= timedelta(minutes=1)


def test_whoever_signs_out_takes_the_secret_of_the_browsers_drafts_along(client):
    client.post("/draft", {"trigger_word": "KILNGLZ"}, headers={"HX-Request": "true"})
    sign_in(client)
    client.get("/draft")
    client.post("/disconnect")
    assert "KILNGLZ" not in client.get("/draft").content.decode()


def test_w21_signing_in_over_somebody_elses_session_leaves_nothing_of_it(client):
    sign_in(client)
    session = client.session
    session["draft"] = 1
    session.save()
    sign_in(client)
    assert "draft" not in client.session
    assert Session.objects.count() == 1


def test_w23_another_site_cannot_sign_this_browser_in_as_somebody_else(client):
    attacker = new_account()
    challenge = ask(client, attacker.address)
    signed = {"challenge": challenge["id"], "signature": sign(attacker, challenge["text"])}
    victim = Client(enforce_csrf_checks=True)
    victim.cookies = client.cookies.copy()
    assert victim.post("/connect/verify", signed).status_code == 403
    cross_site = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/connect/verify", signed, headers=cross_site).status_code == 403
    assert not Session.objects.exists()


def test_w25_an_old_cookie_jar_brings_nothing_back(client):
    account = new_account()
    challenge = ask(client, account.address)
    jar = client.cookies.copy()
    signature = sign(account, challenge["text"])
    assert verify(client, challenge, signature).status_code == 200
    restored = Client()
    restored.cookies = jar
    assert verify(restored, challenge, signature).status_code == 401


def test_a_wallet_that_left_the_list_after_asking_is_not_let_in(client, settings):
    account = new_account()
    challenge = ask(client, account.address)
    settings.ALLOWED_WALLETS = ["0x" + "11" * 20]
    assert verify(client, challenge, sign(account, challenge["text"])).status_code == 403


def test_a_wallet_that_leaves_the_list_is_signed_out_at_once(client, settings):
    sign_in(client)
    settings.ALLOWED_WALLETS = ["0x" + "11" * 20]
    assert not is_signed_in(client)


def test_a_session_survives_a_new_secret_key(client, settings):
    sign_in(client)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new" * 20
    assert is_signed_in(client)


def test_l06_the_log_says_what_happened_and_shortens_who_and_where(client, caplog, node):
    node.call = lambda call: {"result": "0x"}
    caplog.set_level(logging.INFO, logger="wallets")
    account = new_account()
    for text in ("hello", None):
        challenge = client.post(
            "/connect/challenge", {"address": account.address}, REMOTE_ADDR="203.0.113.77"
        ).json()
        signature = sign(account, text or challenge["text"])
        signed = {"challenge": challenge["id"], "signature": signature}
        client.post("/connect/verify", signed, REMOTE_ADDR="203.0.113.77")
        assert signature not in caplog.text
    lines = [record.getMessage() for record in caplog.records if record.name == "wallets.views"]
    short = f"wallet={account.address[:6]}…{account.address[-4:]} network=203.0.113.0/24"
    assert lines == [f"outcome='bad signature' {short}", f"outcome='signed in' {short}"]
    assert account.address not in caplog.text


def test_x04_it_is_no_address_to_look_at(client):
    assert client.get("/connect/verify").status_code == 405


def test_a_challenge_that_is_consumed_stays_counted_until_it_is_swept(client):
    sign_in(client)
    assert Challenge.objects.get().consumed_at is not None


def test_w2_the_contract_is_asked_about_the_text_that_we_wrote(client, node):
    node.call = lambda call: {"result": MAGIC}
    challenge = ask(client, CONTRACT)
    verify(client, challenge, "0x1234")
    digest = _hash_eip191_message(encode_defunct(text=challenge["text"])).hex()
    assert digest in node.calls[0]["data"]
