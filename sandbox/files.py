"""The files that the providers hand out: weights, images, uploads. Public, like the real ones."""

from __future__ import annotations

import mimetypes
import re
import secrets
from pathlib import Path

from aiohttp import web

from sandbox.config import CONFIG

TYPES = {
    ".safetensors": "application/octet-stream",
    ".webp": "image/webp",
    ".tar": "application/x-tar",
    ".zip": "application/zip",
}


class Files:
    """A folder with one folder for each file, so that every file keeps its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new(self, name: str) -> Path:
        """Make room for a file; the name is reduced to letters, digits, dots and dashes."""
        safe = re.sub(r"[^\w.-]+", "_", Path(name).name, flags=re.ASCII).strip(".-") or "file.bin"
        folder = self.folder / secrets.token_urlsafe(15)
        folder.mkdir(parents=True)
        return folder / safe[-100:]

    def find(self, key: str, name: str) -> Path | None:
        """Find a file by the two parts of its URL."""
        path = self.folder / key / name
        inside = path.resolve().parent.parent == self.folder.resolve()
        return path if inside and path.is_file() else None


FILES = web.AppKey("files", Files)
ROUTE = r"{key:[\w-]+}/{name:\w[\w.-]*}"
"""The two parts of a file's URL; a name that begins with a dot is the sandbox's own."""


def content_type(path: Path) -> str:
    """Return the media type that the file's name stands for."""
    guess = TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0]
    return guess or "application/octet-stream"


def address(path: Path, base: str) -> str:
    """Return the URL of a file below a provider's base URL."""
    return f"{base}/{path.parent.name}/{path.name}"


async def serve(request: web.Request) -> web.StreamResponse:
    """Answer with a file, or a part of it if a range was asked for."""
    path = request.app[FILES].find(request.match_info["key"], request.match_info["name"])
    if path is None:
        return web.json_response({"detail": "Not found"}, status=404)
    return web.FileResponse(path, headers={"Content-Type": content_type(path)})


def add_routes(app: web.Application) -> None:
    """Add the folder; each provider adds the addresses below which it serves it."""
    app[FILES] = Files(app[CONFIG].var / "files")
