"""Webhooks as their receivers check them: with cryptography for fal, with the SDK for Replicate."""

from __future__ import annotations

import hashlib
import json
import time
from base64 import urlsafe_b64decode
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from replicate.webhook import (
    InvalidSignatureError,
    InvalidTimestampError,
    Webhooks,
    WebhookValidationError,
)

from providers.sdk import fal_client_for, replicate_client_for
from sandbox.webhooks import PAUSES
from tests.sandbox.conftest import Receiver, eventually
from tests.sandbox_process import SandboxProcess

FLUX = "fal-ai/flux-lora"
DEV_LORA = "black-forest-labs/flux-dev-lora"
SMALL = {"prompt": "TOK", "image_size": {"width": 64, "height": 64}}


class Forged(Exception):
    pass


def check_fal(sandbox: SandboxProcess, headers: dict[str, str], body: bytes) -> None:
    """Do what fal's documentation asks a receiver to do."""
    at = headers["X-Fal-Webhook-Timestamp"]
    if abs(time.time() - int(at)) > 300:
        raise Forged("stale")
    if headers["X-Fal-Webhook-User-Id"] != "sandbox|mine":
        raise Forged("user")
    if headers["X-Fal-Webhook-Request-Id"] != json.loads(body)["request_id"]:
        raise Forged("request")
    parts = [headers[f"X-Fal-Webhook-{name}"] for name in ("Request-Id", "User-Id", "Timestamp")]
    message = "\n".join([*parts, hashlib.sha256(body).hexdigest()]).encode()
    keys = httpx.get(f"{sandbox.url}/fal/rest/.well-known/jwks.json").json()["keys"]
    for key in keys:
        public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"] + "=="))
        try:
            public.verify(bytes.fromhex(headers["X-Fal-Webhook-Signature"]), message)
        except InvalidSignature:
            continue
        return
    raise Forged("signature")


def send_fal(sandbox: SandboxProcess, receiver: Receiver, given: Any, expect: int = 1) -> str:
    fal = fal_client_for("mine:secret", f"{sandbox.url}/fal")
    handle = fal.submit(FLUX, given, webhook_url=f"{receiver.url}/hook/?token=abc")
    eventually(lambda: len(receiver.posts) >= expect)
    return handle.request_id


def on_submit(do: str, **arguments: Any) -> dict[str, Any]:
    return {"match": {"method": "POST"}, "do": do, **arguments}


def test_fal_signs_what_the_result_says(well_behaved: SandboxProcess, receiver: Receiver) -> None:
    request_id = send_fal(well_behaved, receiver, SMALL)
    headers, body = receiver.posts[0]
    check_fal(well_behaved, headers, body)
    message = json.loads(body)
    assert (message["request_id"], message["status"], message["error"]) == (request_id, "OK", None)
    fal = fal_client_for("mine:secret", f"{well_behaved.url}/fal")
    assert message["payload"] == fal.result(FLUX, request_id)
    with pytest.raises(Forged):
        check_fal(well_behaved, headers, body.replace(b'": "', b'":  "', 1))


def test_fal_tells_of_a_failure(well_behaved: SandboxProcess, receiver: Receiver) -> None:
    send_fal(well_behaved, receiver, {"prompt": "TOK", "num_images": 5})
    check_fal(well_behaved, *receiver.posts[0])
    message = receiver.bodies()[0]
    assert message["status"] == "ERROR"
    assert message["error"] == "Invalid status code: 422"
    assert message["payload"]["detail"][0]["loc"] == ["body", "num_images"]


@pytest.mark.parametrize("how", ["signature", "key", "user", "stale", "body", "request"])
def test_a_forged_fal_webhook_does_not_pass(
    well_behaved: SandboxProcess, receiver: Receiver, how: str
) -> None:
    well_behaved.script(on_submit("webhook_forge", how=how))
    send_fal(well_behaved, receiver, SMALL, expect=2)
    with pytest.raises(Forged):
        check_fal(well_behaved, *receiver.posts[0])
    assert receiver.bodies()[0]["status"] == "ERROR"
    check_fal(well_behaved, *receiver.posts[1])
    assert receiver.bodies()[1]["status"] == "OK"


def test_a_webhook_is_repeated_until_it_is_heard(
    well_behaved: SandboxProcess, receiver: Receiver
) -> None:
    receiver.answers = [500]
    send_fal(well_behaved, receiver, SMALL, expect=2)
    assert receiver.posts[0][1] == receiver.posts[1][1]


def test_jobs_that_nobody_waits_for_say_nothing_any_more(
    well_behaved: SandboxProcess, receiver: Receiver
) -> None:
    receiver.answers = [500] * 100
    send_fal(well_behaved, receiver, SMALL)
    well_behaved.leave_jobs()
    said = len(receiver.posts)
    time.sleep(2 * PAUSES[0])
    assert len(receiver.posts) == said
    receiver.answers = []
    send_fal(well_behaved, receiver, SMALL, expect=said + 1)  # Another one is done as ever.


def test_a_redirect_ends_the_delivery(well_behaved: SandboxProcess, receiver: Receiver) -> None:
    receiver.answers = [308, 500]
    redirected = send_fal(well_behaved, receiver, SMALL)
    # By the time that the second one is repeated, the first one would have been, too.
    repeated = send_fal(well_behaved, receiver, SMALL, expect=3)
    ids = [message["request_id"] for message in receiver.bodies()]
    assert ids == [redirected, repeated, repeated]


def test_a_webhook_can_be_dropped_or_doubled(
    well_behaved: SandboxProcess, receiver: Receiver
) -> None:
    well_behaved.script(on_submit("webhook_drop"), on_submit("webhook_double", copies=3, times=2))
    fal = fal_client_for("mine:secret", f"{well_behaved.url}/fal")
    dropped = fal.submit(FLUX, SMALL, webhook_url=receiver.url)
    dropped.get(interval=0.05)
    send_fal(well_behaved, receiver, SMALL, expect=3)
    assert {message["request_id"] for message in receiver.bodies()} != {dropped.request_id}
    assert len({body for _, body in receiver.posts}) == 1


def test_an_old_error_can_follow_a_success(
    well_behaved: SandboxProcess, receiver: Receiver
) -> None:
    well_behaved.script(on_submit("webhook_reorder"))
    send_fal(well_behaved, receiver, SMALL, expect=2)
    for post in receiver.posts:
        check_fal(well_behaved, *post)
    assert [message["status"] for message in receiver.bodies()] == ["OK", "ERROR"]


def predict(sandbox: SandboxProcess, receiver: Receiver, **more: Any) -> str:
    client = replicate_client_for("token", f"{sandbox.url}/replicate")
    given = {"prompt": "TOK", "megapixels": "0.25"}
    prediction = client.models.predictions.create(
        DEV_LORA, given, webhook=f"{receiver.url}/hook", **more
    )
    return prediction.id


def check_replicate(sandbox: SandboxProcess, headers: dict[str, str], body: bytes) -> None:
    client = replicate_client_for("token", f"{sandbox.url}/replicate")
    secret = client.webhooks.default.secret()
    Webhooks.validate(headers=headers, body=body.decode(), secret=secret, tolerance=300)


def ended(receiver: Receiver) -> bool:
    return any(message["status"] == "succeeded" for message in receiver.bodies())


def test_replicate_signs_every_event(well_behaved: SandboxProcess, receiver: Receiver) -> None:
    predict(well_behaved, receiver)
    eventually(lambda: ended(receiver))
    for post in receiver.posts:
        check_replicate(well_behaved, *post)
    messages = receiver.bodies()
    assert messages[0]["status"] == "processing"
    assert messages[0]["output"] is None
    states = [(message["status"], bool(message["output"])) for message in messages]
    assert states.index(("processing", True)) < states.index(("succeeded", True))
    headers, body = receiver.posts[-1]
    with pytest.raises(WebhookValidationError):
        check_replicate(well_behaved, headers, body + b" ")


def test_replicate_sends_only_the_events_that_were_asked_for(
    well_behaved: SandboxProcess, receiver: Receiver
) -> None:
    predict(well_behaved, receiver, webhook_events_filter=["completed"])
    eventually(lambda: receiver.posts)
    assert [message["status"] for message in receiver.bodies()] == ["succeeded"]


def test_a_start_can_come_after_the_end(well_behaved: SandboxProcess, receiver: Receiver) -> None:
    well_behaved.script(on_submit("webhook_reorder"))
    predict(well_behaved, receiver, webhook_events_filter=["start", "completed"])
    eventually(lambda: len(receiver.posts) == 2)
    assert [message["status"] for message in receiver.bodies()] == ["succeeded", "processing"]


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("signature", InvalidSignatureError),
        ("key", InvalidSignatureError),
        ("body", InvalidSignatureError),
        ("stale", InvalidTimestampError),
    ],
)
def test_a_forged_replicate_webhook_does_not_pass(
    well_behaved: SandboxProcess, receiver: Receiver, how: str, error: type[Exception]
) -> None:
    well_behaved.script(on_submit("webhook_forge", how=how, instead=True))
    predict(well_behaved, receiver, webhook_events_filter=["completed"])
    eventually(lambda: receiver.posts)
    assert receiver.bodies()[0]["error"] == "This is a forgery"
    with pytest.raises(error):
        check_replicate(well_behaved, *receiver.posts[0])
