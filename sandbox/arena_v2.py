"""The JSON of Are.na's API v2, which is deprecated: as the types of npm `arena-ts` tell it."""

from __future__ import annotations

from math import ceil
from typing import Any

from aiohttp import web

from sandbox import arena_images
from sandbox.arena_blocks import Block, Channel, Person
from sandbox.arena_v3 import markdown, moment

JSON = dict[str, Any]
CLASSES = {"Embed": "Media", "PendingBlock": "Block"}
"""What v3 calls by another name."""


def channel(channel: Channel) -> JSON:
    """Return a channel, without its contents."""
    return {
        "id": channel.id,
        "title": channel.title,
        "created_at": moment(channel.created_at),
        "updated_at": moment(channel.updated_at),
        "added_to_at": moment(channel.updated_at),
        "published": True,
        "open": channel.visibility == "public",
        "collaboration": False,
        "slug": channel.slug,
        "length": len(channel.blocks),
        "kind": "default",
        "status": channel.visibility,
        "state": "available",
        "user_id": channel.owner.id,
        "owner_id": str(channel.owner.id),
        "owner_type": "User",
        "owner_slug": channel.owner.slug,
        "class": "Channel",
        "base_class": "Channel",
        "metadata": {"description": channel.description},
        "user": _person(channel.owner),
        "follower_count": 0,
        "can_index": True,
    }


def with_contents(
    app: web.Application, inside: Channel, blocks: list[tuple[int, Block]], number: int, per: int
) -> JSON:
    """Return a channel with one page of its contents."""
    pages = {
        "per": per,
        "page": number,
        "current_page": number,
        "total_pages": ceil(len(inside.blocks) / per),
    }
    return channel(inside) | pages | contents(app, inside, blocks)


def contents(app: web.Application, inside: Channel, blocks: list[tuple[int, Block]]) -> JSON:
    """Return one page of a channel's contents; v2 says no totals here."""
    return {"contents": [_connected(app, inside, place, block) for place, block in blocks]}


def _connected(app: web.Application, inside: Channel, place: int, block: Block) -> JSON:
    body = channel(block.channel) if block.channel else _block(app, block)
    return body | {
        "position": place,
        "selected": False,
        "connected_at": moment(block.created_at),
        "connected_by_user_id": inside.owner.id,
        "connection_id": block.id + 50_000_000,
    }


def _block(app: web.Application, block: Block) -> JSON:
    provider = (block.source_url or "").partition("://")[2].partition("/")[0]
    return {
        "id": block.id,
        "title": block.title or "",
        "generated_title": block.title or "Untitled",
        "created_at": moment(block.created_at),
        "updated_at": moment(block.created_at),
        "state": block.state,
        "comment_count": 0,
        "class": CLASSES.get(block.type, block.type),
        "base_class": "Block",
        "content": block.content or "",
        "content_html": _html(block.content),
        "description": block.description or "",
        "description_html": _html(block.description),
        "source": {
            "url": block.source_url,
            "title": block.source_title or "",
            "provider": {"name": provider, "url": f"https://{provider}"},
        }
        if block.source_url
        else None,
        "image": _image(app, block),
        "embed": {"url": block.file_url, "type": "rich"} if block.type == "Embed" else None,
        "attachment": {"url": block.file_url, "file_name": f"{block.title}.pdf", "extension": "pdf"}
        if block.type == "Attachment"
        else None,
        "user": _person(block.author),
    }


def _image(app: web.Application, block: Block) -> JSON | None:
    if block.picture is None:
        return None
    size = arena_images.known_size(app, block) or 0
    sizes = {"thumb": "small", "square": "square", "display": "medium", "large": "large"}
    return {
        "filename": block.filename,
        "content_type": block.picture.content_type,
        "updated_at": moment(block.created_at),
        **{name: {"url": arena_images.address(app, block, ours)} for name, ours in sizes.items()},
        "original": {
            "url": arena_images.address(app, block, "original"),
            "file_size": size,
            "file_size_display": f"{size / 1024:.0f} KB",
        },
    }


def _person(who: Person) -> JSON:
    first, _, last = who.name.partition(" ")
    return {
        "id": who.id,
        "slug": who.slug,
        "username": who.name,
        "full_name": who.name,
        "first_name": first,
        "last_name": last,
        "avatar": "",
        "class": "User",
        "initials": who.initials,
    }


def _html(text: str | None) -> str:
    rendered = markdown(text)
    return str(rendered["html"]) if rendered else ""
