"""Signs and delivers webhooks as fal and Replicate do, or as the script wants them.

fal signs with Ed25519 (https://docs.fal.ai/model-endpoints/webhooks), Replicate with HMAC-SHA256
(https://www.standardwebhooks.com). A 2xx acknowledges, a redirect is a failure for good, anything
else is tried again.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.config import CONFIG
from sandbox.fetching import SESSION, is_local
from sandbox.jobs import Job

TIMEOUT = aiohttp.ClientTimeout(total=15)
PAUSES = (0.5, 1, 2, 4, 8, 16, 30, 60, 120)
"""Seconds between the attempts of one delivery."""
STALE = 301
"""An age, in seconds, that a receiver must refuse."""

type Sign = Callable[[str, bytes], dict[str, str]]
"""Returns the headers for a body; the first argument is the kind of forgery, empty for none."""


class Keys:
    """The signing keys of this sandbox, made once and kept in its folder."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_text(json.dumps({name: secrets.token_hex(32) for name in ("fal", "hmac")}))
            path.chmod(0o600)
        kept = json.loads(path.read_text())
        self.fal = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept["fal"]))
        self.hmac = bytes.fromhex(kept["hmac"])

    @property
    def jwks(self) -> dict[str, Any]:
        """The public half of fal's key, as `/.well-known/jwks.json` shows it."""
        public = self.fal.public_key().public_bytes_raw()
        key = {"kty": "OKP", "crv": "Ed25519", "kid": "sandbox", "use": "sig"}
        return {"keys": [key | {"x": base64.urlsafe_b64encode(public).rstrip(b"=").decode()}]}

    @property
    def replicate_secret(self) -> str:
        """Replicate's secret in the notation of Standard Webhooks."""
        return "whsec_" + base64.b64encode(self.hmac).decode()

    def fal_headers(
        self, forgery: str, body: bytes, *, request_id: str, user: str
    ) -> dict[str, str]:
        """Sign for fal: request id, user id, timestamp and the body's SHA-256, a line each."""
        key = Ed25519PrivateKey.generate() if forgery == "key" else self.fal
        user = "sandbox|somebody-else" if forgery == "user" else user
        request_id = secrets.token_hex(16) if forgery == "request" else request_id
        at = str(int(time.time()) - (STALE if forgery == "stale" else 0))
        message = "\n".join([request_id, user, at, hashlib.sha256(body).hexdigest()])
        signature = os.urandom(64) if forgery == "signature" else key.sign(message.encode())
        return {
            "X-Fal-Webhook-Request-Id": request_id,
            "X-Fal-Webhook-User-Id": user,
            "X-Fal-Webhook-Timestamp": at,
            "X-Fal-Webhook-Signature": signature.hex(),
        }

    def replicate_headers(self, forgery: str, body: bytes, *, message_id: str) -> dict[str, str]:
        """Sign for Replicate: id, timestamp and body, joined by dots."""
        key = os.urandom(32) if forgery == "key" else self.hmac
        at = str(int(time.time()) - (STALE if forgery == "stale" else 0))
        digest = hmac.digest(key, f"{message_id}.{at}.".encode() + body, "sha256")
        signature = os.urandom(32) if forgery == "signature" else digest
        return {
            "webhook-id": message_id,
            "webhook-timestamp": at,
            "webhook-signature": "v1," + base64.b64encode(signature).decode(),
        }


KEYS = web.AppKey("keys", Keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One webhook."""

    body: Any
    lie: Any
    """What a forged message says instead."""
    sign: Sign
    final: bool
    """Whether it is sent until it is heard."""


async def notify(app: web.Application, job: Job, message: Message) -> None:
    """Deliver one message of a job, or whatever the script wants instead."""
    if not job.webhook or "webhook_drop" in job.faults:
        return
    if forge := job.faults.get("webhook_forge"):
        await _send(app, job.webhook, message.lie, message.sign, forge["how"])
        if forge["instead"]:
            return
    copies = int(job.faults.get("webhook_double", {}).get("copies", 1))
    await asyncio.gather(*(_deliver(app, job.webhook, message) for _ in range(copies)))


async def _deliver(app: web.Application, url: str, message: Message) -> None:
    for pause in (*(PAUSES if message.final else ()), None):
        status = await _send(app, url, message.body, message.sign, "")
        if 200 <= status < 400 or pause is None:
            return
        await asyncio.sleep(pause)


async def _send(app: web.Application, url: str, body: Any, sign: Sign, forgery: str) -> int:
    """Send once; return the HTTP status, 0 for no answer, 399 for an address that is not ours."""
    raw = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **sign(forgery, raw)}
    if forgery == "body":
        raw += b" "
    if not is_local(url):
        return 399
    try:
        async with app[SESSION].post(
            url, data=raw, headers=headers, allow_redirects=False, timeout=TIMEOUT
        ) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


async def jwks(request: web.Request) -> web.Response:
    """`GET /fal/rest/.well-known/jwks.json`."""
    return web.json_response(request.app[KEYS].jwks)


def add_routes(app: web.Application) -> None:
    """Add the keys and the address of fal's public one."""
    app[KEYS] = Keys(app[CONFIG].var / "keys.json")
    app.router.add_get("/fal/rest/.well-known/jwks.json", jwks)
