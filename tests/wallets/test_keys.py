"""API keys, and the page where a wallet makes and revokes them."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.db.models.functions import Now

from tests.factories import create_wallet
from wallets.keys import KEYS_PER_WALLET, ApiKey, TooManyKeys

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client):
    wallet = create_wallet()
    client.force_login(wallet)
    return wallet


def secret_of(response) -> str:
    found = re.search(r'value="(lt_[\w-]{43})"', response.content.decode())
    assert found
    return found[1]


def test_a_key_is_made_and_shown_once(client, alice):
    response = client.post("/wallet/keys", {"name": "My script"})
    assert response.status_code == 201
    secret = secret_of(response)
    page = client.get("/wallet/keys").content.decode()
    assert ApiKey.wallet_of(secret) == alice
    assert secret not in page
    assert "My script" in page
    assert f"{secret[:8]}…" in page
    assert "never" in page


def test_only_its_hash_is_kept(client, alice):
    secret = secret_of(client.post("/wallet/keys", {"name": "x"}))
    [row] = ApiKey.objects.values()
    assert bytes(row.pop("digest")) == hashlib.sha256(secret.encode()).digest()
    assert secret[8:] not in str(row)


def test_a_key_has_256_random_bits():
    wallet = create_wallet()
    secrets = {ApiKey.issue(wallet, "x")[1] for _number in range(5)}
    assert len(secrets) == 5
    assert all(re.fullmatch(r"lt_[\w-]{43}", secret) for secret in secrets)


def test_a_revoked_key_opens_nothing(client, alice):
    secret = secret_of(client.post("/wallet/keys", {"name": "x"}))
    kept, kept_secret = ApiKey.issue(alice, "kept")
    key = ApiKey.objects.get(name="x")
    response = client.post(f"/wallet/keys/{key.pk}/revoke")
    assert (response.status_code, response["Location"]) == (302, "/wallet/keys")
    assert ApiKey.wallet_of(secret) is None
    assert ApiKey.wallet_of(kept_secret) == alice
    assert ApiKey.objects.get() == kept


def test_nobody_else_sees_or_revokes_it(client, alice):
    key, secret = ApiKey.issue(create_wallet(), "of somebody else")
    assert "of somebody else" not in client.get("/wallet/keys").content.decode()
    assert client.post(f"/wallet/keys/{key.pk}/revoke").status_code == 404
    assert ApiKey.wallet_of(secret) is not None


@pytest.mark.parametrize(
    "path", ["/wallet/keys", f"/wallet/keys/{'0' * 8}-0000-4000-8000-{'0' * 12}/revoke"]
)
def test_they_need_a_wallet(client, path):
    for response in (client.get(path), client.post(path, {"name": "x"})):
        assert response.status_code == 302
        assert response["Location"].startswith("/connect")
    assert not ApiKey.objects.exists()


def test_x04_reading_revokes_nothing(client, alice):
    key, _secret = ApiKey.issue(alice, "x")
    assert client.get(f"/wallet/keys/{key.pk}/revoke").status_code == 405
    assert ApiKey.objects.exists()


def test_x07_nobody_may_keep_the_page(client, alice):
    made = client.post("/wallet/keys", {"name": "x"})
    for response in (client.get("/wallet/keys"), made):
        assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Give the key a name"),
        ("  ", "Give the key a name"),
        ("x" * 61, "at most 60"),
        ("a\0b", "ull"),
    ],
)
def test_a_name_that_is_none_is_refused(client, alice, name, words):
    response = client.post("/wallet/keys", {"name": name})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not ApiKey.objects.exists()


def test_a_name_is_text(client, alice):
    client.post("/wallet/keys", {"name": "<script>alert(1)</script>"})
    page = client.get("/wallet/keys").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_a_wallet_has_at_most_twenty(client, alice):
    for number in range(KEYS_PER_WALLET):
        ApiKey.issue(alice, str(number))
    response = client.post("/wallet/keys", {"name": "one more"})
    assert response.status_code == 409
    assert "at most 20 keys" in response.content.decode()
    assert 'value="one more"' in response.content.decode()
    ApiKey.issue(create_wallet(), "of somebody else")
    assert alice.api_keys.count() == 20


@pytest.mark.django_db(transaction=True)
def test_it_has_at_most_twenty_when_it_asks_for_many_at_once():
    wallet = create_wallet()
    for number in range(KEYS_PER_WALLET - 1):
        ApiKey.issue(wallet, str(number))
    ready, refused = Barrier(6), []

    def ask() -> None:
        ready.wait()
        try:
            ApiKey.issue(wallet, "x")
        except TooManyKeys:
            refused.append(1)
        finally:
            connection.close()

    threads = [Thread(target=ask) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wallet.api_keys.count(), len(refused)) == (20, 5)


def test_the_last_use_is_known_to_the_minute(alice):
    key, secret = ApiKey.issue(alice, "x")
    ApiKey.wallet_of(secret)
    key.refresh_from_db()
    first = key.last_used_at
    ApiKey.wallet_of(secret)
    key.refresh_from_db()
    assert key.last_used_at == first
    ApiKey.objects.update(last_used_at=Now() - timedelta(seconds=61))
    key.refresh_from_db()
    before = key.last_used_at
    ApiKey.wallet_of(secret)
    key.refresh_from_db()
    assert key.last_used_at > before


def test_the_wallets_page_leads_there(client, alice):
    assert 'href="/wallet/keys"' in client.get("/wallet").content.decode()
