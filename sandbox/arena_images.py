"""Serves the pictures of Are.na's blocks; each is made once, in a thread, and kept on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from aiohttp import web
from PIL import Image

from sandbox.arena_blocks import Block
from sandbox.arena_catalogue import BLOCKS
from sandbox.arena_pictures import BOUNDS, resized
from sandbox.config import CONFIG

FOLDER = "arena-1"
"""Where the pictures lie; another number after a change of the art draws them all again."""
VERSIONS = ("original", *BOUNDS, *(f"{name}_2x" for name in BOUNDS))


class Studio:
    """Makes every file once, however many ask for it at the same moment; two at a time."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(2, "studio")
        self.under_way: dict[Path, asyncio.Future[None]] = {}

    async def have(self, path: Path, make: Callable[[], bytes]) -> Path:
        """Make the file unless it is there. Raises what `make` raises."""
        if not path.exists():
            if path not in self.under_way:
                loop = asyncio.get_running_loop()
                self.under_way[path] = loop.run_in_executor(self.threads, _write, path, make)
                self.under_way[path].add_done_callback(lambda _: self.under_way.pop(path))
            # Shielded: a visitor who leaves must not take the picture away from the others.
            await asyncio.shield(self.under_way[path])
        return path


STUDIO = web.AppKey("studio", Studio)


def add_routes(app: web.Application) -> None:
    """Add the image paths and the threads that draw."""
    app[STUDIO] = Studio()
    app.on_startup.append(_open)
    app.on_cleanup.append(_close)
    app.router.add_get("/arena/images/{block:\\d+}/{file}", image)


def address(app: web.Application, block: Block, version: str) -> str:
    """Return the address of a version of a picture; it has two `?`, like the real ones."""
    suffix = block.picture.suffix if block.picture and version == "original" else "jpg"
    root = f"{app[CONFIG].url}/arena/images/{block.id}"
    return f"{root}/{version}_{block.digest}.{suffix}?{int(block.created_at.timestamp())}?bc=0"


def known_size(app: web.Application, block: Block) -> int | None:
    """Return the size of the original in bytes, or nothing as long as nobody has asked for it."""
    try:
        return _path(app, block, "original").stat().st_size
    except FileNotFoundError:
        return None


async def image(request: web.Request) -> web.StreamResponse:
    """`GET /arena/images/<block>/<version>_<digest>.<suffix>`; whatever follows `?` is ignored."""
    block, _ = BLOCKS.get(int(request.match_info["block"]), (None, None))
    version, _, rest = request.match_info["file"].rpartition("_")
    if block is None or block.picture is None or block.state != "available":
        raise web.HTTPNotFound
    suffix = block.picture.suffix if version == "original" else "jpg"
    if version not in VERSIONS or rest != f"{block.digest}.{suffix}":
        raise web.HTTPNotFound
    studio = request.app[STUDIO]
    path = await studio.have(_path(request.app, block, "original"), block.picture.make)
    content_type = block.picture.content_type
    if version != "original":
        make = partial(_resize, path, version)
        try:
            path = await studio.have(_path(request.app, block, version), make)
        except (OSError, Image.DecompressionBombError):
            raise web.HTTPNotFound from None
        content_type = "image/jpeg"
    headers = {"Content-Type": content_type, "Cache-Control": "public, max-age=31536000"}
    return web.FileResponse(path, headers=headers)


def _path(app: web.Application, block: Block, version: str) -> Path:
    suffix = block.picture.suffix if block.picture and version == "original" else "jpg"
    return app[CONFIG].var / FOLDER / f"{block.id}_{version}.{suffix}"


def _resize(original: Path, version: str) -> bytes:
    return resized(original.read_bytes(), version)


def _write(path: Path, make: Callable[[], bytes]) -> None:
    """Write beside the place and move there, so that half a file is never served."""
    draft = path.with_name(f"{path.name}.part")
    draft.write_bytes(make())
    draft.replace(path)


async def _open(app: web.Application) -> None:
    (app[CONFIG].var / FOLDER).mkdir(parents=True, exist_ok=True)


async def _close(app: web.Application) -> None:
    app[STUDIO].threads.shutdown(cancel_futures=True)
