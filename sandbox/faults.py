"""Misbehaviour to order, for every path but `/sandbox/`.

`POST /sandbox/script` adds `{"rules": [...]}`, `GET` shows what is left, `DELETE` clears. A rule is
`{"match": {"method", "path", "contains", "nth"}, "do": ..., "times": 1, ...arguments}`: `path` may
hold `*`; `contains` is a piece of the request's body; `nth` lets the first requests that match
pass; `times` null means always. The first rule that fits a request is applied and used up by one.
Rules about a job (`FOR_JOBS`) wait for the submission that they match, and come in addition.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

FOR_REQUESTS: dict[str, dict[str, Any]] = {
    "delay": {"seconds": 1.0, "after": False},  # after: do what was asked, then hold the answer.
    "status": {"status": 503, "body": {"detail": "Service unavailable"}, "headers": {}},
    "reset": {},  # The connection breaks before anything was done.
    "garbage": {"body": "<html><body>Bad gateway"},  # Done, but the answer cannot be read.
    "accept_then_500": {},
    "accept_then_reset": {},
    "cut": {"at": 0.5},  # The connection breaks after this share of the body.
    "swap_file": {"body": ""},  # Other bytes of the same length, or the given text.
    "expire": {"status": 404},
}
FOR_JOBS: dict[str, dict[str, Any]] = {
    "pace": {"queued": 1.0, "working": 5.0},  # Seconds, instead of the configured ones.
    "never_finish": {},
    "fail": {"status": "", "message": "The trainer broke"},
    "hide_from_list": {"seconds": 30.0},
    "webhook_drop": {},
    "webhook_double": {"copies": 2},
    "webhook_reorder": {},
    "webhook_forge": {"how": "signature", "instead": False},
}
MATCH: dict[str, Any] = {"method": "*", "path": "*", "contains": "", "nth": 1}
ACTIONS = FOR_REQUESTS | FOR_JOBS


@dataclass(slots=True)
class Rule:
    """One line of the script, and how often it was met and used."""

    match: dict[str, Any]
    do: str
    arguments: dict[str, Any]
    times: int | None
    seen: int = 0

    @classmethod
    def parse(cls, given: Any) -> Rule:
        """Read one rule. Raises `ValueError` for anything unknown, so that typos are noticed."""
        if not isinstance(given, dict) or given.get("do") not in ACTIONS:
            raise ValueError(f'A rule needs "do", one of: {", ".join(ACTIONS)}.')
        match = given.get("match", {})
        arguments = {name: given[name] for name in given.keys() - {"do", "match", "times"}}
        known = ACTIONS[given["do"]]
        if unknown := [*(match.keys() - MATCH.keys()), *(arguments.keys() - known.keys())]:
            raise ValueError(f"{given['do']} does not know: {', '.join(sorted(unknown))}.")
        return cls(MATCH | match, given["do"], known | arguments, given.get("times", 1))

    async def fits(self, request: web.Request) -> bool:
        """Say whether the rule is for this request, and use it up by one if it is."""
        match = self.match
        if self.times == 0 or not fnmatchcase(request.method, match["method"]):
            return False
        if not fnmatchcase(request.path, match["path"]):
            return False
        if match["contains"] and match["contains"] not in (await request.read()).decode(
            errors="replace"
        ):
            return False
        self.seen += 1
        if self.seen < match["nth"]:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Script:
    """The rules that are left."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    async def for_request(self, request: web.Request) -> Rule | None:
        """Take the rule that applies to this request, if there is one."""
        for rule in self.rules:
            if rule.do in FOR_REQUESTS and await rule.fits(request):
                return rule
        return None

    async def for_job(self, request: web.Request) -> dict[str, dict[str, Any]]:
        """Take the rules for the job that this request submits, at most one of a kind."""
        faults: dict[str, dict[str, Any]] = {}
        for rule in self.rules:
            if rule.do in FOR_JOBS and rule.do not in faults and await rule.fits(request):
                faults[rule.do] = rule.arguments
        return faults


SCRIPT = web.AppKey("script", Script)


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Apply the script to any request but those to the sandbox itself."""
    if request.path.startswith("/sandbox/"):
        return await handler(request)
    rule = await request.app[SCRIPT].for_request(request)
    if rule is None:
        return await handler(request)
    return await _instead(request, rule) or await _after(request, rule, await handler(request))


async def _instead(request: web.Request, rule: Rule) -> web.Response | None:
    match rule.do:
        case "status":
            return _answer(**rule.arguments)
        case "expire":
            return _answer(rule.arguments["status"], {"detail": "The file has expired"}, {})
        case "reset":
            return _reset(request)
        case "delay" if not rule.arguments["after"]:
            await asyncio.sleep(rule.arguments["seconds"])
    return None


async def _after(
    request: web.Request, rule: Rule, response: web.StreamResponse
) -> web.StreamResponse:
    match rule.do:
        case _ if response.prepared:
            pass  # A stream has been sent already.
        case "delay" if rule.arguments["after"]:
            await asyncio.sleep(rule.arguments["seconds"])
        case "accept_then_500":
            return _answer(500, {"detail": "Internal server error"}, {})
        case "accept_then_reset":
            return _reset(request)
        case "garbage":
            return web.Response(text=rule.arguments["body"], content_type="text/html")
        case "cut":
            return await _cut(request, response, rule.arguments["at"])
        case "swap_file":
            return _swapped(response, rule.arguments["body"])
    return response


def _answer(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    if isinstance(body, str):
        return web.Response(status=status, text=body, headers=headers)
    return web.json_response(body, status=status, headers=headers)


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _cut(
    request: web.Request, response: web.StreamResponse, share: float
) -> web.StreamResponse:
    body = _body_of(response)
    short = web.StreamResponse(status=response.status)
    short.content_type = response.content_type
    short.content_length = len(body)
    await short.prepare(request)
    await short.write(body[: int(len(body) * share)])
    if request.transport is not None:
        request.transport.close()
    return short


def _swapped(response: web.StreamResponse, text: str) -> web.Response:
    # The last byte is a weight or the end of a picture, so that the file stays a valid one.
    body = _body_of(response)
    other = text.encode() or body[:-1] + bytes(byte ^ 1 for byte in body[-1:])
    return web.Response(body=other, content_type=response.content_type)


def _body_of(response: web.StreamResponse) -> bytes:
    if isinstance(response, web.FileResponse):
        path: Path = response._path  # aiohttp has no public name for it.
        return path.read_bytes()
    body = response.body if isinstance(response, web.Response) else None
    return body if isinstance(body, bytes) else b""


async def read_script(request: web.Request) -> web.Response:
    """`GET /sandbox/script`: the rules that still wait for something."""
    return web.json_response(
        [
            {"match": rule.match, "do": rule.do, "times": rule.times, **rule.arguments}
            for rule in request.app[SCRIPT].rules
            if rule.times != 0
        ]
    )


async def add_rules(request: web.Request) -> web.Response:
    """`POST /sandbox/script`: add rules to the end of the script."""
    try:
        rules = [Rule.parse(given) for given in (await request.json())["rules"]]
    except (ValueError, KeyError, TypeError) as error:
        return web.json_response({"detail": str(error)}, status=400)
    request.app[SCRIPT].rules += rules
    return web.json_response({"added": len(rules)})


async def clear_script(request: web.Request) -> web.Response:
    """`DELETE /sandbox/script`: behave again."""
    request.app[SCRIPT].rules.clear()
    return web.Response(status=204)


async def health(request: web.Request) -> web.Response:
    """`GET /sandbox/health`: 200 as soon as everything has started."""
    return web.json_response({"url": str(request.url.origin())})


def add_routes(app: web.Application) -> None:
    """Add the script and the addresses that read and write it."""
    app[SCRIPT] = Script()
    app.router.add_get("/sandbox/health", health)
    app.router.add_get("/sandbox/script", read_script)
    app.router.add_post("/sandbox/script", add_rules)
    app.router.add_delete("/sandbox/script", clear_script)
