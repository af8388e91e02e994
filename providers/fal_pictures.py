"""fal.ai's `florence-2-large/more-detailed-caption` and `imageutils/rembg`.

Facts: the two model pages, and the generated types of npm `@fal-ai/client` 1.10.1.
"""

from __future__ import annotations

from typing import Any

import fal_client

from loratrainer.outcomes import Failed, Outcome, Pending, Succeeded
from providers.answers import asking, useless
from providers.fal_queue import SERVICE, FalQueue
from providers.retoucher import Retoucher, Touch

ENDPOINTS: dict[Touch, str] = {
    "caption": "fal-ai/florence-2-large/more-detailed-caption",
    "cutout": "fal-ai/imageutils/rembg",
}
CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
PICTURE_KEPT = fal_client.StorageSettings(expires_in="1d")
"""Far longer than an order waits, and not for ever: these are people's own pictures."""


class FalRetoucher(Retoucher):
    """Describes and cuts out at fal.ai."""

    service = SERVICE
    files_at = "fal"

    def __init__(self, *, key: str, url: str = "") -> None:
        """Take the API key, and where fal is: an empty `url` means the real hosts."""
        self._queue = FalQueue(key, url)

    def upload(self, picture: bytes, *, suffix: str) -> str:
        """Upload to fal's storage, where it stays for a day."""
        sdk = self._queue.sdk
        name = f"picture.{suffix}"
        with asking(SERVICE):
            return str(sdk.upload(picture, CONTENT_TYPES[suffix], name, lifecycle=PICTURE_KEPT))

    def submit(self, touch: Touch, picture_url: str) -> str:
        """Put the order into fal's queue."""
        return self._queue.submit(ENDPOINTS[touch], {"image_url": picture_url}, webhook_url="")

    def check(self, touch: Touch, job_id: str) -> Outcome[str]:
        """Ask for the status, and for the result when it is there."""
        match self._queue.check(ENDPOINTS[touch], job_id):
            case Succeeded(output):
                found = _caption_in(output) if touch == "caption" else _address_in(output)
                return Succeeded(found) if found else useless(SERVICE, job_id, touch)
            case Pending() | Failed() as answer:
                return answer


def _caption_in(output: dict[str, Any]) -> str:
    match output:
        case {"results": str(text)}:
            return text.strip()
    return ""


def _address_in(output: dict[str, Any]) -> str:
    match output:
        case {"image": {"url": str(url)}}:
            return url
    return ""
