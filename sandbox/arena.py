"""Are.na: channels, their contents and their pictures, in v3 and in the older v2.

Guests read what is not private. `Authorization: Bearer sandbox-<slug of a person>` speaks for that
person: the owner of a private channel sees it, a stranger gets 403, a guest 404.

The rate limit is told in the headers of every answer, but held against nobody until a test says
`PUT /sandbox/arena/limit {"limit": 5}`; `{"limit": null}` ends that.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from sandbox import arena_images, arena_v2, arena_v3
from sandbox.arena_blocks import Block, Channel, Person
from sandbox.arena_catalogue import BLOCKS, PEOPLE, find

GUESTS_PER_MINUTE = 30
MEMBERS_PER_MINUTE = 120
WINDOW = 60
"""Seconds."""
KEYS: dict[str, Callable[[tuple[int, Block]], object]] = {
    "position": lambda connected: connected[0],
    "created_at": lambda connected: connected[1].created_at,
    "updated_at": lambda connected: connected[1].created_at,
}
type Handler = Callable[[web.Request, Person | None], Awaitable[web.Response]]


@dataclass
class Meter:
    """How many requests each caller has made in this window, and how many they may."""

    limit: int | None = None
    window: int = 0
    made: Counter[str] = field(default_factory=Counter)

    def count(self, caller: str) -> int:
        """Count one request and return how many it were since the window began."""
        if (window := int(time.time()) // WINDOW) != self.window:
            self.window = window
            self.made.clear()
        self.made[caller] += 1
        return self.made[caller]


METER = web.AppKey("meter", Meter)


def add_routes(app: web.Application) -> None:
    """Add the two APIs, the pictures and the control of the rate limit."""
    app[METER] = Meter()
    arena_images.add_routes(app)
    app.router.add_put("/sandbox/arena/limit", set_limit)
    paths: tuple[tuple[str, Handler], ...] = (
        ("/arena/v3/channels/{slug}", channel_v3),
        ("/arena/v3/channels/{slug}/contents", contents_v3),
        ("/arena/v3/blocks/{id:\\d+}", block_v3),
        ("/arena/v2/channels/{slug}", channel_v2),
        ("/arena/v2/channels/{slug}/thumb", channel_v2),
        ("/arena/v2/channels/{slug}/contents", contents_v2),
    )
    for path, handler in paths:
        app.router.add_get(path, _metered(handler))


async def channel_v3(request: web.Request, caller: Person | None) -> web.Response:
    """`GET /v3/channels/{slug|id}`."""
    return web.json_response(arena_v3.channel(request.app, _readable(request, caller)))


async def contents_v3(request: web.Request, caller: Person | None) -> web.Response:
    """`GET /v3/channels/{slug|id}/contents?page=1&per=24&sort=position_desc`, per up to 100."""
    channel = _readable(request, caller)
    key, _, direction = request.query.get("sort", "position_desc").rpartition("_")
    page, per = _paging(request)
    found = [
        arena_v3.connected(request.app, block, place, channel)
        for place, block in _ordered(channel, key, direction)[(page - 1) * per : page * per]
    ]
    return web.json_response(arena_v3.page(found, page, per, len(channel.blocks)))


async def block_v3(request: web.Request, caller: Person | None) -> web.Response:
    """`GET /v3/blocks/{id}`."""
    block, channel = BLOCKS.get(int(request.match_info["id"]), (None, None))
    if block is None or channel is None or block.channel:
        raise _refusal(404, "Not Found", "Block not found.")
    _check_readable(channel, caller)
    return web.json_response(arena_v3.contents(request.app, block))


async def channel_v2(request: web.Request, caller: Person | None) -> web.Response:
    """`GET /v2/channels/:slug` and `/thumb`: the channel with one page of contents."""
    channel = _readable(request, caller)
    page, per = _paging(request)
    found = _page_v2(request, channel, page, per)
    return web.json_response(arena_v2.with_contents(request.app, channel, found, page, per))


async def contents_v2(request: web.Request, caller: Person | None) -> web.Response:
    """`GET /v2/channels/:slug/contents?page&per`: empty past the last page."""
    channel = _readable(request, caller)
    found = _page_v2(request, channel, *_paging(request))
    return web.json_response(arena_v2.contents(request.app, channel, found))


async def set_limit(request: web.Request) -> web.Response:
    """`PUT /sandbox/arena/limit {"limit": n}`: from now on, n requests a minute for each caller."""
    try:
        limit = (await request.json())["limit"]
    except (ValueError, KeyError, TypeError):
        limit = ""
    if limit is not None and (type(limit) is not int or limit < 0):
        raise web.HTTPBadRequest(text='The body must be {"limit": <a number, or null for none>}.')
    request.app[METER].limit = limit
    request.app[METER].made.clear()
    return web.json_response({"limit": limit})


def _ordered(channel: Channel, key: str, direction: str) -> list[tuple[int, Block]]:
    if key not in KEYS or direction not in ("asc", "desc"):
        raise _refusal(400, "Bad Request", "sort does not have a valid value")
    connected = enumerate(channel.blocks, 1)
    return sorted(connected, key=lambda c: (KEYS[key](c), c[0]), reverse=direction == "desc")


def _page_v2(
    request: web.Request, channel: Channel, page: int, per: int
) -> list[tuple[int, Block]]:
    direction = request.query.get("direction", "asc")
    ordered = _ordered(channel, request.query.get("sort", "position"), direction)
    return ordered[(page - 1) * per : page * per]


def _paging(request: web.Request) -> tuple[int, int]:
    try:
        page, per = int(request.query.get("page", 1)), int(request.query.get("per", 24))
    except ValueError:
        page = per = 0
    if page < 1 or per < 1:
        raise _refusal(400, "Bad Request", "page and per must be whole numbers above zero")
    return page, min(per, 100)


def _readable(request: web.Request, caller: Person | None) -> Channel:
    channel = find(request.match_info["slug"])
    if channel is None:
        raise _refusal(404, "Not Found", "Channel not found.")
    _check_readable(channel, caller)
    return channel


def _check_readable(channel: Channel, caller: Person | None) -> None:
    if channel.visibility != "private" or caller == channel.owner:
        return
    if caller is None:
        raise _refusal(404, "Not Found", "Channel not found.")
    raise _refusal(403, "Forbidden", "You do not have permission to view this channel.")


def _metered(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Find out who calls, count it, and tell the limit in the headers."""

    async def counted(request: web.Request) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        caller = next((who for who in PEOPLE if who.token == token), None)
        meter = request.app[METER]
        tier, told = ("free", MEMBERS_PER_MINUTE) if caller else ("guest", GUESTS_PER_MINUTE)
        told = told if meter.limit is None else meter.limit
        made = meter.count(caller.token if caller else request.remote or "")
        headers = {
            "X-RateLimit-Limit": str(told),
            "X-RateLimit-Tier": tier,
            "X-RateLimit-Window": str(WINDOW),
            "X-RateLimit-Reset": str((meter.window + 1) * WINDOW),
        }
        try:
            if meter.limit is not None and made > meter.limit:
                raise _too_many(tier, told, (meter.window + 1) * WINDOW - int(time.time()))
            if scheme and not (scheme == "Bearer" and caller):
                raise _refusal(401, "Unauthorized", "The access token is invalid.")
            answer: web.StreamResponse = await handler(request, caller)
        except web.HTTPException as refusal:
            refusal.headers.update(headers)
            raise
        answer.headers.update(headers)
        return answer

    return counted


def _refusal(status: int, error: str, message: str) -> web.HTTPException:
    body = {"error": error, "code": status, "details": {"message": message}}
    return _problem(status, body)


def _too_many(tier: str, limit: int, retry_after: int) -> web.HTTPException:
    error = {
        "type": "rate_limit_exceeded",
        "message": f"You have used all {limit} requests of this minute.",
        "tier": tier,
        "limit": limit,
        "limit_window": "minute",
        "retry_after": retry_after,
        "suggestions": ["Wait until the window ends.", "Sign in for a higher limit."],
    }
    return _problem(429, {"error": error}, {"Retry-After": str(retry_after)})


def _problem(status: int, body: object, headers: dict[str, str] | None = None) -> web.HTTPException:
    kinds: dict[int, type[web.HTTPClientError]] = {
        400: web.HTTPBadRequest,
        401: web.HTTPUnauthorized,
        403: web.HTTPForbidden,
        404: web.HTTPNotFound,
        429: web.HTTPTooManyRequests,
    }
    return kinds[status](text=json.dumps(body), content_type="application/json", headers=headers)
