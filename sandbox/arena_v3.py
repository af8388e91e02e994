"""The JSON of Are.na's API v3, as its OpenAPI page and `@aredotna/sdk` 0.1.1 tell it."""

from __future__ import annotations

from datetime import datetime
from html import escape
from math import ceil
from typing import Any

from aiohttp import web

from sandbox import arena_images
from sandbox.arena_blocks import Block, Channel, Person
from sandbox.arena_pictures import BOUNDS, size_of
from sandbox.config import CONFIG

JSON = dict[str, Any]


def moment(at: datetime) -> str:
    """Write a moment as Are.na does: RFC 3339 in UTC with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def markdown(text: str | None) -> JSON | None:
    """Return the three renderings of a text; the sandbox renders paragraphs only."""
    if text is None:
        return None
    return {"markdown": text, "html": f"<p>{escape(text)}</p>", "plain": text.replace("*", "")}


def person(who: Person) -> JSON:
    """Return an EmbeddedUser."""
    return {
        "id": who.id,
        "type": "User",
        "name": who.name,
        "slug": who.slug,
        "avatar": None,
        "initials": who.initials,
    }


def channel(app: web.Application, channel: Channel) -> JSON:
    """Return a Channel, without its contents."""
    inner = sum(block.type == "Channel" for block in channel.blocks)
    total = len(channel.blocks)
    return {
        "id": channel.id,
        "type": "Channel",
        "slug": channel.slug,
        "title": channel.title,
        "description": markdown(channel.description),
        "state": "available",
        "visibility": channel.visibility,
        "created_at": moment(channel.created_at),
        "updated_at": moment(channel.updated_at),
        "owner": person(channel.owner),
        "counts": {
            "blocks": total - inner,
            "channels": inner,
            "contents": total,
            "collaborators": 0,
        },
        "_links": {"self": {"href": f"{_root(app)}/channels/{channel.slug}"}},
    }


def connected(app: web.Application, block: Block, place: int, inside: Channel) -> JSON:
    """Return what a channel holds at a place (from 1): a block, or another channel."""
    body = channel(app, block.channel) if block.channel else contents(app, block)
    connection = {
        "id": block.id + 50_000_000,
        "position": place,
        "pinned": False,
        "connected_at": moment(block.created_at),
        "connected_by": person(block.author if block.channel is None else inside.owner),
        "metadata": None,
    }
    return body | {"connection": connection}


def contents(app: web.Application, block: Block) -> JSON:
    """Return a Block of any type but Channel."""
    body: JSON = {
        "id": block.id,
        "type": block.type,
        "base_type": "Block",
        "title": block.title,
        "description": markdown(block.description),
        "state": block.state,
        "visibility": "public",
        "comment_count": 0,
        "created_at": moment(block.created_at),
        "updated_at": moment(block.created_at),
        "user": person(block.author),
        "source": _source(block),
        "_links": {"self": {"href": f"{_root(app)}/blocks/{block.id}"}},
    }
    if block.type in ("Text", "Link"):
        body["content"] = markdown(block.content)
    if block.type == "Attachment":
        body["attachment"] = {
            "filename": f"{block.title}.pdf",
            "content_type": "application/pdf",
            "file_size": 184_320,
            "file_extension": "pdf",
            "updated_at": moment(block.created_at),
            "url": block.file_url,
        }
    if block.type == "Embed":
        body["embed"] = {"url": block.file_url, "type": "video", "title": block.title}
    if block.type in ("Image", "Link", "Attachment", "Embed"):
        body["image"] = _image(app, block)
    return body


def page(found: list[JSON], number: int, per: int, total: int) -> JSON:
    """Wrap one page of a list; pages are counted from 1."""
    pages = ceil(total / per)
    return {
        "data": found,
        "meta": {
            "current_page": number,
            "next_page": number + 1 if number < pages else None,
            "prev_page": number - 1 if number > 1 else None,
            "per_page": per,
            "total_pages": pages,
            "total_count": total,
            "has_more_pages": number < pages,
        },
    }


def _image(app: web.Application, block: Block) -> JSON | None:
    if block.picture is None:
        return None
    picture = block.picture
    body: JSON = {
        "src": arena_images.address(app, block, "original"),
        "filename": block.filename,
        "content_type": picture.content_type,
        "file_size": arena_images.known_size(app, block),
        "width": picture.width,
        "height": picture.height,
        "aspect_ratio": round(picture.width / picture.height, 4),
        "alt_text": block.alt_text,
        "blurhash": None,
        "updated_at": moment(block.created_at),
    }
    for version in BOUNDS:
        width, height = size_of(picture, version)
        body[version] = {
            "src": arena_images.address(app, block, version),
            "src_2x": arena_images.address(app, block, f"{version}_2x"),
            "width": width,
            "height": height,
        }
    return body


def _source(block: Block) -> JSON | None:
    if block.source_url is None:
        return None
    scheme, _, rest = block.source_url.partition("://")
    host = rest.partition("/")[0]
    provider = {"name": host.removeprefix("www."), "url": f"{scheme}://{host}"}
    return {"url": block.source_url, "title": block.source_title, "provider": provider}


def _root(app: web.Application) -> str:
    return f"{app[CONFIG].url}/arena/v3"
