"""The script: what it does to requests and to jobs, and that it does so as often as it is told."""

from __future__ import annotations

import time
from typing import Any

import fal_client
import httpx
import pytest
from pydantic.v1 import ValidationError
from safetensors.numpy import load

from providers.sdk import fal_client_for, replicate_client_for
from tests.sandbox.conftest import archive, eventually
from tests.sandbox_process import SandboxProcess

FLUX = "fal-ai/flux-lora"
SUBMIT = {"method": "POST", "path": f"/fal/queue/{FLUX}"}
SMALL = {"prompt": "TOK", "image_size": {"width": 64, "height": 64}}


@pytest.fixture
def fal(well_behaved: SandboxProcess) -> fal_client.SyncClient:
    return fal_client_for("sandbox", f"{well_behaved.url}/fal")


@pytest.fixture
def weights_url(fal: fal_client.SyncClient) -> str:
    url = fal.upload(archive(), "application/zip", "pictures.zip")
    given = {"images_data_url": url}
    result = fal.subscribe("fal-ai/flux-lora-fast-training", given, interval=0.05)
    address: str = result["diffusers_lora_file"]["url"]
    return address


def path_of(url: str) -> dict[str, Any]:
    return {"path": httpx.URL(url).path}


def test_rules_apply_in_order_and_as_often_as_they_say(well_behaved: SandboxProcess) -> None:
    well_behaved.script(
        {"match": {"path": "/fal/rest/*"}, "do": "status", "status": 503, "times": 2},
        {"match": {"path": "/fal/rest/*"}, "do": "status", "status": 429, "body": "slow down",
         "headers": {"Retry-After": "7"}},
    )  # fmt: skip
    url = f"{well_behaved.url}/fal/rest/.well-known/jwks.json"
    answers = [httpx.get(url) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 429, 200]
    assert (answers[2].text, answers[2].headers["Retry-After"]) == ("slow down", "7")
    assert httpx.get(f"{well_behaved.url}/sandbox/script").json() == []


def test_a_rule_can_wait_for_a_certain_request(well_behaved: SandboxProcess) -> None:
    well_behaved.script(
        {"match": {"path": "*/jwks.json", "nth": 3}, "do": "status", "status": 500, "times": None}
    )
    url = f"{well_behaved.url}/fal/rest/.well-known/jwks.json"
    codes = [httpx.get(url).status_code for _ in range(5)]
    assert codes == [200, 200, 500, 500, 500]
    well_behaved.clear_script()
    assert httpx.get(url).status_code == 200


def test_a_rule_can_look_into_the_body(
    well_behaved: SandboxProcess, fal: fal_client.SyncClient
) -> None:
    well_behaved.script({"match": SUBMIT | {"contains": "unlucky"}, "do": "status", "status": 418})
    fal.submit(FLUX, SMALL)
    with pytest.raises(fal_client.FalClientHTTPError) as error:
        fal.submit(FLUX, SMALL | {"prompt": "the unlucky one"})
    assert error.value.status_code == 418


@pytest.mark.parametrize(
    "rule",
    [
        {"do": "explode"},
        {"do": "delay", "minutes": 3},
        {"do": "delay", "match": {"host": "x"}},
        "delay",
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(well_behaved: SandboxProcess, rule: Any) -> None:
    answer = httpx.post(f"{well_behaved.url}/sandbox/script", json={"rules": [rule]})
    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert httpx.get(f"{well_behaved.url}/sandbox/script").json() == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"rule": []}'])
def test_a_script_that_cannot_be_read_is_refused(well_behaved: SandboxProcess, body: bytes) -> None:
    assert httpx.post(f"{well_behaved.url}/sandbox/script", content=body).status_code == 400


@pytest.mark.parametrize("do", ["accept_then_500", "accept_then_reset", "garbage", "cut"])
def test_an_accepted_submission_whose_answer_is_lost_is_in_the_journal(
    well_behaved: SandboxProcess, fal: fal_client.SyncClient, do: str
) -> None:
    before = len(well_behaved.journal())
    well_behaved.script({"match": SUBMIT, "do": do})
    lost = (fal_client.FalClientHTTPError, httpx.TransportError, ValueError)
    given = SMALL | {"prompt": f"lost by {do}"}
    with pytest.raises(lost):
        fal.submit(FLUX, given, webhook_url="http://127.0.0.1:1/hook")
    entries = well_behaved.journal()[before:]
    assert len(entries) == 1
    entry = entries[0]
    assert (entry["provider"], entry["endpoint"], entry["input"]) == ("fal", FLUX, given)
    assert entry["webhook_url"] == "http://127.0.0.1:1/hook"
    result = fal_client.SyncClient.get_handle(fal, FLUX, entry["request_id"]).get(interval=0.05)
    assert result["prompt"] == given["prompt"]


@pytest.mark.parametrize("do", ["status", "reset"])
def test_a_refused_submission_is_not_in_the_journal(
    well_behaved: SandboxProcess, fal: fal_client.SyncClient, do: str
) -> None:
    before = len(well_behaved.journal())
    well_behaved.script({"match": SUBMIT, "do": do})
    with pytest.raises((fal_client.FalClientHTTPError, httpx.TransportError)):
        fal.submit(FLUX, SMALL)
    assert len(well_behaved.journal()) == before


@pytest.mark.parametrize("after", [True, False])
def test_an_answer_can_be_held_before_or_after_the_work(
    well_behaved: SandboxProcess, after: bool
) -> None:
    before = len(well_behaved.journal())
    well_behaved.script({"match": SUBMIT, "do": "delay", "seconds": 30, "after": after})
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{well_behaved.url}{SUBMIT['path']}",
            headers={"Authorization": "Key sandbox"},
            json=SMALL,
            timeout=2,
        )
    assert len(well_behaved.journal()) == before + after


def test_a_file_can_be_cut_off_in_the_middle(
    well_behaved: SandboxProcess, weights_url: str
) -> None:
    whole = httpx.get(weights_url).content
    well_behaved.script({"match": path_of(weights_url), "do": "cut", "at": 0.25})
    received: list[bytes] = []
    with httpx.stream("GET", weights_url) as response:
        assert int(response.headers["Content-Length"]) == len(whole)
        with pytest.raises(httpx.RemoteProtocolError):
            received.extend(response.iter_raw())
    start = b"".join(received)
    assert 0 < len(start) <= len(whole) // 4
    assert whole.startswith(start)
    assert httpx.get(weights_url).content == whole


def test_a_file_can_be_another_one_the_second_time(
    well_behaved: SandboxProcess, weights_url: str
) -> None:
    whole = httpx.get(weights_url).content
    well_behaved.script(
        {"match": path_of(weights_url), "do": "swap_file"},
        {"match": path_of(weights_url), "do": "swap_file", "body": "an error page"},
    )
    other = httpx.get(weights_url).content
    assert other != whole
    assert load(other).keys() == load(whole).keys()
    assert httpx.get(weights_url).text == "an error page"


def test_a_file_can_expire(well_behaved: SandboxProcess, weights_url: str) -> None:
    well_behaved.script(
        {"match": path_of(weights_url), "do": "expire", "status": 403, "times": None}
    )
    assert [httpx.get(weights_url).status_code for _ in range(2)] == [403, 403]


def test_a_job_can_never_finish_and_still_be_cancelled(
    well_behaved: SandboxProcess, fal: fal_client.SyncClient
) -> None:
    well_behaved.script({"match": SUBMIT, "do": "never_finish"})
    stuck = fal.submit(FLUX, SMALL)
    fal.submit(FLUX, SMALL).get(interval=0.05)
    assert isinstance(stuck.status(), fal_client.InProgress)
    stuck.cancel()
    assert isinstance(stuck.status(), fal_client.Completed)


def test_a_job_can_fail(well_behaved: SandboxProcess, fal: fal_client.SyncClient) -> None:
    well_behaved.script(
        {"match": SUBMIT, "do": "fail"},
        {"match": SUBMIT, "do": "fail", "status": "runner_disconnected", "message": "Gone"},
    )
    failures = []
    for _ in range(2):
        with pytest.raises(fal_client.FalClientHTTPError) as error:
            fal.subscribe(FLUX, SMALL, interval=0.05)
        failures.append((error.value.status_code, error.value.error_type, error.value.message))
        assert error.value.response_headers["x-fal-retryable"] == "true"
    assert failures == [
        (500, "internal_error", "The trainer broke"),
        (503, "runner_disconnected", "Gone"),
    ]


def test_replicate_can_abort_which_its_sdk_does_not_know(well_behaved: SandboxProcess) -> None:
    replicate = replicate_client_for("token", f"{well_behaved.url}/replicate")
    well_behaved.script({"do": "fail", "status": "aborted"})
    prediction = replicate.models.predictions.create(
        "black-forest-labs/flux-dev-lora", {"prompt": "TOK"}
    )
    url = f"{well_behaved.url}/replicate/v1/predictions/{prediction.id}"
    headers = {"Authorization": "Bearer token"}
    eventually(lambda: httpx.get(url, headers=headers).json()["status"] == "aborted")
    with pytest.raises(ValidationError):
        prediction.reload()


def test_a_request_can_be_hidden_from_the_list_for_a_while(
    well_behaved: SandboxProcess, fal: fal_client.SyncClient
) -> None:
    well_behaved.script(
        {"match": SUBMIT, "do": "hide_from_list", "seconds": 2.0},
        {"match": SUBMIT, "do": "accept_then_500"},
    )
    started = time.monotonic()
    with pytest.raises(fal_client.FalClientHTTPError):
        fal.submit(FLUX, SMALL)
    hidden = well_behaved.journal()[-1]["request_id"]

    def listed() -> set[str]:
        answer = httpx.get(
            f"{well_behaved.url}/fal/api/v1/models/requests/by-endpoint",
            headers={"Authorization": "Key sandbox"},
            params={"endpoint_id": FLUX},
        )
        return {item["request_id"] for item in answer.json()["items"]}

    assert hidden not in listed()
    eventually(lambda: hidden in listed())
    assert time.monotonic() - started > 1.9
