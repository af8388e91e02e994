"""Web Push: a message for one browser, which only that browser can read.

The push service's address came from a browser, so it is held against a list of services, and
asked through the guarded client. RFC 8030 (delivery), 8291 (encryption), 8292 (VAPID).
"""

from __future__ import annotations

import json
import time
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.utils.translation import gettext as _
from py_vapid import Vapid02
from py_vapid.utils import b64urldecode, b64urlencode

from loratrainer.outcomes import GiveUp, TryAgainLater
from loratrainer.posting import NoAnswer, post
from wallets.notices import DELIVERED_WITHIN, Notice, Status

PUSH_SECONDS = 15.0
TEXT_LENGTH = 300
"""A message may have 3,993 bytes (RFC 8291, 4), and nobody reads so much in a notification."""
TOKEN_SECONDS = 12 * 3600
"""For how long a token is good; RFC 8292 allows a day."""


def push(notice: Notice) -> None:
    """Send it to a browser, once; one that is gone is removed."""
    if notice.sent_at is not None:
        notice.doubt()
        return
    destination = notice.destination
    body, headers = encrypted(notice), headers_of(notice)
    notice.mark_sent()
    try:
        status = post(
            destination.address,
            body,
            headers=headers,
            allowed=settings.FETCH_HOSTS["push"],
            timeout_in=PUSH_SECONDS,
        )
    except NoAnswer:
        notice.doubt()
        return
    except TryAgainLater:
        notice.take_back()
        raise
    judge(notice, status)


def judge(notice: Notice, status: int) -> None:
    """Act on the HTTP status of a push service (RFC 8030, 5 and 7.3)."""
    if 200 <= status < 300:
        notice.move(Status.SENT, due_in=None)
    elif status in {404, 410}:
        notice.fail(_("The browser does not take notices any more."))
        notice.destination.remove()
    elif status == 429 or status >= 500:
        notice.take_back()
        words = _("The push service of the browser answered HTTP {status}.")
        raise TryAgainLater(words.format(status=status))
    else:
        words = _("The push service of the browser refused it with HTTP {status}.")
        raise GiveUp(words.format(status=status))


def encrypted(notice: Notice) -> bytes:
    """Return the message as only the browser can read it (aes128gcm)."""
    destination = notice.destination
    message = {
        "title": notice.title,
        "body": notice.text[:TEXT_LENGTH],
        "path": notice.path,
        "tag": str(notice.about),
    }
    sealed: bytes = http_ece.encrypt(
        json.dumps(message).encode(),
        # A key for this message alone; its public half travels with it.
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=b64urldecode(destination.browser_key.encode()),
        auth_secret=b64urldecode(destination.browser_secret.encode()),
        version="aes128gcm",
    )
    return sealed


def headers_of(notice: Notice) -> dict[str, str]:
    """Say who sends it, and for how long the push service may keep it."""
    service = urlsplit(notice.destination.address)
    claims = {
        "aud": f"{service.scheme}://{service.netloc}",
        "exp": int(time.time()) + TOKEN_SECONDS,
        # Where the push service may complain; a local installation has no address of the world's.
        "sub": settings.SITE_URL if settings.HTTPS else "mailto:webmaster@localhost",
    }
    return {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(int(DELIVERED_WITHIN.total_seconds())),
        "Urgency": "normal",
        # A message that was not delivered yet gives way to a newer one about the same thing.
        "Topic": notice.about.hex,
        **vapid().sign(claims),
    }


def public_key() -> str:
    """Return the key that browsers subscribe to, in base64url; empty without Web Push."""
    if not settings.VAPID_PRIVATE_KEY:
        return ""
    point = vapid().public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return str(b64urlencode(point))


def vapid() -> Vapid02:
    """Return what signs for this site. Raises ValueError if the setting holds no key."""
    key = settings.VAPID_PRIVATE_KEY.encode()
    if len(b64urldecode(key)) != 32:
        raise ValueError("A private key of P-256 has 32 bytes.")
    signer = Vapid02.from_raw(key)
    # It would not take an origin with a port for an address of ours.
    signer.conf = {"no-strict": True}
    return signer


def is_key(key: str, secret: str) -> bool:
    """Whether a browser's public key is a point of the curve, and its secret has 16 bytes."""
    try:
        point, shared = (b64urldecode(text.encode()) for text in (key, secret))
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        return False
    return len(point) == 65 and len(shared) == 16
