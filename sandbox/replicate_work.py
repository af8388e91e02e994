"""What Replicate's models do: train and generate; how their jobs are shown; their webhooks."""

from __future__ import annotations

import hashlib
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox import pictures, weights, work
from sandbox.archives import Unreadable
from sandbox.config import CONFIG
from sandbox.fetching import CannotFetch
from sandbox.files import FILES, address
from sandbox.jobs import JOBS, Job, JobFailed
from sandbox.progress import lines
from sandbox.replicate_inputs import DevLora, FastTraining, FluxDevTraining
from sandbox.replicate_models import MODELS, OFFICIAL, TRAINERS
from sandbox.webhooks import KEYS, Message, notify


class Replicate:
    """Replicate's side of a job."""

    def __init__(self, app: web.Application) -> None:
        self.app = app

    async def work(self, job: Job) -> Any:
        """Do the work; the input was checked when it was submitted."""
        try:
            if job.kind == "training":
                return await self._train(job)
            return await self._generate(job)
        except (CannotFetch, Unreadable, work.TooFew, weights.NotWeights) as error:
            raise JobFailed({"status": "failed", "error": str(error)}) from error

    def broken(self, status: str, message: str) -> dict[str, Any]:
        """Return a failure; the script may name another final status, for example `aborted`."""
        return {"status": status or "failed", "error": message}

    async def started(self, job: Job) -> None:
        """Send `start`; with `webhook_reorder` it waits until after the end."""
        if "webhook_reorder" not in job.faults:
            self.app[JOBS].aside(self._notify(job, "start", shown(self.app, job)))

    async def progressed(self, job: Job) -> None:
        """Send `logs` if there are new lines."""
        body = shown(self.app, job)
        if body["logs"] != job.details.get("logs"):
            job.details["logs"] = body["logs"]
            self.app[JOBS].aside(self._notify(job, "logs", body))

    async def finished(self, job: Job) -> None:
        """Send `output` if there is one, and `completed`."""
        if job.kind == "training" and job.output is not None:
            self._add_version(job)
        final = shown(self.app, job)
        early = final | {"status": "processing", "completed_at": None, "metrics": {}}
        if job.output is not None and "webhook_reorder" not in job.faults:
            await self._notify(job, "output", early)
        await self._notify(job, "completed", final)
        if "webhook_reorder" in job.faults:
            await self._notify(job, "start", early | {"output": None})

    async def _notify(self, job: Job, event: str, body: dict[str, Any]) -> None:
        if event not in job.details["events"]:
            return
        lie = body | {"status": "failed", "output": None, "error": "This is a forgery"}
        message_id = f"msg_{secrets.token_hex(12)}"

        def sign(forgery: str, raw: bytes) -> dict[str, str]:
            return self.app[KEYS].replicate_headers(forgery, raw, message_id=message_id)

        final = event == "completed"
        await notify(self.app, job, Message(body=body, lie=lie, sign=sign, final=final))

    async def _train(self, job: Job) -> dict[str, Any]:
        given = TRAINERS[job.endpoint].model_validate(job.input)
        if isinstance(given, FastTraining):
            steps = given.training_steps
        elif isinstance(given, FluxDevTraining):
            steps = given.steps
        else:
            raise TypeError(job.endpoint)
        course = work.Course(trigger_word=given.trigger_word, steps=steps, fewest=1, job=job.id)
        trained = await work.train(self.app, self._source(given.input_images), course)
        captions = trained.captions
        job.facts = {"captions": [*captions.items()], "steps": steps}
        path = self.app[FILES].new("trained_model.tar")
        config = weights.replicate_config(trigger_word=given.trigger_word, steps=steps)
        weights.tar(path, trained.weights, config, captions)
        version = hashlib.sha256(path.read_bytes()).hexdigest()
        job.details |= {"version": version, "weights": str(path)}
        return {
            "weights": self._url(path),
            "version": f"{job.details['destination']}:{version}",
        }

    def _add_version(self, job: Job) -> None:
        made_at = iso(job.finished_at or time.time())
        details, models = job.details, self.app[MODELS]
        models.add_version(
            details["destination"], details["version"], made_at, Path(details["weights"])
        )

    async def _generate(self, job: Job) -> list[str]:
        given = DevLora.model_validate(job.input)
        if "nsfw" in given.prompt.lower().split() and not given.disable_safety_checker:
            raise JobFailed({"status": "failed", "error": "NSFW content detected in all outputs."})
        sources, scales = [], []
        for name, scale in self._loras(job, given):
            sources += await work.learned(self.app, self._source(name))
            scales.append(scale)
        seed = work.random_seed() if given.seed is None else given.seed
        job.facts = {"seed": seed, "steps": given.num_inference_steps}
        wish = pictures.Wish(
            prompt=given.prompt,
            strength=max(scales, default=1.0),
            seed=seed,
            number=given.num_outputs,
            size=given.size,
            form=given.output_format,
            quality=given.output_quality,
        )
        urls = []
        images = await work.draw(sources or pictures.invented(given.prompt), wish)
        for number, data in enumerate(images):
            path = self.app[FILES].new(f"out-{number}.{given.output_format}")
            path.write_bytes(data)
            urls.append(self._url(path))
        return urls

    def _loras(self, job: Job, given: DevLora) -> list[tuple[str, float]]:
        loras = []
        if job.endpoint != OFFICIAL:
            loras.append((job.details["version"], given.lora_scale))
        if given.lora_weights:
            loras.append((given.lora_weights, given.lora_scale))
        if given.extra_lora:
            loras.append((given.extra_lora, given.extra_lora_scale))
        return loras

    def _source(self, name: str) -> str | Path:
        """Return where a file of ours lies, for a URL, a version or `owner/model[/version]`."""
        files, models = f"{self.app[CONFIG].url}/replicate/v1/files/", self.app[MODELS]
        if name.startswith(files):
            return _uploaded(self.app, name.removeprefix(files))
        version = name.rpartition("/")[2].rpartition(":")[2]
        if "://" not in name and name in models.own and models.own[name]["versions"]:
            version = models.own[name]["versions"][-1]["id"]
        kept = models.weights(version)
        return kept[1] if kept else name

    def _url(self, path: Path) -> str:
        return address(path, f"{self.app[CONFIG].url}/replicate/delivery")


def _uploaded(app: web.Application, file_id: str) -> Path:
    folder = app[FILES].folder / Path(file_id).name
    found = [path for path in folder.glob("*") if not path.name.startswith(".")]
    if not found:
        raise CannotFetch("The uploaded file does not exist")
    return found[0]


def shown(app: web.Application, job: Job) -> dict[str, Any]:
    """Return a training or prediction as the API and the webhooks show it at this moment."""
    now = time.time()
    state = job.state(now)
    training = job.kind == "training"
    base = f"{app[CONFIG].url}/replicate/v1/{'trainings' if training else 'predictions'}/{job.id}"
    body = {
        "id": job.id,
        "model": job.endpoint,
        "version": job.details["shown_version"],
        "input": job.input,
        "logs": "\n".join(text for _, text in lines(job, now)),
        "output": job.output if state == "finished" else None,
        "error": None,
        "status": {"queued": "starting", "running": "processing"}.get(state, "succeeded"),
        "created_at": iso(job.created_at),
        "started_at": iso(job.starts_at) if job.starts_at <= (job.finished_at or now) else None,
        "completed_at": None,
        "data_removed": False,
        "source": "api",
        "metrics": {},
        "urls": {"get": base, "cancel": f"{base}/cancel"},
    }
    if job.finished_at is not None:
        body["completed_at"] = iso(job.finished_at)
        body["metrics"] = {
            "predict_time": round(max(0.0, job.finished_at - job.starts_at), 3),
            "total_time": round(job.finished_at - job.created_at, 3),
        }
        if job.cancelled:
            body["status"] = "canceled"
        elif job.failure is not None:
            body |= job.failure
    return body


def iso(moment: float) -> str:
    """Return a moment in Replicate's notation, with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
