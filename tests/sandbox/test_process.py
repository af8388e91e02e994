"""The sandbox as a process: what survives its end, and how fast it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import fal_client
import httpx
import pytest

from providers.sdk import fal_client_for
from tests.sandbox.conftest import Receiver, archive, eventually
from tests.sandbox_process import SandboxProcess

TRAINER = "fal-ai/flux-lora-fast-training"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path / "sandbox", training_in=3.0) as process:
        yield process


def submitted(
    own: SandboxProcess, receiver: Receiver | None = None
) -> fal_client.SyncRequestHandle:
    fal = fal_client_for("sandbox", f"{own.url}/fal")
    url = fal.upload(archive(), "application/zip", "pictures.zip")
    return fal.submit(
        TRAINER, {"images_data_url": url}, webhook_url=receiver.url if receiver else None
    )


def log_of(handle: fal_client.SyncRequestHandle) -> list[dict[str, str]]:
    """What was logged before the archive was read: moments and texts."""
    status = handle.status(with_logs=True)
    assert isinstance(status, fal_client.InProgress | fal_client.Completed)
    return (status.logs or [])[:2]


def test_a_training_goes_on_where_it_was_when_the_sandbox_is_killed(
    own: SandboxProcess, receiver: Receiver
) -> None:
    handle = submitted(own, receiver)
    eventually(lambda: isinstance(handle.status(), fal_client.InProgress))
    before = log_of(handle)
    own.kill()
    own.start()
    result = handle.get(interval=0.05)
    assert before
    assert log_of(handle)[: len(before)] == before
    assert httpx.get(result["diffusers_lora_file"]["url"]).status_code == 200
    eventually(lambda: receiver.posts)
    assert [entry["request_id"] for entry in own.journal()] == [handle.request_id]


def test_a_webhook_that_was_not_heard_is_sent_after_a_restart(
    own: SandboxProcess, receiver: Receiver
) -> None:
    receiver.answers = [500] * 2
    handle = submitted(own, receiver)
    eventually(lambda: receiver.posts)
    own.restart()
    kept = own.var / "jobs" / f"{handle.request_id}.json"
    eventually(lambda: json.loads(kept.read_text())["notified"])
    assert len(receiver.posts) >= 3
    assert {message["request_id"] for message in receiver.bodies()} == {handle.request_id}
    heard = len(receiver.posts)
    own.restart()
    fal = fal_client_for("sandbox", f"{own.url}/fal")
    fal.submit("fal-ai/flux-lora", {"prompt": "TOK"}, webhook_url=receiver.url)
    eventually(lambda: len(receiver.posts) > heard)
    assert receiver.bodies()[heard]["request_id"] != handle.request_id


def test_keys_stay_the_same_over_a_restart(own: SandboxProcess) -> None:
    url = f"{own.url}/fal/rest/.well-known/jwks.json"
    before = httpx.get(url).json()
    own.restart()
    assert httpx.get(url).json() == before


def test_it_ends_promptly_while_somebody_listens_to_a_stream(own: SandboxProcess) -> None:
    handle = submitted(own)
    own.script({"match": {"path": "*/cancel"}, "do": "delay", "seconds": 60})
    headers = {"Authorization": "Key sandbox"}
    with httpx.stream("GET", f"{handle.status_url}/stream", headers=headers) as response:
        next(response.iter_lines())
        with pytest.raises(httpx.ReadTimeout):
            httpx.put(handle.cancel_url, headers=headers, timeout=0.2)
        began = time.monotonic()
        own.stop()
        assert time.monotonic() - began < 8
