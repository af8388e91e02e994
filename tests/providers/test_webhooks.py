"""Webhooks, forged and real."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from loratrainer.outcomes import TryAgainLater
from providers import webhooks
from providers.base import Provider, TooLarge, Unreadable, Unverified
from providers.fal import FalFluxLora
from providers.replicate_trainers import FluxDevTrainer
from providers.webhooks import Keys
from tests.providers.conftest import World
from tests.sandbox.conftest import Receiver, eventually
from tests.sandbox_process import SandboxProcess

OURS = "github|ours"
KEY = Ed25519PrivateKey.generate()
BODY = json.dumps({"request_id": "abc-1", "status": "OK", "payload": {}}).encode()


def jwks(*keys: Ed25519PrivateKey, **more: Any) -> bytes:
    shown = [
        {"kty": "OKP", "crv": "Ed25519", "kid": str(number), "x": encoded(key)} | more
        for number, key in enumerate(keys)
    ]
    return json.dumps({"keys": [{"kty": "RSA", "n": "AQAB"}, *shown]}).encode()


def encoded(key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes_raw()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(
    body: bytes = BODY,
    *,
    key: Ed25519PrivateKey = KEY,
    request_id: str = "abc-1",
    user: str = OURS,
    at: float | str | None = None,
) -> dict[str, str]:
    """fal's headers for a body."""
    timestamp = at if isinstance(at, str) else str(int(time.time() + (at or 0)))
    message = "\n".join([request_id, user, timestamp, hashlib.sha256(body).hexdigest()])
    return {
        "X-Fal-Webhook-Request-Id": request_id,
        "X-Fal-Webhook-User-Id": user,
        "X-Fal-Webhook-Timestamp": timestamp,
        "X-Fal-Webhook-Signature": key.sign(message.encode()).hex(),
    }


@pytest.fixture
def fal(receiver: Receiver) -> Provider:
    receiver.files["/jwks.json"] = jwks(Ed25519PrivateKey.generate(), KEY)
    return FalFluxLora(key="key", user_id=OURS, keys_url=f"{receiver.url}/jwks.json")


@pytest.fixture
def replicate(sandbox: SandboxProcess) -> Provider:
    sandbox.clear_script()
    return FluxDevTrainer(token="token", url=f"{sandbox.url}/replicate")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock of our own in the module: `clock.late` seconds later than the real one."""
    late = SimpleNamespace(late=0.0)
    late.monotonic = lambda: time.monotonic() + late.late
    late.time = time.time
    monkeypatch.setattr(webhooks, "time", late)
    return late


def refused(fal: Provider, headers: dict[str, str], body: bytes = BODY) -> type[Unverified]:
    with pytest.raises(Unverified) as error:
        fal.verify_webhook(headers, body)
    return error.type


def test_a_webhook_of_fal_names_its_job(fal: Provider) -> None:
    assert fal.verify_webhook(signed(), BODY) == "abc-1"
    lower = {name.lower(): value for name, value in signed().items()}
    assert fal.verify_webhook(lower, BODY) == "abc-1"


def test_h02_a_random_signature_or_a_strange_key_is_refused(fal: Provider) -> None:
    random = signed() | {"X-Fal-Webhook-Signature": "ab" * 64}
    assert refused(fal, random) is Unverified
    assert refused(fal, signed(key=Ed25519PrivateKey.generate())) is Unverified
    for signature in ("", "ab", "zz" * 64, "ab" * 65):
        assert refused(fal, signed() | {"X-Fal-Webhook-Signature": signature}) is Unverified


def test_h03_another_body_is_refused_even_if_it_means_the_same(fal: Provider) -> None:
    headers = signed()
    other = BODY.replace(b": ", b":  ", 1)
    assert json.loads(other) == json.loads(BODY)
    assert refused(fal, headers, other) is Unverified
    assert fal.verify_webhook(headers, BODY) == "abc-1"


@pytest.mark.parametrize("at", [-302, 302, "", "soon", "-5", "1e9", "²", "9" * 40])
def test_h04_a_webhook_of_another_time_is_refused(fal: Provider, at: float | str) -> None:
    assert refused(fal, signed(at=at)) is Unverified


@pytest.mark.parametrize("at", [-290, 290])
def test_h04_a_webhook_may_be_a_little_late_or_early(fal: Provider, at: float) -> None:
    assert fal.verify_webhook(signed(at=at), BODY) == "abc-1"


@pytest.mark.parametrize("name", ["Request-Id", "User-Id", "Timestamp", "Signature"])
def test_h04_a_webhook_without_one_of_its_headers_is_refused(fal: Provider, name: str) -> None:
    headers = signed()
    del headers[f"X-Fal-Webhook-{name}"]
    assert refused(fal, headers) is Unverified


def test_h06_a_webhook_of_another_account_is_refused(fal: Provider) -> None:
    assert refused(fal, signed(user="github|theirs")) is Unverified


def test_h06_without_our_user_id_the_signature_alone_decides(receiver: Receiver) -> None:
    receiver.files["/jwks.json"] = jwks(KEY)
    anybody = FalFluxLora(key="key", keys_url=f"{receiver.url}/jwks.json")
    assert anybody.verify_webhook(signed(user="github|theirs"), BODY) == "abc-1"


def test_the_ids_in_headers_and_body_must_agree(fal: Provider) -> None:
    assert refused(fal, signed(request_id="abc-2")) is Unverified


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"request_id": "abc-1", "request_id": "abc-1"}',
        b'{"request_id": "abc-1", "payload": NaN}',
        b'{"request_id": "abc-1", "payload": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=["empty", "list", "bytes", "twice", "nan", "deep"],
)
def test_h11_a_signed_body_that_is_no_clean_json_is_refused(fal: Provider, body: bytes) -> None:
    assert refused(fal, signed(body), body) is Unreadable


def test_h11_an_id_that_could_change_an_address_is_refused(fal: Provider) -> None:
    body = json.dumps({"request_id": "../../models"}).encode()
    assert refused(fal, signed(body, request_id="../../models"), body) is Unreadable


def test_h11_a_large_body_is_refused_before_it_is_hashed(
    fal: Provider, replicate: Provider
) -> None:
    body = b"x" * 10_000_000
    began = time.thread_time()
    assert refused(fal, signed(b""), body) is TooLarge
    assert refused(replicate, {}, body) is TooLarge
    assert time.thread_time() - began < 0.01


def test_every_refusal_has_a_status_to_answer_with() -> None:
    assert (Unverified.status, Unreadable.status, TooLarge.status) == (401, 400, 413)


@pytest.mark.parametrize(
    "served",
    [None, b"", b"<html>", b"{}", b'{"keys": []}', jwks(), jwks(KEY, x="!"), jwks(KEY, crv="X"),
     jwks(KEY)[:-1] + b" " * 100_000 + b"}"],
    ids=["down", "empty", "html", "no keys", "none", "rsa only", "broken", "other curve", "large"],
)  # fmt: skip
def test_h13_without_keys_the_service_shall_come_again(
    fal: Provider, receiver: Receiver, served: bytes | None
) -> None:
    if served is None:
        del receiver.files["/jwks.json"]
    else:
        receiver.files["/jwks.json"] = served
    with pytest.raises(TryAgainLater):
        fal.verify_webhook(signed(), BODY)


def test_h13_known_keys_are_used_while_there_are_no_new_ones(
    fal: Provider, receiver: Receiver, clock: SimpleNamespace
) -> None:
    fal.verify_webhook(signed(), BODY)
    del receiver.files["/jwks.json"]
    clock.late = 23 * 3600.0
    assert fal.verify_webhook(signed(), BODY) == "abc-1"
    assert refused(fal, signed(key=Ed25519PrivateKey.generate())) is Unverified
    clock.late = 25 * 3600.0
    with pytest.raises(TryAgainLater):
        fal.verify_webhook(signed(), BODY)


def test_h13_a_new_key_is_learned_within_a_minute(
    fal: Provider, receiver: Receiver, clock: SimpleNamespace
) -> None:
    fal.verify_webhook(signed(), BODY)
    new = Ed25519PrivateKey.generate()
    receiver.files["/jwks.json"] = jwks(new)
    assert refused(fal, signed(key=new)) is Unverified
    clock.late = 61.0
    assert fal.verify_webhook(signed(key=new), BODY) == "abc-1"
    assert refused(fal, signed()) is Unverified


def test_h13_keys_are_asked_for_once_a_minute_at_most(clock: SimpleNamespace) -> None:
    asked: list[float] = []

    def ask() -> str:
        asked.append(clock.late)
        raise OSError("The network is away")

    keys = Keys(ask)
    for late in (0.0, 1.0, 59.0, 61.0, 62.0, 130.0):
        clock.late = late
        with pytest.raises(TryAgainLater):
            keys.fit(bool)
    assert asked == [0.0, 61.0, 130.0]


def test_h05_a_hundred_webhooks_at_once_ask_for_the_keys_once(
    fal: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(url: str) -> Any:
        asked.append(url)
        return webhooks.fal_keys(url)

    monkeypatch.setattr("providers.fal.fal_keys", ask)
    headers, start = signed(), threading.Barrier(20, timeout=10)

    def verify(_: int) -> str:
        start.wait()
        try:
            return fal.verify_webhook(headers, BODY)
        except TryAgainLater as error:
            return str(error)

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(verify, range(100))) == {"abc-1"}
    assert len(asked) == 1


def standard(sandbox: SandboxProcess, body: bytes, *, at: float = 0) -> dict[str, str]:
    """Headers by Standard Webhooks, signed with the sandbox's secret."""
    secret = json.loads((sandbox.var / "keys.json").read_text())["hmac"]
    timestamp = str(int(time.time() + at))
    content = f"msg_1.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.digest(bytes.fromhex(secret), content, "sha256")).decode()
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": f"v1,{'A' * 43}= v1,{digest}",
    }


def test_a_webhook_of_replicate_names_its_job(replicate: Provider, sandbox: SandboxProcess) -> None:
    body = b'{"id": "xyz1", "status": "succeeded"}'
    assert replicate.verify_webhook(standard(sandbox, body), body) == "xyz1"
    assert refused(replicate, standard(sandbox, body), body + b" ") is Unverified
    other = standard(sandbox, body) | {"Webhook-Id": "msg_2"}
    assert refused(replicate, other, body) is Unverified


@pytest.mark.parametrize("at", [-302, 302])
def test_h04_an_old_webhook_of_replicate_is_refused(
    replicate: Provider, sandbox: SandboxProcess, at: float
) -> None:
    body = b'{"id": "xyz1"}'
    assert refused(replicate, standard(sandbox, body, at=at), body) is Unverified


@pytest.mark.parametrize(
    "change",
    [
        {"Webhook-Id": ""},
        {"Webhook-Timestamp": "soon"},
        {"Webhook-Signature": ""},
        {"Webhook-Signature": "v1"},
        {"Webhook-Signature": "v1,é"},
        {"Webhook-Signature": "v1,AAAA"},
    ],
    ids=str,
)
def test_h02_a_malformed_webhook_of_replicate_is_refused(
    replicate: Provider, sandbox: SandboxProcess, change: dict[str, str]
) -> None:
    body = b'{"id": "xyz1"}'
    assert refused(replicate, standard(sandbox, body) | change, body) is Unverified


@pytest.mark.parametrize("body", [b"[]", b'{"id": "a/b"}', b'{"id": "a", "id": "a"}', b"{}"])
def test_h11_a_signed_body_of_replicate_that_is_no_clean_json_is_refused(
    replicate: Provider, sandbox: SandboxProcess, body: bytes
) -> None:
    assert refused(replicate, standard(sandbox, body), body) is Unreadable


@pytest.mark.parametrize("answer", [{"status": 503}, {"status": 200, "body": {"key": "whsec_ä"}}])
def test_h13_without_a_secret_replicate_shall_come_again(
    replicate: Provider, sandbox: SandboxProcess, answer: dict[str, Any]
) -> None:
    match = {"path": "/replicate/v1/webhooks/default/secret"}
    sandbox.script({"match": match, "do": "status", **answer})
    body = b'{"id": "xyz1"}'
    with pytest.raises(TryAgainLater):
        replicate.verify_webhook(standard(sandbox, body), body)


def test_h13_a_changed_secret_of_replicate_is_learned_within_a_minute(
    replicate: Provider, sandbox: SandboxProcess, clock: SimpleNamespace
) -> None:
    old = base64.b64encode(b"the secret of yesterday").decode()
    match = {"path": "/replicate/v1/webhooks/default/secret"}
    sandbox.script({"match": match, "do": "status", "status": 200, "body": {"key": f"whsec_{old}"}})
    body = b'{"id": "xyz1"}'
    assert refused(replicate, standard(sandbox, body), body) is Unverified
    clock.late = 61.0
    assert replicate.verify_webhook(standard(sandbox, body), body) == "xyz1"


def sent(world: World, receiver: Receiver) -> str:
    order = world.generation_order(webhook_url=f"{receiver.url}/hook")
    job_id = world.provider.submit_generation(order)
    eventually(lambda: receiver.posts)
    return job_id


@pytest.mark.parametrize("world", ["fal", "replicate"], indirect=True)
def test_what_the_service_itself_signs_is_accepted(world: World, receiver: Receiver) -> None:
    job_id = sent(world, receiver)
    assert {world.provider.verify_webhook(*post) for post in receiver.posts} == {job_id}


@pytest.mark.parametrize("world", ["fal", "replicate"], indirect=True)
@pytest.mark.parametrize("how", ["signature", "key", "stale", "body", "user", "request"])
def test_what_somebody_else_signs_is_refused(
    world: World, receiver: Receiver, sandbox: SandboxProcess, how: str
) -> None:
    if world.alias == "replicate" and how in {"user", "request"}:
        how = "signature"  # It signs neither.
    provider = world.provider
    if world.alias == "fal":
        provider = FalFluxLora(
            key="tests:secret", url=f"{sandbox.url}/fal", user_id="sandbox|tests"
        )
    world.rule("generation", "webhook_forge", how=how, instead=True)
    sent(world, receiver)
    assert refused(provider, *receiver.posts[0]) is Unverified
