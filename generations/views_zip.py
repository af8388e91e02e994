"""Images in a ZIP, as they are: those of a batch, and all that somebody has made."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import (
    FileResponse,
    Http404,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from datasets import storage
from generations.images import GeneratedImage
from generations.pages import seen_by
from generations.views import batch_or_404
from generations.views_history import asked_for, behind, parts_of
from generations.views_images import file_name
from loratrainer.outcomes import TryAgainLater
from wallets.http import Request, WalletRequest

if TYPE_CHECKING:
    from generations.pages import SeenBatch

IN_MEMORY = 8 * 2**20
"""The ZIP of a batch with more bytes is built on disk."""


@login_not_required
@require_safe
def download(request: Request, pk: UUID) -> HttpResponseBase:
    """The images of a batch in one ZIP, as they are: they are compressed already.

    It is built in a temporary file, one image at a time, and sent from there in pieces.
    """
    batch, _is_mine = batch_or_404(request, pk)
    if not batch.seen:
        raise Http404
    archive = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - FileResponse closes it
    try:
        write_zip(archive, batch.seen)
    except storage.Missing as missing:
        archive.close()
        raise Http404 from missing
    except TryAgainLater as exc:
        archive.close()
        return out_of_reach(request, exc)
    length = archive.tell()
    archive.seek(0)
    name = file_name(batch.seen[0]).rpartition("-")[0]
    answer = FileResponse(archive, as_attachment=True, filename=f"{name}.zip")
    answer.headers["Content-Length"] = str(length)
    return answer


def write_zip(archive: IO[bytes], images: list[GeneratedImage]) -> None:
    """Write the files of images into a ZIP. Raises `Missing` and `TryAgainLater`."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for found in images:
            packed.writestr(file_name(found), storage.read(found.file))


@require_safe
def download_all(request: WalletRequest) -> HttpResponseBase:
    """The images of a view of the history, in one ZIP: as many as a part has, the newest first.

    It is written while it is sent, one image at a time: a file that cannot be read is named in
    `missing.txt`. 503 if the storage does not answer from the start.
    """
    asked, place = behind(request, asked_for(request).batches)
    part = next(parts_of(request.user, asked, after=place), None)
    if part is None:
        raise Http404
    batches = seen_by(request.user, asked.filter(pk__in=part.batches).newest())
    files = [(entry_name(batch, image), image.file) for batch in batches for image in batch.seen]
    try:
        with suppress(storage.Missing):
            storage.size(files[0][1])
    except TryAgainLater as exc:
        return out_of_reach(request, exc)
    response = StreamingHttpResponse(zipped(files), content_type="application/zip")
    name = content_disposition_header(as_attachment=True, filename=part.filename)
    response.headers["Content-Disposition"] = name or "attachment"
    return response


def zipped(files: list[tuple[str, str]]) -> Iterator[bytes]:
    """Yield the pieces of a ZIP of files of the storage, by the names that they have in it."""
    sink, missing = Sink(), []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as packed:
        for name, file in files:
            try:
                packed.writestr(name, storage.read(file))
            except (storage.Missing, TryAgainLater):
                missing.append(name)
            yield sink.taken()
        if missing:
            words = _("These images could not be read:")
            packed.writestr("missing.txt", "\n".join([words, *missing, ""]))
    yield sink.taken()


class Sink(io.RawIOBase):
    """What a ZIP is written into that is sent as it grows: it cannot go back, and keeps nothing."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Say that it can be written into, and, as it is, nothing else."""
        return True

    def write(self, piece: object) -> int:
        """Keep a piece until it is taken."""
        self._pieces.append(bytes(piece))  # type: ignore[call-overload]
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def entry_name(batch: SeenBatch, image: GeneratedImage) -> str:
    """Return what an image is called in a ZIP of many: in a folder of its batch."""
    return f"{batch.created_at:%Y-%m-%d}-{batch.pk.hex[:8]}/{file_name(image)}"


def out_of_reach(request: Request, exc: TryAgainLater) -> HttpResponse:
    """Say that our storage does not answer."""
    context = {"status": 503, "title": _("The images are out of reach"), "text": str(exc)}
    response = render(request, "errors/page.html", context | {"again": True}, status=503)
    response.headers["Retry-After"] = "10"
    return response
