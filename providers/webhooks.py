"""Whether a webhook really comes from the service that it names.

fal signs with Ed25519 (https://docs.fal.ai/model-endpoints/webhooks), Replicate by Standard
Webhooks (https://www.standardwebhooks.com). Both sign the raw body, so nothing is parsed before.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
import time
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from replicate.webhook import InvalidSignatureError, Webhooks, WebhookSigningSecret

from loratrainer.outcomes import TryAgainLater
from providers.answers import checked_job_id
from providers.base import TooLarge, Unreadable, Unverified

logger = logging.getLogger(__name__)

TOLERANCE = 300
"""Seconds by which a webhook's own time may differ from ours."""
KEPT_IN = 24 * 3600.0
"""Seconds that keys are used without asking for them again; fal's documentation allows 24 hours."""
ASKED_AGAIN_IN = 60.0
"""Seconds between two requests for keys: a flood of forgeries must not become a flood of ours."""
KEYS_TIMEOUT = httpx.Timeout(5.0)
LARGEST_KEY_SET = 64 * 1024
"""In bytes; fal's is a few hundred."""


class Keys[T]:
    """Keys of a service: asked for when first needed, kept for a day, and again if none fits.

    `ask` returns them or raises; what it raises is logged and counts as a request.
    """

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._keys: T | None = None
        self._received_at = self._asked_at = float("-inf")

    def fit(self, fits: Callable[[T], bool]) -> bool:
        """Say whether the keys fit. Raises `TryAgainLater` if there are none to be had."""
        now = time.monotonic()
        known = self._keys if now - self._received_at < KEPT_IN else None
        if known is not None and fits(known):
            return True
        fresh = self._refreshed(known)
        if fresh is None:
            raise TryAgainLater("There are no keys to check the webhook with.")
        return fresh is not known and fits(fresh)

    def _refreshed(self, known: T | None) -> T | None:
        with self._lock:
            if self._keys is not known and time.monotonic() - self._received_at < KEPT_IN:
                return self._keys  # Another thread has asked meanwhile.
            if time.monotonic() - self._asked_at < ASKED_AGAIN_IN:
                return known
            self._asked_at = time.monotonic()
            try:
                self._keys = self._ask()
            except Exception:
                logger.exception("The keys for webhooks cannot be had")
                return known
            self._received_at = time.monotonic()
            return self._keys


@dataclass(frozen=True, slots=True)
class FalWebhook:
    """A webhook of fal's, taken apart."""

    request_id: str
    user_id: str
    timestamp: str
    signature: bytes
    body: bytes

    @classmethod
    def parse(cls, headers: Mapping[str, str], body: bytes, *, largest: int) -> FalWebhook:
        """Read the headers. Raises `Unverified` for missing, malformed and outdated ones."""
        if len(body) > largest:
            raise TooLarge(f"A webhook of {len(body)} bytes.")
        given = {name.lower(): value for name, value in headers.items()}
        names = ("request-id", "user-id", "timestamp", "signature")
        request_id, user_id, timestamp, signature = (
            given.get(f"x-fal-webhook-{name}", "") for name in names
        )
        if not re.fullmatch(r"[0-9]{1,12}", timestamp):
            raise Unverified("The webhook does not say when it was sent.")
        if abs(time.time() - int(timestamp)) > TOLERANCE:
            raise Unverified("The webhook is too old, or from the future.")
        if not re.fullmatch(r"[0-9a-fA-F]{128}", signature):
            raise Unverified("The webhook is not signed.")
        return cls(request_id, user_id, timestamp, bytes.fromhex(signature), body)

    def fits(self, keys: list[Ed25519PublicKey]) -> bool:
        """Say whether one of the keys made the signature."""
        digest = hashlib.sha256(self.body).hexdigest()
        message = "\n".join([self.request_id, self.user_id, self.timestamp, digest]).encode()
        return any(_made(key, self.signature, message) for key in keys)

    def job_id(self) -> str:
        """Return the request id, which headers and body must agree on."""
        named = object_of(self.body).get("request_id")
        if named != self.request_id:
            raise Unverified("The webhook's body is of another request than its headers.")
        return job_id_in(named)


def fal_keys(url: str) -> list[Ed25519PublicKey]:
    """Fetch a JWKS (RFC 7517, RFC 8037) and return its Ed25519 keys. Raises if it has none."""
    received = b""
    with httpx.stream("GET", url, timeout=KEYS_TIMEOUT) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            received += chunk
            if len(received) > LARGEST_KEY_SET:
                raise ValueError(f"{url} is larger than {LARGEST_KEY_SET} bytes.")
    keys = [
        Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"] + "=="))
        for key in json.loads(received)["keys"]
        if (key.get("kty"), key.get("crv")) == ("OKP", "Ed25519")
    ]
    if not keys:
        raise ValueError(f"{url} has no Ed25519 key.")
    return keys


def replicate_secret(http: httpx.Client) -> WebhookSigningSecret:
    """Fetch the secret that Replicate signs our webhooks with. Raises if it is none."""
    response = http.get("/v1/webhooks/default/secret", timeout=KEYS_TIMEOUT)
    secret = WebhookSigningSecret(**response.raise_for_status().json())
    b64decode(secret.key.removeprefix("whsec_"), validate=True)
    return secret


def check_standard(
    headers: Mapping[str, str],
    body: bytes,
    secret: Keys[WebhookSigningSecret],
    *,
    largest: int,
) -> str:
    """Check a webhook by Standard Webhooks and return the `id` in its body.

    Raises `Unverified`, and `TryAgainLater` without a secret.
    """
    if len(body) > largest:
        raise TooLarge(f"A webhook of {len(body)} bytes.")

    def fits(known: WebhookSigningSecret) -> bool:
        try:
            Webhooks.validate(
                headers=dict(headers), body=body.decode(), secret=known, tolerance=TOLERANCE
            )
        except InvalidSignatureError:
            return False
        except ValueError as error:  # No keys will ever fit: outdated, malformed, incomplete.
            raise Unverified(str(error)) from error
        return True

    if not secret.fit(fits):
        raise Unverified("The webhook was not signed with our account's secret.")
    return job_id_in(object_of(body).get("id"))


def object_of(body: bytes) -> dict[str, Any]:
    """Parse a JSON object strictly: no name twice, no NaN. Raises `Unreadable`."""
    try:
        parsed = json.loads(body, object_pairs_hook=_without_repeats, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The webhook's body is not JSON that we read.") from error
    if not isinstance(parsed, dict):
        raise Unreadable("The webhook's body is not a JSON object.")
    return parsed


def job_id_in(value: object) -> str:
    """Return a job id that may be used in URLs. Raises `Unreadable`."""
    try:
        return checked_job_id(value)
    except ValueError as error:
        raise Unreadable(str(error)) from error


def _made(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        raise ValueError("A name stands twice in an object.")
    return parsed


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON.")
