"""Destinations for tests, and a browser that can read what is pushed to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db.models.functions import Now
from py_vapid.utils import b64urlencode

from tests.factories import create_training, create_wallet
from trainings.models import Training
from trainings.states import Status
from wallets.destinations import Destination
from wallets.models import Wallet
from wallets.notices import Notice

ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc"


@dataclass
class Browser:
    """The receiving end of Web Push, written from RFC 8291 and RFC 8188 and nothing of ours."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    secret: bytes = b"sixteen bytes ok"

    @property
    def point(self) -> bytes:
        public = self.private.public_key()
        return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": b64urlencode(self.point), "auth": b64urlencode(self.secret)}

    def read(self, body: bytes) -> Any:
        salt, size = body[:16], int.from_bytes(body[16:20])
        sender, sealed = body[21 : 21 + body[20]], body[21 + body[20] :]
        assert len(sealed) <= size
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.private.exchange(ec.ECDH(), theirs)
        info = b"WebPush: info\0" + self.point + sender
        material = hkdf(self.secret, shared, info, 32)
        key = hkdf(salt, material, b"Content-Encoding: aes128gcm\0", 16)
        nonce = hkdf(salt, material, b"Content-Encoding: nonce\0", 12)
        padded = AESGCM(key).decrypt(nonce, sealed, None)
        message, _two, padding = padded.rpartition(b"\x02")
        assert padding.strip(b"\0") == b""
        return json.loads(message)


def hkdf(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(material)


def create_browser(
    wallet: Wallet | None = None, address: str = ENDPOINT, browser: Browser | None = None
) -> Destination:
    keys = (browser or Browser()).keys
    return Destination.add_browser(
        wallet or create_wallet(), address, key=keys["p256dh"], secret=keys["auth"]
    )


def create_mailbox(
    wallet: Wallet | None = None, address: str = "alice@example.com", *, confirmed: bool = True
) -> Destination:
    mailbox = Destination.add_mailbox(wallet or create_wallet(), address)
    if confirmed:
        mailbox.confirm()
    return mailbox


def create_webhook(
    wallet: Wallet | None = None, address: str = "https://hooks.example.com/lora"
) -> Destination:
    return Destination.add_webhook(wallet or create_wallet(), address)


def create_notice(destination: Destination, **fields: Any) -> Notice:
    """A notice about a completed training, due now."""
    training = create_training(wallet=destination.wallet, status=Status.COMPLETED)
    said = {
        "title": "KILNGLZ: Ready",
        "text": "The weights are in our storage, and verified.",
        "path": f"/trainings/{training.pk}",
        "body": {"type": "training.completed", "data": {"id": str(training.pk)}},
    }
    Notice.announce(destination.wallet, "training.completed", training.pk, 1, **(said | fields))
    return Notice.objects.get(destination=destination, about=training.pk)


def step(notice: Notice) -> Notice:
    """Let a worker run its step, whether it is due or not."""
    Notice.objects.filter(pk=notice.pk, due_at__isnull=False).update(due_at=Now())
    job = Notice.objects.claim(notice.pk)
    assert job is not None, f"{notice.status} cannot be claimed"
    job.advance()
    notice.refresh_from_db()
    notice.destination.refresh_from_db()
    return notice


def mirrored(wallet: Wallet, **fields: Any) -> Training:
    """A training at its last step."""
    return create_training(
        wallet=wallet, status=Status.MIRRORING, charges=1, is_charged=False, **fields
    )
