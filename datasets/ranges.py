"""Sending a file of our disk, whole or in part: downloads that broke off can go on (RFC 9110, 14).

The bytes go from the disk to the connection in pieces. Where a web server stands before us it can
do all of this itself; the setting `SENDFILE_HEADER` says how to ask it.
"""

from __future__ import annotations

import mimetypes
import os
import re
from email.utils import parsedate_to_datetime
from typing import IO, Any
from urllib.parse import quote

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date

BLOCK = 64 * 2**10
"""How many bytes are read at a time."""
ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))\s*", re.IGNORECASE)
"""Several ranges at once are not understood, which RFC 9110 (14.2) allows: the whole file comes."""


class Unsatisfiable(Exception):
    """The file has no byte of the range that was asked for."""


class Part:
    """So many bytes of an open file, from where it stands; closing it closes the file."""

    def __init__(self, file: IO[bytes] | File[bytes], length: int) -> None:
        self.file = file
        self.left = length

    def read(self, size: int = BLOCK) -> bytes:
        """Read at most so many bytes; none are left at the end."""
        piece = self.file.read(min(size, self.left))
        self.left -= len(piece)
        return piece

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def send_file(request: HttpRequest, file: File[Any], filename: str) -> HttpResponseBase:
    """Answer with a file that lies on our disk, to be saved as `filename`.

    200, 206, 304, 412 or 416, as `Range`, `If-Range` and the other preconditions ask. The file is
    closed with the response. Files are never written twice under one name, so their size and time
    tell one from another.
    """
    facts = os.fstat(file.fileno())
    etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    modified = int(facts.st_mtime)
    common = {"ETag": etag, "Last-Modified": http_date(modified), "Accept-Ranges": "bytes"}
    early = get_conditional_response(request, etag=etag, last_modified=modified)
    if early is not None:
        file.close()
        return early
    try:
        wanted = _wanted(request, facts.st_size, etag, modified)
    except Unsatisfiable:
        file.close()
        return HttpResponse(
            status=416, headers=common | {"Content-Range": f"bytes */{facts.st_size}"}
        )
    whole = range(facts.st_size)
    part = whole if wanted is None else wanted
    file.seek(part.start)
    # What is cut short has no file number, or gunicorn would have the system send the rest, too.
    source = file if part is whole else Part(file, len(part))
    response = FileResponse(source, as_attachment=True, filename=filename)
    response.block_size = BLOCK
    if wanted is not None:
        response.status_code = 206
        common["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{facts.st_size}"
    for name, value in (common | {"Content-Length": str(len(part))}).items():
        response.headers[name] = value
    return response


def left_to_the_web_server(name: str, filename: str) -> HttpResponse:
    """Tell the web server before us which file of our disk to send.

    `X-Accel-Redirect` is nginx's and wants an address of its own, `X-Sendfile` is Apache's and
    lighttpd's and wants the path.
    """
    disk = default_storage
    if settings.SENDFILE_HEADER.lower() == "x-sendfile" and isinstance(disk, FileSystemStorage):
        where = disk.path(name)
    else:
        where = f"{settings.SENDFILE_ROOT.rstrip('/')}/{quote(name)}"
    kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    saved_as = content_disposition_header(as_attachment=True, filename=filename)
    return HttpResponse(
        headers={
            settings.SENDFILE_HEADER: where,
            "Content-Type": kind,
            "Content-Disposition": saved_as or "attachment",
        }
    )


def _wanted(request: HttpRequest, size: int, etag: str, modified: int) -> range | None:
    """The bytes that were asked for; None for all of them. Raises `Unsatisfiable`.

    Only a GET has a range, and one that cannot be read is passed over (RFC 9110, 14.2).
    """
    asked = ONE_RANGE.fullmatch(request.headers.get("Range", ""))
    if request.method != "GET" or not asked or not _is_same(request, etag, modified):
        return None
    first, last, suffix = asked.groups()
    if suffix is not None:
        wanted = range(max(0, size - int(suffix)), size)
    else:
        if last and int(last) < int(first):
            return None
        wanted = range(int(first), min(size, int(last) + 1 if last else size))
    if not wanted:
        raise Unsatisfiable
    return wanted


def _is_same(request: HttpRequest, etag: str, modified: int) -> bool:
    """Whether the file is still the one whose first part the client has (RFC 9110, 13.1.5)."""
    condition = request.headers.get("If-Range", "").strip()
    if not condition or condition == etag:
        return True
    try:
        return parsedate_to_datetime(condition).timestamp() == modified
    except (ValueError, TypeError):
        return False
