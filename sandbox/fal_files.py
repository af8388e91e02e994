"""fal's storage: tokens and uploads at `/fal/rest` and `/fal/files`, files for everybody.

The three ways of fal-client: one request, parts, and the older one that asks for an address first.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from sandbox import files
from sandbox.config import CONFIG
from sandbox.fal_auth import owner_of, refuse
from sandbox.files import FILES
from sandbox.webhooks import KEYS

TOKEN_LASTS = timedelta(hours=1)


async def token(request: web.Request) -> web.Response:
    """`POST /fal/rest/storage/auth/token`: a token for uploads, good across restarts."""
    owner_of(request)
    expires_at = datetime.now(UTC) + TOKEN_LASTS
    until = str(int(expires_at.timestamp()))
    return web.json_response(
        {
            "token": f"{until}.{_signature(request, until)}",
            "token_type": "Bearer",
            "base_url": _base(request),
            "expires_at": expires_at.isoformat(),
        }
    )


async def upload(request: web.Request) -> web.Response:
    """`POST /fal/files/files/upload`: a whole file."""
    _allowed(request)
    path = request.app[FILES].new(request.headers.get("X-Fal-File-Name", "upload.bin"))
    await _receive(request, path)
    answer = web.json_response({"access_url": _url(request, path)})
    answer.force_close()  # fal-client leaves the client open that it uploads with.
    return answer


async def begin_parts(request: web.Request) -> web.Response:
    """`POST /fal/files/files/upload/multipart`: announce a file that comes in parts."""
    _allowed(request)
    path = request.app[FILES].new(request.headers.get("X-Fal-File-Name", "upload.bin"))
    upload_id = secrets.token_hex(16)
    _parts(path, upload_id).mkdir()
    return web.json_response({"access_url": _url(request, path), "uploadId": upload_id})


async def put_part(request: web.Request) -> web.Response:
    """`PUT {access_url}/multipart/{uploadId}/{number}`: one part; its ETag is asked for later."""
    _allowed(request)
    number = int(request.match_info["number"])
    part = _announced(request) / f"{number:06}"
    await _receive(request, part)
    return web.Response(headers={"ETag": _etag(part)})


async def join_parts(request: web.Request) -> web.Response:
    """`POST {access_url}/multipart/{uploadId}/complete`: the parts, in any order, are the file."""
    _allowed(request)
    folder = _announced(request)
    try:
        listed = {int(one["partNumber"]): one["etag"] for one in (await request.json())["parts"]}
    except (ValueError, KeyError, TypeError):
        return _unreadable("The list of parts cannot be read")
    parts = {folder / f"{number:06}": etag for number, etag in sorted(listed.items())}
    if not all(part.is_file() and _etag(part) == etag for part, etag in parts.items()):
        return _unreadable("A part is missing")
    path = folder.parent / request.match_info["name"]
    joining = path.with_name(".joining")
    with joining.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())
    joining.replace(path)
    return web.json_response({"access_url": _url(request, path)})


async def initiate(request: web.Request) -> web.Response:
    """`POST /fal/rest/storage/upload/initiate`: an address to put a file to."""
    owner_of(request)
    try:
        name = str((await request.json())["file_name"])
    except (ValueError, KeyError, TypeError):
        return _unreadable("file_name is required")
    path = request.app[FILES].new(name)
    url = _url(request, path)
    return web.json_response({"upload_url": f"{url}?upload=1", "file_url": url})


async def put_file(request: web.Request) -> web.Response:
    """`PUT` to the address that `initiate` gave, once."""
    folder = request.app[FILES].folder / request.match_info["key"]
    path = folder / request.match_info["name"]
    if not folder.is_dir() or path.exists() or path.parent != folder:
        return web.json_response({"detail": "Not found"}, status=404)
    await _receive(request, path)
    return web.Response()


def _unreadable(detail: str) -> web.Response:
    return web.json_response({"detail": detail}, status=400)


def _base(request: web.Request) -> str:
    return f"{request.app[CONFIG].url}/fal/files"


def _url(request: web.Request, path: Path) -> str:
    return files.address(path, f"{_base(request)}/files")


def _signature(request: web.Request, until: str) -> str:
    return hmac.digest(request.app[KEYS].hmac, f"upload {until}".encode(), "sha256").hex()


def _allowed(request: web.Request) -> None:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    until, _, signature = given.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(request, until).encode()):
        refuse("The upload token is not valid")
    if int(until) < datetime.now(UTC).timestamp():
        refuse("The upload token has expired")


def _parts(path: Path, upload_id: str) -> Path:
    return path.parent / f".parts-{upload_id}"


def _announced(request: web.Request) -> Path:
    match = request.match_info
    folder = _parts(request.app[FILES].folder / match["key"] / match["name"], match["upload"])
    if not folder.is_dir():
        raise web.HTTPNotFound(text='{"detail": "Not found"}', content_type="application/json")
    return folder


def _etag(part: Path) -> str:
    return f'"{hashlib.md5(part.read_bytes(), usedforsecurity=False).hexdigest()}"'


async def _receive(request: web.Request, path: Path) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        async for chunk in request.content.iter_chunked(2**18):
            file.write(chunk)
    partial.replace(path)


def add_routes(app: web.Application) -> None:
    """Add the uploads and the files."""
    router = app.router
    router.add_post("/fal/rest/storage/auth/token", token)
    router.add_post("/fal/rest/storage/upload/initiate", initiate)
    router.add_post("/fal/files/files/upload", upload)
    router.add_post("/fal/files/files/upload/multipart", begin_parts)
    one = f"/fal/files/files/{files.ROUTE}"
    router.add_put(one + r"/multipart/{upload:\w+}/{number:\d+}", put_part)
    router.add_post(one + r"/multipart/{upload:\w+}/complete", join_parts)
    router.add_get(one, files.serve)
    router.add_put(one, put_file)
