"""Jobs: what was submitted, when it starts and ends, and what came of it.

Everything is computed from stored moments, so a restart loses nothing: each job is a JSON file, and
one asyncio task per unfinished job waits for its next moment.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from aiohttp import web

from sandbox.config import CONFIG
from sandbox.faults import SCRIPT
from sandbox.journal import JOURNAL

logger = logging.getLogger(__name__)

type State = Literal["queued", "running", "finished"]
LONGEST_QUEUE = 2.0
"""How long a job waits for its turn at most, in seconds."""


@dataclass(slots=True, kw_only=True)
class Job:
    """One submission. Moments are seconds since the epoch."""

    id: str
    provider: str
    endpoint: str
    kind: Literal["training", "generation", "tool"]
    input: dict[str, Any]
    webhook: str
    owner: str
    """Whose key submitted it."""
    created_at: float
    starts_at: float
    ends_at: float
    details: dict[str, Any] = field(default_factory=dict)
    """What only the provider understands, for example the destination of a training."""
    faults: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    """What was found when the work began, for the log: pictures, captions, steps."""
    output: Any = None
    failure: dict[str, Any] | None = None
    finished_at: float | None = None
    cancelled: bool = False
    notified: bool = False
    """Whether the last webhook has arrived or was given up."""

    def state(self, now: float) -> State:
        """Return where the job is at a moment."""
        if self.finished_at is not None:
            return "finished"
        return "queued" if now < self.starts_at else "running"

    @property
    def listed_at(self) -> float:
        """When the provider's list begins to show the job."""
        return self.created_at + float(self.faults.get("hide_from_list", {}).get("seconds", 0))


class JobFailed(Exception):
    """The work cannot be done. The failure is what the provider keeps and tells its customer."""

    def __init__(self, failure: dict[str, Any]) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Provider(Protocol):
    """What a provider adds to a job: the work, the failures in its own words, the webhooks."""

    async def work(self, job: Job) -> Any:
        """Return the output, ready to be shown when the job ends. Raises `JobFailed`."""

    def broken(self, status: str, message: str) -> dict[str, Any]:
        """Return the failure for a job that broke without its customer's fault."""

    async def started(self, job: Job) -> None:
        """Tell the customer that the work has begun."""

    async def progressed(self, job: Job) -> None:
        """Tell the customer about new log lines; called about twice a second."""

    async def finished(self, job: Job) -> None:
        """Tell the customer the end; returns when it was heard or given up."""


class Jobs:
    """All jobs of both providers."""

    def __init__(self, app: web.Application) -> None:
        self.app = app
        self.folder: Path = app[CONFIG].var / "jobs"
        self.providers: dict[str, Provider] = {}
        self.all: dict[str, Job] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.asides: set[asyncio.Task[None]] = set()

    async def submit(self, request: web.Request, job: Job) -> Job:
        """Accept a job: from the return of this call on it will be done and would be paid for."""
        job.faults = await self.app[SCRIPT].for_job(request)
        if pace := job.faults.get("pace"):
            job.starts_at = job.created_at + pace["queued"]
            job.ends_at = job.starts_at + pace["working"]
        self.all[job.id] = job
        self.save(job)
        self.app[JOURNAL].append(
            provider=job.provider,
            endpoint=job.endpoint,
            request_id=job.id,
            input=job.input,
            webhook_url=job.webhook,
        )
        self.run(job)
        return job

    def times(self, kind: str, *, at_once: bool = False) -> tuple[float, float, float]:
        """Return created, starts and ends for a job that is submitted now."""
        config = self.app[CONFIG]
        takes = {"training": config.training_in, "generation": config.generation_in}.get(
            kind, config.generation_in / 3
        )
        now = time.time()
        queue = 0.0 if at_once else min(LONGEST_QUEUE, takes * 0.15)
        return now, now + queue, now + takes

    def find(self, job_id: str, provider: str) -> Job | None:
        """Return one provider's job by its id."""
        job = self.all.get(job_id)
        return job if job and job.provider == provider else None

    def listed(self, provider: str) -> list[Job]:
        """Return the jobs that the provider's list shows at this moment, newest first."""
        now = time.time()
        jobs = [job for job in self.all.values() if job.provider == provider]
        return sorted(
            (job for job in jobs if job.listed_at <= now),
            key=lambda job: job.created_at,
            reverse=True,
        )

    def save(self, job: Job) -> None:
        """Replace the job's file at one stroke."""
        temporary = self.folder / f"{job.id}.tmp"
        temporary.write_text(json.dumps(asdict(job)), "utf-8")
        temporary.replace(self.folder / f"{job.id}.json")

    def cancel(self, job: Job) -> None:
        """End a job that has not finished; its webhook says so."""
        if job.finished_at is None:
            job.cancelled = True
            job.output, job.failure = None, None
            self._end(job)
            if task := self.tasks.get(job.id):
                task.cancel()
            self.run(job)

    async def wait(self, job: Job, seconds: float) -> None:
        """Return when the job has finished or the time is over."""
        deadline = time.monotonic() + seconds
        while job.finished_at is None and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    def load(self) -> None:
        """Read the jobs of the last run and take up the unfinished ones."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob("*.json"):
            try:
                job = Job(**json.loads(path.read_text("utf-8")))
            except (ValueError, TypeError):
                logger.warning("%s is no job of this version of the sandbox", path)
                continue
            self.all[job.id] = job
            if not job.notified:
                self.run(job)

    def run(self, job: Job) -> None:
        """Start the task that takes a job to its end."""
        task = asyncio.create_task(self._run(job), name=job.id)
        self.tasks[job.id] = task
        task.add_done_callback(lambda done: self._forget(job, done))

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that no job waits for."""
        task = asyncio.create_task(work)
        self.asides.add(task)
        task.add_done_callback(self.asides.discard)

    async def stop(self) -> None:
        """Leave every job where it is."""
        tasks = [*self.tasks.values(), *self.asides]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, job: Job, task: asyncio.Task[None]) -> None:
        if self.tasks.get(job.id) is task:
            del self.tasks[job.id]

    async def _run(self, job: Job) -> None:
        provider = self.providers[job.provider]
        try:
            if job.finished_at is None:
                await _until(job.starts_at)
                await provider.started(job)
                await self._work(job, provider)
                await self._pass_time(job, provider)
                self._end(job)
            await provider.finished(job)
            job.notified = True
            self.save(job)
        except Exception:
            logger.exception("The sandbox broke while it worked on %s", job.id)

    async def _work(self, job: Job, provider: Provider) -> None:
        if job.output is not None or job.failure is not None:
            return
        try:
            if "fail" in job.faults:
                raise JobFailed(provider.broken(**job.faults["fail"]))
            job.output = await provider.work(job)
        except JobFailed as error:
            job.failure = error.failure
        except Exception:
            logger.exception("The sandbox broke while it worked on %s", job.id)
            job.failure = provider.broken("", "Internal server error")
        if job.failure is not None:
            job.ends_at = min(job.ends_at, time.time() + 0.2)
        self.save(job)

    async def _pass_time(self, job: Job, provider: Provider) -> None:
        while "never_finish" in job.faults or time.time() < job.ends_at:
            left = job.ends_at - time.time()
            await asyncio.sleep(left if 0 < left < 0.5 else 0.5)
            await provider.progressed(job)

    def _end(self, job: Job) -> None:
        job.finished_at = time.time()
        self.save(job)


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.time()))


JOBS = web.AppKey("jobs", Jobs)


async def _wake(app: web.Application) -> None:
    app[JOBS].load()


async def _rest(app: web.Application) -> None:
    await app[JOBS].stop()


async def leave(request: web.Request) -> web.Response:
    """`DELETE /sandbox/jobs`: whoever ordered them is gone; no work ends and no webhook is sent."""
    await request.app[JOBS].stop()
    return web.Response(status=204)


def add_routes(app: web.Application) -> None:
    """Add the store; its jobs wake up when everything else has started."""
    app[JOBS] = Jobs(app)
    app.router.add_delete("/sandbox/jobs", leave)
    app.on_startup.append(_wake)
    app.on_shutdown.append(_rest)
