"""What a worker does for a wish, one function per status; each may run twice.

`submit` costs a fraction of a cent. It is sent once: nobody looks for an order in doubt, and nobody
sends it again but the person, who reads that it is in doubt and can ask once more.
"""

from __future__ import annotations

import io
from datetime import timedelta
from typing import cast

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from datasets import decoding, storage
from datasets.models import Frozen
from datasets.pictures import CAPTION_LENGTH, Picture
from datasets.retouches import Retouch
from loratrainer.fetching import expect_picture, fetch
from loratrainer.outcomes import Failed, GiveUp, Pending, Succeeded, TryAgainLater
from providers import Retoucher, get_retoucher
from providers.base import Doubt
from providers.retoucher import Touch

ASKED_AGAIN_IN = timedelta(seconds=1)
READABLE_FOR = timedelta(hours=1)
"""How long the service may read a picture in our storage."""
MAX_BYTES = 30_000_000
"""Of a cut-out: more than any PNG of the largest size that we keep has."""
TRANSFER_SECONDS = 60.0
SAME_SHAPE = 0.02
"""By so much, as a share, the proportions of a cut-out may differ from the picture's: rounding."""


def submit(retouch: Retouch) -> None:
    """Order it once."""
    if retouch.sent_at is not None:
        in_doubt(retouch)  # The worker that sent it has died before it knew.
        return
    picture = retouch.picture
    if picture is None or not picture.is_kept:
        retouch.not_ordered(_("The image was removed."))
        return
    retoucher = get_retoucher(retouch.retoucher)
    touch = cast("Touch", retouch.kind)
    url = picture_url(picture, touch, retoucher)
    # One write marks the order and shows that the wish is still ours.
    retouch.renew(sent_at=Now())
    try:
        job_id = retoucher.submit(touch, url)
    except TryAgainLater:
        retouch.renew(sent_at=None)
        raise
    except GiveUp as error:
        retouch.not_ordered(str(error))
    except Doubt:
        in_doubt(retouch)
    else:
        retouch.move("working", job_id=job_id)


def in_doubt(retouch: Retouch) -> None:
    """It ends here: once more would cost a fraction of a cent, so that is left to the person."""
    retouch.fail(_("It is not certain that the order arrived. Ask once more."))


def picture_url(picture: Picture, touch: Touch, retoucher: Retoucher) -> str:
    """Where the service reads the picture: with us if it can, else in a copy there.

    Cut out is all of the original, so that turning and cropping go on as before; described is what
    the trainer will see. The copy lies in the service's own storage, not in the order as a `data:`
    address, because a picture may have several MB and a queue is no place for them.
    """
    if touch == "cutout":
        name, rotation, crop = picture.original, 0, []
    else:
        name, rotation, crop = picture.source, picture.rotation, picture.crop
    if not rotation and not crop:
        url = storage.signed_url(name, expires_in=READABLE_FOR)
        if url.startswith("https://"):
            return url
    try:
        content = storage.read(name)
    except storage.Missing as error:
        raise GiveUp(_("The image is lost. Remove it or load it again.")) from error
    if rotation or crop:
        content = decoding.full(content, rotation, crop)
    return retoucher.upload(content, suffix=name.rpartition(".")[2])


def check(retouch: Retouch) -> None:
    """Ask how it is doing, and keep what came of it."""
    retoucher = get_retoucher(retouch.retoucher)
    if retouch.picture is None:
        retouch.fail(_("The image was removed."))
        return
    match retoucher.check(cast("Touch", retouch.kind), retouch.job_id):
        case Pending(note):
            retouch.wait(ASKED_AGAIN_IN, note=note)
        case Failed(reason):
            retouch.fail(reason)
        case Succeeded(result):
            try:
                if retouch.kind == Retouch.Kind.CAPTION:
                    keep_caption(retouch, retouch.picture, result)
                else:
                    keep_cutout(retouch, retouch.picture, result, retoucher)
            except (Frozen, ObjectDoesNotExist):
                retouch.fail(_("The image was removed, or trained with meanwhile."))


def keep_caption(retouch: Retouch, picture: Picture, text: str) -> None:
    """Write it where there still is none. Raises `Frozen`."""
    text = " ".join(text.replace("\0", " ").split())
    if len(text) > CAPTION_LENGTH:
        text = text[: CAPTION_LENGTH - 1].rpartition(" ")[0] + "…"
    with picture.dataset.editing():
        picture.describe(text)
        retouch.move("completed", due_in=None)


def keep_cutout(retouch: Retouch, picture: Picture, url: str, retoucher: Retoucher) -> None:
    """Keep it beside the original, and show it from now on. Raises `Frozen`."""
    if not picture.cutout:
        picture.keep_cutout(bring_home(picture, url, retoucher))
        retouch.renew()
    if not picture.cut_out():
        # Somebody turned or cropped it in this very moment; the next look finds the cut-out kept.
        retouch.wait(timedelta(0), note=retouch.note)
        return
    retouch.move("completed", due_in=None)


def bring_home(picture: Picture, url: str, retoucher: Retoucher) -> decoding.Developed:
    """Fetch a cut-out and decode it like any stranger's picture, on white.

    Raises `GiveUp` with words, and `TryAgainLater`.
    """
    file = io.BytesIO()
    fetch(
        url,
        into=file,
        allowed=settings.FETCH_HOSTS[retoucher.files_at],
        max_bytes=MAX_BYTES,
        timeout_in=TRANSFER_SECONDS,
        expect=expect_picture,
    )
    made = decoding.develop(file.getvalue())
    proportions = (made.width * (picture.height or 1)) / (made.height * (picture.width or 1))
    if abs(proportions - 1) > SAME_SHAPE:
        raise GiveUp(_("The cut-out came back in another shape, so it was not used."))
    return made
