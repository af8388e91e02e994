"""The official SDKs as we set them up, with the sandbox as the other side."""

from __future__ import annotations

import time

import fal_client
import fal_client.client as fal_module
import httpx
import pytest
from replicate.exceptions import ReplicateError

from providers import sdk
from tests.sandbox_process import SandboxProcess

FLUX = "fal-ai/flux-lora"


@pytest.mark.parametrize("do", ["reset", "accept_then_reset"])
def test_a_submission_is_never_repeated(well_behaved: SandboxProcess, do: str) -> None:
    fal = sdk.fal_client_for("sandbox", f"{well_behaved.url}/fal")
    before = len(well_behaved.journal())
    well_behaved.script({"match": {"path": f"/fal/queue/{FLUX}"}, "do": do})
    with pytest.raises(httpx.TransportError):
        fal.submit(FLUX, {"prompt": "TOK"})
    accepted = do == "accept_then_reset"
    assert len(well_behaved.journal()) == before + accepted


@pytest.mark.parametrize("status", [408, 409, 429])
def test_fal_is_not_asked_again_by_the_client(well_behaved: SandboxProcess, status: int) -> None:
    fal = sdk.fal_client_for("sandbox", f"{well_behaved.url}/fal")
    well_behaved.script({"match": {"path": "/fal/*"}, "do": "status", "status": status})
    with pytest.raises(fal_client.FalClientHTTPError) as error:
        fal.submit(FLUX, {"prompt": "TOK"})
    assert error.value.status_code == status


def test_replicate_is_not_waited_for(well_behaved: SandboxProcess) -> None:
    replicate = sdk.replicate_client_for("token", f"{well_behaved.url}/replicate")
    well_behaved.script(
        {
            "do": "status",
            "status": 429,
            "headers": {"Retry-After": "30"},
            "match": {"method": "GET"},
        }
    )
    began = time.monotonic()
    with pytest.raises(ReplicateError) as error:
        replicate.trainings.list()
    assert error.value.status == 429
    assert time.monotonic() - began < 20


def test_even_a_prediction_has_a_timeout(
    well_behaved: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk, "TIMEOUT", httpx.Timeout(0.3))
    replicate = sdk.replicate_client_for("another", f"{well_behaved.url}/replicate")
    well_behaved.script({"do": "delay", "seconds": 20})
    with pytest.raises(httpx.ReadTimeout):
        replicate.models.predictions.create("black-forest-labs/flux-dev-lora", {"prompt": "TOK"})


def test_without_an_address_fal_is_the_real_one() -> None:
    sdk.fal_client_for("key", "http://127.0.0.1:1/fal")
    assert fal_module.QUEUE_URL_FORMAT == "http://127.0.0.1:1/fal/queue/"
    sdk.fal_client_for("key")
    assert fal_module.QUEUE_URL_FORMAT == "https://queue.fal.run/"
    assert fal_module.RUN_URL_FORMAT == "https://fal.run/"
    assert (fal_module.REST_URL, fal_module.CDN_URL) == (
        "https://rest.fal.ai",
        "https://v3.fal.media",
    )
