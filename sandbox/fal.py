"""fal.ai: the queue at `/fal/queue`, the synchronous run at `/fal/run`, the list at `/fal/api`.

Shapes, headers and status codes are those of https://docs.fal.ai and of fal-client's source.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from sandbox import fal_files
from sandbox.config import CONFIG
from sandbox.fal_auth import owner_of
from sandbox.fal_inputs import RETRYABLE, infrastructure
from sandbox.fal_work import INPUTS, Fal, failure_of
from sandbox.jobs import JOBS, Job
from sandbox.progress import lines

KINDS = {"fal-ai/flux-lora-fast-training": "training", "fal-ai/flux-lora": "generation"}
PLACES = 3
"""How many are ahead of a job when it is submitted."""
PAGE, LARGEST_PAGE = 50, 100
LONGEST_RUN = 3600.0
"""Seconds that a synchronous run may take."""


async def submit(request: web.Request) -> web.Response:
    """`POST /fal/queue/{endpoint}`: accept any JSON object; the runner checks its fields."""
    job = await _submitted(request, request.match_info["endpoint"], at_once=False)
    body = _urls(request, job) | {
        "status": "IN_QUEUE",
        "request_id": job.id,
        "gateway_request_id": job.id,
        "queue_position": PLACES - 1,
    }
    return web.json_response(body, headers={"X-Fal-Request-Id": job.id})


async def run(request: web.Request) -> web.Response:
    """`POST /fal/run/{endpoint}`: answer with the result, however long it takes."""
    job = await _submitted(request, request.match_info["endpoint"], at_once=True)
    await request.app[JOBS].wait(job, LONGEST_RUN)
    if job.finished_at is None:
        body = infrastructure(504, "request_timeout", "Request timed out")["body"]
        return web.json_response(body, status=504, headers={"X-Fal-Request-Id": job.id})
    return _result(job)


async def status(request: web.Request) -> web.Response:
    """`GET …/requests/{id}/status`: 202 while the job is queued or runs, 200 when it is over."""
    job = _asked(request)
    body = _status(request, job)
    over = body["status"] == "COMPLETED"
    return web.json_response(
        body, status=200 if over else 202, headers={"X-Fal-Request-Id": job.id}
    )


async def stream(request: web.Request) -> web.StreamResponse:
    """`GET …/requests/{id}/status/stream`: a server-sent event for every change, until the end."""
    job = _asked(request)
    response = web.StreamResponse(headers={"X-Fal-Request-Id": job.id})
    response.content_type = "text/event-stream"
    await response.prepare(request)
    sent = ""
    while True:
        body = _status(request, job)
        if (event := json.dumps(body)) != sent:
            await response.write(f"data: {event}\n\n".encode())
            sent = event
        if body["status"] == "COMPLETED":
            return response
        await asyncio.sleep(0.1)


async def result(request: web.Request) -> web.Response:
    """`GET …/requests/{id}`: the output, or the error with its own status code."""
    job = _asked(request)
    if job.finished_at is None:
        return web.json_response({"detail": "Request is still in progress"}, status=400)
    return _result(job)


async def cancel(request: web.Request) -> web.Response:
    """`PUT …/requests/{id}/cancel`: 202, or 400 when it is too late."""
    job = _asked(request, {"status": "NOT_FOUND"})
    if job.finished_at is not None:
        return web.json_response({"status": "ALREADY_COMPLETED"}, status=400)
    request.app[JOBS].cancel(job)
    return web.json_response({"status": "CANCELLATION_REQUESTED"}, status=202)


async def requests_by_endpoint(request: web.Request) -> web.Response:
    """`GET /fal/api/v1/models/requests/by-endpoint`: newest first, 50 a page.

    https://fal.ai/docs/platform-apis/v1/models/requests/by-endpoint; `start` is 24 hours ago unless
    it is given, `json_input` and `json_output` come with `expand=payloads` only.
    """
    owner_of(request)
    query = request.query
    endpoints = [name for value in query.getall("endpoint_id", []) for name in value.split(",")]
    try:
        start = _moment(query.get("start"), datetime.now(UTC) - timedelta(hours=24))
        end = _moment(query.get("end"), datetime.now(UTC) + timedelta(seconds=1))
        limit, first = int(query.get("limit", PAGE)), int(query.get("cursor", 0))
    except ValueError:
        return _platform_error("start, end, limit and cursor must be as documented")
    if not endpoints or first < 0 or not 1 <= limit <= LARGEST_PAGE:
        return _platform_error(f"endpoint_id is required and limit is 1 to {LARGEST_PAGE}")
    found = [
        job
        for job in request.app[JOBS].listed("fal")
        if job.endpoint in endpoints and start <= job.created_at < end
    ]
    if wanted := query.get("request_id"):
        found = [job for job in found if job.id == wanted]
    more = first + limit < len(found)
    payloads = "payloads" in ",".join(query.getall("expand", []))
    items = [_listed(job, payloads=payloads) for job in found[first : first + limit]]
    next_cursor = str(first + limit) if more else None
    return web.json_response({"items": items, "next_cursor": next_cursor, "has_more": more})


async def _submitted(request: web.Request, endpoint: str, *, at_once: bool) -> Job:
    owner = owner_of(request)
    if endpoint not in INPUTS:
        raise web.HTTPNotFound(
            text=json.dumps({"detail": f"Application '{endpoint}' not found"}),
            content_type="application/json",
        )
    try:
        given = json.loads(await request.read())
    except ValueError:
        given = None
    if not isinstance(given, dict):
        detail = [{"loc": ["body"], "msg": "JSON decode error", "type": "json_invalid"}]
        raise web.HTTPUnprocessableEntity(
            text=json.dumps({"detail": detail}), content_type="application/json"
        )
    jobs = request.app[JOBS]
    kind: Any = KINDS.get(endpoint, "tool")
    created_at, starts_at, ends_at = jobs.times(kind, at_once=at_once)
    return await jobs.submit(
        request,
        Job(
            id=str(uuid.uuid4()),
            provider="fal",
            endpoint=endpoint,
            kind=kind,
            input=given,
            webhook=request.query.get("fal_webhook", ""),
            owner=owner,
            created_at=created_at,
            starts_at=starts_at,
            ends_at=ends_at,
        ),
    )


def _asked(request: web.Request, missing: dict[str, str] | None = None) -> Job:
    owner_of(request)
    job = request.app[JOBS].find(request.match_info["id"], "fal")
    application = f"{request.match_info['owner']}/{request.match_info['alias']}"
    if job is None or application != "/".join(job.endpoint.split("/")[:2]):
        body = missing or {"detail": "Request not found"}
        raise web.HTTPNotFound(text=json.dumps(body), content_type="application/json")
    return job


def _urls(request: web.Request, job: Job) -> dict[str, str]:
    application = "/".join(job.endpoint.split("/")[:2])
    url = f"{request.app[CONFIG].url}/fal/queue/{application}/requests/{job.id}"
    return {"response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}


def _status(request: web.Request, job: Job) -> dict[str, Any]:
    now = time.time()
    body: dict[str, Any] = {"request_id": job.id} | _urls(request, job)
    state = job.state(now)
    if state == "queued":
        ahead = int(PLACES * (job.starts_at - now) / max(job.starts_at - job.created_at, 0.001))
        return body | {"status": "IN_QUEUE", "queue_position": min(ahead, PLACES - 1)}
    wanted = request.query.get("logs", "").lower() in {"1", "true"}
    body["logs"] = _logs(job, now) if wanted else None
    if state == "running":
        return body | {"status": "IN_PROGRESS"}
    body |= {"status": "COMPLETED", "metrics": {"inference_time": _duration(job)}}
    if job.cancelled or job.failure is not None:
        failure = failure_of(job)
        detail = failure["body"]["detail"]
        message = detail if isinstance(detail, str) else detail[0]["msg"]
        body |= {"error": message, "error_type": failure["type"]}
    return body


def _logs(job: Job, now: float) -> list[dict[str, str]]:
    return [
        {"message": text, "level": "INFO", "source": "USER", "timestamp": _iso(at)}
        for at, text in lines(job, now)
    ]


def _result(job: Job) -> web.Response:
    headers = {"X-Fal-Request-Id": job.id}
    if job.failure is None and not job.cancelled:
        headers["X-Fal-Billable-Units"] = "1"
        return web.json_response(job.output, headers=headers)
    failure = failure_of(job)
    retryable = failure.get("infrastructure", False) and failure["status"] >= 500
    headers["X-Fal-Retryable"] = str(retryable or failure["type"] in RETRYABLE).lower()
    headers["X-Fal-Error-Type"] = failure["type"]
    return web.json_response(failure["body"], status=failure["status"], headers=headers)


def _listed(job: Job, *, payloads: bool) -> dict[str, Any]:
    over = job.finished_at is not None
    failed = job.cancelled or job.failure is not None
    item = {
        "request_id": job.id,
        "endpoint_id": job.endpoint,
        "sent_at": _iso(job.created_at),
        "started_at": _iso(job.starts_at),
        "ended_at": _iso(job.finished_at) if job.finished_at else None,
        "status_code": (failure_of(job)["status"] if failed else 200) if over else None,
        "duration": _duration(job) if over else None,
    }
    if payloads:
        output = failure_of(job)["body"] if failed else job.output
        item |= {"json_input": job.input, "json_output": output if over else None}
    return item


def _duration(job: Job) -> float:
    return round(max(0.0, (job.finished_at or job.starts_at) - job.starts_at), 3)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _moment(text: str | None, default: datetime) -> float:
    return (datetime.fromisoformat(text) if text else default).timestamp()


def _platform_error(message: str) -> web.Response:
    body = {"error": {"type": "validation_error", "message": message}}
    return web.json_response(body, status=400)


def add_routes(app: web.Application) -> None:
    """Add fal's hosts, each as a path below `/fal`."""
    app[JOBS].providers["fal"] = Fal(app)
    fal_files.add_routes(app)
    one = "/fal/queue/{owner}/{alias}/requests/{id}"
    app.router.add_get(one + "/status/stream", stream)
    app.router.add_get(one + "/status", status)
    app.router.add_put(one + "/cancel", cancel)
    app.router.add_get(one, result)
    app.router.add_post("/fal/queue/{endpoint:.+}", submit)
    app.router.add_post("/fal/run/{endpoint:.+}", run)
    app.router.add_get("/fal/api/v1/models/requests/by-endpoint", requests_by_endpoint)
