"""Replicate at `/replicate`: trainings, predictions, files, the webhook secret.

Shapes and status codes are those of https://replicate.com/docs/reference/http and of the SDK.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import string
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from aiohttp import BodyPartReader, web
from aiohttp.typedefs import Handler

from sandbox import files, replicate_models
from sandbox.config import CONFIG
from sandbox.files import FILES
from sandbox.jobs import JOBS, Job
from sandbox.replicate_inputs import DevLora, checked, object_of, problem
from sandbox.replicate_models import MODELS, OFFICIAL, TRAINERS, named, version_of
from sandbox.replicate_work import Replicate, iso, shown
from sandbox.webhooks import KEYS

PAGE = 100
EVENTS = ["start", "output", "logs", "completed"]
LONGEST_WAIT = 60.0
KEPT = timedelta(hours=24)
ALPHABET = string.ascii_lowercase + string.digits


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ask for a token below `/replicate/v1`, and count the rate limit's headers down."""
    if not request.path.startswith("/replicate/v1/"):
        return await handler(request)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme not in {"Bearer", "Token"} or not token:
        raise problem(401, "You did not pass an authentication token", "Unauthenticated")
    if token.startswith("bad"):
        raise problem(401, "You did not pass a valid authentication token", "Unauthenticated")
    response = await handler(request)
    if not response.prepared:
        response.headers.setdefault("ratelimit-remaining", "2999")
        response.headers.setdefault("ratelimit-reset", "1")
    return response


async def create_training(request: web.Request) -> web.Response:
    """`POST /v1/models/{owner}/{name}/versions/{version}/trainings`: 201."""
    name, version = named(request), request.match_info["version"]
    request.app[MODELS].find(name)
    if name not in TRAINERS or version != version_of(name):
        raise _no_version()
    given = object_of(await request.read())
    destination = str(given.get("destination", ""))
    if destination not in request.app[MODELS].own:
        raise problem(404, "The specified training destination does not exist")
    checked(TRAINERS[name], given.get("input"))
    details = {"destination": destination, "shown_version": version}
    job = await _submit(request, "training", name, given, details)
    return web.json_response(shown(request.app, job), status=201)


async def create_prediction(request: web.Request) -> web.Response:
    """`POST /v1/predictions`: an official model by its name, a trained version by its id."""
    given = object_of(await request.read())
    wanted = str(given.get("version", ""))
    version = wanted.rpartition(":")[2]
    if wanted == OFFICIAL or version == version_of(OFFICIAL):
        return await _predict(request, given, OFFICIAL, {"shown_version": "hidden"})
    kept = request.app[MODELS].weights(version)
    if kept is None:
        raise _no_version()
    details = {"version": version, "shown_version": version}
    return await _predict(request, given, kept[0], details)


async def create_model_prediction(request: web.Request) -> web.Response:
    """`POST /v1/models/{owner}/{name}/predictions`: for official models."""
    request.app[MODELS].find(named(request))
    if named(request) != OFFICIAL:
        raise problem(404, "The requested resource could not be found.", "Not found")
    return await _predict(
        request, object_of(await request.read()), OFFICIAL, {"shown_version": "hidden"}
    )


async def get_job(request: web.Request) -> web.Response:
    """`GET /v1/trainings/{id}` and `GET /v1/predictions/{id}`."""
    return web.json_response(shown(request.app, _asked(request)))


async def cancel_job(request: web.Request) -> web.Response:
    """`POST …/cancel`: the job as it is afterwards."""
    job = _asked(request)
    request.app[JOBS].cancel(job)
    return web.json_response(shown(request.app, job))


async def list_jobs(request: web.Request) -> web.Response:
    """`GET /v1/trainings` and `GET /v1/predictions`: newest first, 100 a page."""
    cursor = request.query.get("cursor", "0")
    if not cursor.isdecimal():
        raise problem(400, "The cursor is not one of ours", "Bad request")
    first = int(cursor)
    jobs = [job for job in request.app[JOBS].listed("replicate") if _fits(request, job)]
    more = first + PAGE < len(jobs)
    url = f"{request.app[CONFIG].url}{request.path}?cursor={first + PAGE}"
    results = [shown(request.app, job) for job in jobs[first : first + PAGE]]
    return web.json_response({"previous": None, "next": url if more else None, "results": results})


async def create_file(request: web.Request) -> web.Response:
    """`POST /v1/files`: multipart with `content` and perhaps `metadata`, kept for a day: 201."""
    metadata: Any = {}
    path: Path | None = None
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name == "content":
            path = request.app[FILES].new(part.filename or "file")
            path.write_bytes(await part.read(decode=True))
            content_type = part.headers.get("Content-Type", files.content_type(path))
        elif part.name == "metadata":
            metadata = object_of(await part.read(decode=True))
    if path is None:
        raise problem(400, "Missing content", "Bad request")
    data, now = path.read_bytes(), time.time()
    body = {
        "id": path.parent.name,
        "name": path.name,
        "content_type": content_type,
        "size": len(data),
        "etag": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "checksums": {
            "sha256": hashlib.sha256(data).hexdigest(),
            "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        },
        "metadata": metadata,
        "created_at": iso(now),
        "expires_at": iso(now + KEPT.total_seconds()),
        "urls": {"get": f"{request.app[CONFIG].url}/replicate/v1/files/{path.parent.name}"},
    }
    (path.parent / ".file.json").write_text(json.dumps(body))
    return web.json_response(body, status=201)


async def list_files(request: web.Request) -> web.Response:
    """`GET /v1/files`."""
    kept = sorted(request.app[FILES].folder.glob("*/.file.json"))
    results = [json.loads(path.read_text()) for path in kept]
    return web.json_response({"previous": None, "next": None, "results": results})


async def get_file(request: web.Request) -> web.Response:
    """`GET /v1/files/{id}`."""
    return web.json_response(json.loads(_kept(request).read_text()))


async def delete_file(request: web.Request) -> web.Response:
    """`DELETE /v1/files/{id}`: 204."""
    for path in _kept(request).parent.iterdir():
        path.unlink()
    return web.Response(status=204)


async def secret(request: web.Request) -> web.Response:
    """`GET /v1/webhooks/default/secret`."""
    return web.json_response({"key": request.app[KEYS].replicate_secret})


async def _predict(
    request: web.Request, given: dict[str, Any], model: str, details: dict[str, Any]
) -> web.Response:
    checked(DevLora, given.get("input"))
    job = await _submit(request, "generation", model, given, details)
    seconds = _patience(request)
    if seconds is None:
        return web.json_response(shown(request.app, job), status=201)
    await request.app[JOBS].wait(job, seconds)
    body = shown(request.app, job)
    if body["status"] == "succeeded":
        # The real API answers before the prediction's last status is written (SDK, run.py).
        body |= {"status": "processing", "completed_at": None}
    return web.json_response(body, status=201, headers={"Preference-Applied": "wait"})


def _patience(request: web.Request) -> float | None:
    prefer = request.headers.get("Prefer", "")
    if not prefer.startswith("wait"):
        return None
    seconds = prefer.partition("=")[2]
    return min(LONGEST_WAIT, float(seconds)) if seconds.isdigit() else LONGEST_WAIT


async def _submit(
    request: web.Request,
    kind: Literal["training", "generation"],
    model: str,
    given: dict[str, Any],
    details: dict[str, Any],
) -> Job:
    jobs = request.app[JOBS]
    created_at, starts_at, ends_at = jobs.times(kind)
    details["events"] = given.get("webhook_events_filter") or EVENTS
    return await jobs.submit(
        request,
        Job(
            id="".join(secrets.choice(ALPHABET) for _ in range(26)),
            provider="replicate",
            endpoint=model,
            kind=kind,
            input=given["input"],
            webhook=str(given.get("webhook") or ""),
            owner="sandbox",
            created_at=created_at,
            starts_at=starts_at,
            ends_at=ends_at,
            details=details,
        ),
    )


def _fits(request: web.Request, job: Job) -> bool:
    return (job.kind == "training") == ("/trainings" in request.path)


def _asked(request: web.Request) -> Job:
    job = request.app[JOBS].find(request.match_info["id"], "replicate")
    if job is None or not _fits(request, job):
        raise problem(404, "The requested resource could not be found.", "Not found")
    return job


def _no_version() -> web.HTTPException:
    return problem(
        422,
        "The specified version does not exist (or perhaps you don't have permission to use it?)",
        "Invalid version or not permitted",
    )


def _kept(request: web.Request) -> Path:
    path = request.app[FILES].folder / request.match_info["id"] / ".file.json"
    if not path.is_file():
        raise problem(404, "The requested resource could not be found.", "Not found")
    return path


def add_routes(app: web.Application) -> None:
    """Add Replicate's API and the host that delivers its files."""
    app[JOBS].providers["replicate"] = Replicate(app)
    replicate_models.add_routes(app)
    router = app.router
    router.add_post(
        "/replicate/v1/models/{owner}/{name}/versions/{version}/trainings", create_training
    )
    router.add_post("/replicate/v1/models/{owner}/{name}/predictions", create_model_prediction)
    router.add_post("/replicate/v1/predictions", create_prediction)
    for kind in ("trainings", "predictions"):
        router.add_get(f"/replicate/v1/{kind}", list_jobs)
        router.add_get(f"/replicate/v1/{kind}/{{id}}", get_job)
        router.add_post(f"/replicate/v1/{kind}/{{id}}/cancel", cancel_job)
    router.add_get("/replicate/v1/files", list_files)
    router.add_post("/replicate/v1/files", create_file)
    router.add_get(r"/replicate/v1/files/{id:[\w-]+}", get_file)
    router.add_delete(r"/replicate/v1/files/{id:[\w-]+}", delete_file)
    router.add_get("/replicate/v1/webhooks/default/secret", secret)
    router.add_get(f"/replicate/delivery/{files.ROUTE}", files.serve)
