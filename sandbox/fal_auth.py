"""Who asks at fal: any key but those that begin with "bad"."""

from __future__ import annotations

import json

from aiohttp import web


def owner_of(request: web.Request) -> str:
    """Return the user id of a request's key, as webhooks carry it: `sandbox|` and the key's id.

    A key is `id:secret`; one without a colon is its own id. Raises 401 in fal's shape.
    """
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Key" or not key:
        refuse("Authentication is required to access this application")
    if key.startswith("bad"):
        refuse("No user found for Key ID and Secret")
    return f"sandbox|{key.partition(':')[0]}"


def refuse(detail: str) -> None:
    """Answer 401 with fal's body."""
    raise web.HTTPUnauthorized(text=json.dumps({"detail": detail}), content_type="application/json")
