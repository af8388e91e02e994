from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from loratrainer.outcomes import Failed, Outcome, Pending, Succeeded
from providers.base import GenerationOrder, Provider, TrainingOrder
from providers.fal import FalFluxLora
from providers.replicate_trainers import FastFluxTrainer, FluxDevTrainer
from tests.sandbox.conftest import archive, eventually, receiver
from tests.sandbox_process import SandboxProcess

__all__ = ["receiver"]

ALIASES = ("fal", "replicate", "replicate-fast")
NUMBERS = itertools.count(1)
REFUSALS: dict[str, dict[str, Any]] = {
    "fal": {
        "detail": [{"loc": ["body", "steps"], "msg": "Too many", "type": "less_than_equal"}],
    },
    "replicate": {"title": "Input validation failed", "detail": "- input.steps: Too many\n"},
}


UUID = "????????-????-????-????-????????????"
PATHS = {
    "fal": {
        "training": "/fal/queue/fal-ai/flux-lora-fast-training",
        "generation": "/fal/queue/fal-ai/flux-lora",
        "trainings": "/fal/api/*/by-endpoint",
        "generations": "/fal/api/*/by-endpoint",
        "check": "/fal/queue/*/status",
        "result": f"/fal/queue/fal-ai/*/requests/{UUID}",
        "cancel": "/fal/queue/*/cancel",
        "upload": "/fal/*/upload*",
    },
    "replicate": {
        "training": "/replicate/v1/models/*/versions/*/trainings",
        "generation": "/replicate/v1/models/*/predictions",
        "trainings": "/replicate/v1/trainings",
        "generations": "/replicate/v1/predictions",
        "check": "/replicate/v1/*s/??????????????????????????",
        "result": "/replicate/v1/*s/??????????????????????????",
        "cancel": "/replicate/v1/*/cancel",
        "upload": "/replicate/v1/files",
    },
}
"""Where the sandbox takes each kind of request."""


@dataclass(frozen=True)
class World:
    """A provider with the sandbox behind it."""

    alias: str
    provider: Provider
    sandbox: SandboxProcess
    http: httpx.Client
    """One client for all that is said to the sandbox itself: a new one takes 20 ms."""
    archive: Path
    archive_url: str

    @property
    def service(self) -> str:
        return self.alias.partition("-")[0]

    @property
    def refusal(self) -> dict[str, Any]:
        return REFUSALS[self.service]

    def rule(self, path: str, do: str, **arguments: Any) -> None:
        """Make the sandbox misbehave at one of the paths above."""
        method = {"check": "GET", "result": "GET"}.get(path, "*")
        match = {"path": PATHS[self.service][path], "method": method}
        self.script({"match": match, "do": do, **arguments})

    def script(self, *rules: dict[str, Any]) -> None:
        """Add rules to the sandbox's script."""
        self.http.post("/sandbox/script", json={"rules": rules}).raise_for_status()

    def training_order(self, **more: Any) -> TrainingOrder:
        given: dict[str, Any] = {
            "archive_url": f"{self.archive_url}?attempt={next(NUMBERS)}",
            "name": f"lora-{next(NUMBERS)}",
            "trigger_word": "TOK",
            "steps": 300,
            "kind": "character",
            "sent_at": datetime.now(UTC),
        }
        return TrainingOrder(**(given | more))

    def generation_order(self, **more: Any) -> GenerationOrder:
        given: dict[str, Any] = {
            "weights_url": "owner/model",
            "prompt": "TOK on the moon",
            "seed": next(NUMBERS),
            "images": 2,
            "width": 512,
            "height": 512,
            "sent_at": datetime.now(UTC),
        }
        return GenerationOrder(**(given | more))

    def submissions(self, order: TrainingOrder | GenerationOrder) -> list[dict[str, Any]]:
        """What the sandbox has accepted for this order, and would have been paid for."""

        def belongs(given: dict[str, Any]) -> bool:
            if isinstance(order, TrainingOrder):
                return order.archive_url in given.values()
            return (given.get("seed"), given.get("prompt")) == (order.seed, order.prompt)

        entries = self.http.get("/sandbox/journal").json()
        return [entry for entry in entries if belongs(entry["input"])]

    def ended[T](self, check: Callable[[str], Outcome[T]], job_id: str) -> Succeeded[T] | Failed:
        """Ask until the job is over."""
        *_, answer = self.watched(check, job_id)
        assert not isinstance(answer, Pending)
        return answer

    def watched[T](self, check: Callable[[str], Outcome[T]], job_id: str) -> list[Outcome[T]]:
        """Ask until the job is over, and return all answers."""
        answers: list[Outcome[T]] = []

        def is_over() -> bool:
            answers.append(check(job_id))
            return not isinstance(answers[-1], Pending)

        eventually(is_over)
        return answers


def made(alias: str, url: str, key: str = "tests:secret") -> Provider:
    """The provider of an alias at another address, or with another key."""
    if alias == "fal":
        return FalFluxLora(key=key, url=f"{url}/fal")
    trainer = FluxDevTrainer if alias == "replicate" else FastFluxTrainer
    return trainer(token=key, url=f"{url}/replicate")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    folder = tmp_path_factory.mktemp("sandbox")
    with SandboxProcess(folder, training_in=0.4, generation_in=0.3) as process:
        yield process


@pytest.fixture(scope="session")
def archive_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "pictures.zip"
    path.write_bytes(archive(4))
    return path


@pytest.fixture(scope="session")
def archive_url(sandbox: SandboxProcess, archive_path: Path) -> str:
    return made("fal", sandbox.url).upload_archive(archive_path)


@pytest.fixture(scope="session")
def http(sandbox: SandboxProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url) as client:
        yield client


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    sandbox: SandboxProcess,
    http: httpx.Client,
    archive_path: Path,
    archive_url: str,
) -> World:
    """A test is asked of each alias, unless its module has `ALIASES`, or it is parametrized."""
    http.delete("/sandbox/script").raise_for_status()
    provider = made(request.param, sandbox.url)
    return World(request.param, provider, sandbox, http, archive_path, archive_url)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if "world" in metafunc.fixturenames and "world" not in marked:
        aliases = getattr(metafunc.module, "ALIASES", ALIASES)
        metafunc.parametrize("world", aliases, indirect=True)
