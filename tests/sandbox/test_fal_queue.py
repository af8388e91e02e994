from __future__ import annotations

import json
import re
import time
from typing import Any

import fal_client
import httpx
import numpy as np
import pytest
from safetensors.numpy import load

from providers.sdk import fal_client_for
from tests.sandbox.conftest import Receiver, archive, eventually, picture
from tests.sandbox_process import SandboxProcess

TRAINER = "fal-ai/flux-lora-fast-training"
FLUX = "fal-ai/flux-lora"
KEY = {"Authorization": "Key sandbox"}


@pytest.fixture
def fal(well_behaved: SandboxProcess) -> fal_client.SyncClient:
    return fal_client_for("sandbox", f"{well_behaved.url}/fal")


@pytest.fixture(scope="session")
def weights_url(sandbox: SandboxProcess) -> str:
    fal = fal_client_for("sandbox", f"{sandbox.url}/fal")
    url = fal.upload(archive(), "application/zip", "pictures.zip")
    result = fal.subscribe(TRAINER, {"images_data_url": url}, interval=0.05)
    address: str = result["diffusers_lora_file"]["url"]
    return address


def failure_of(fal: fal_client.SyncClient, endpoint: str, given: Any) -> Any:
    with pytest.raises(fal_client.FalClientHTTPError) as error:
        fal.subscribe(endpoint, given, interval=0.05)
    return error.value


def images_of(fal: fal_client.SyncClient, **given: Any) -> list[bytes]:
    """The images of a small generation, as files."""
    size = {"width": 192, "height": 128}
    result = fal.subscribe(FLUX, {"image_size": size, "seed": 1} | given, interval=0.05)
    return [httpx.get(image["url"]).content for image in result["images"]]


def test_a_training_waits_works_and_gives_weights(
    fal: fal_client.SyncClient, well_behaved: SandboxProcess
) -> None:
    well_behaved.script({"do": "pace", "queued": 0.6, "working": 1.5})
    url = fal.upload(archive(5), "application/zip", "pictures.zip")
    handle = fal.submit(TRAINER, {"images_data_url": url, "trigger_word": "TOK", "steps": 500})
    events = list(handle.iter_events(with_logs=True, interval=0.02))
    kinds = [type(event) for event in events]
    assert kinds[0] is fal_client.Queued
    assert fal_client.InProgress in kinds
    assert kinds[-1] is fal_client.Completed
    positions = [event.position for event in events if isinstance(event, fal_client.Queued)]
    assert positions == sorted(positions, reverse=True)
    lengths = [
        len(event.logs or []) for event in events if isinstance(event, fal_client.InProgress)
    ]
    assert lengths == sorted(lengths)
    text = "\n".join(line["message"] for line in events[-1].logs)
    assert "0: TOK on a table" in text
    assert re.findall(r"(\d+)%\|[^|]*\|\s*(\d+)/(\d+)", text)[-1] == ("100", "500", "500")

    result = handle.get()
    weights = httpx.get(result["diffusers_lora_file"]["url"]).content
    assert len(weights) == result["diffusers_lora_file"]["file_size"]
    config = httpx.get(result["config_file"]["url"]).json()
    assert config["trigger_word"] == "TOK"
    assert config["steps"] == 500


def test_the_weights_are_a_lora_for_flux(weights_url: str) -> None:
    data = httpx.get(weights_url).content
    tensors = load(data)
    name = "transformer.single_transformer_blocks.0.attn.to_q"
    assert tensors[f"{name}.lora_A.weight"].shape == (4, 3072)
    assert tensors[f"{name}.lora_B.weight"].shape == (3072, 4)
    assert all(tensor.dtype == np.float16 for tensor in tensors.values())
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = header["__metadata__"]
    assert all(isinstance(value, str) for value in metadata.values())
    assert metadata["modelspec.architecture"] == "flux-1-dev/lora"
    assert metadata["simulated"] == "true"
    assert len(data) < 2_000_000


def test_two_trainings_on_the_same_pictures_give_different_weights(
    fal: fal_client.SyncClient, weights_url: str
) -> None:
    url = fal.upload(archive(), "application/zip", "pictures.zip")
    again = fal.subscribe(TRAINER, {"images_data_url": url}, interval=0.05)
    other = load(httpx.get(again["diffusers_lora_file"]["url"]).content)
    for name, tensor in load(httpx.get(weights_url).content).items():
        assert not np.array_equal(tensor, other[name])


def test_status_codes_follow_the_queue(
    fal: fal_client.SyncClient, weights_url: str, well_behaved: SandboxProcess
) -> None:
    well_behaved.script({"do": "pace", "queued": 1.0, "working": 0.3})
    handle = fal.submit(FLUX, {"prompt": "TOK", "loras": [{"path": weights_url}]})
    before = httpx.get(handle.status_url, headers=KEY)
    early = httpx.get(handle.response_url, headers=KEY)
    assert before.status_code == 202
    assert before.json()["status"] == "IN_QUEUE"
    assert before.headers["X-Fal-Request-Id"] == handle.request_id
    assert early.status_code == 400
    assert early.json() == {"detail": "Request is still in progress"}
    handle.get(interval=0.05)
    after = httpx.get(handle.status_url, headers=KEY)
    assert after.status_code == 200
    assert after.json()["logs"] is None
    assert after.json()["metrics"]["inference_time"] > 0
    with_logs = httpx.get(f"{handle.status_url}?logs=1", headers=KEY).json()["logs"]
    assert with_logs[-1]["message"].startswith("100%|██████████|")


def test_the_status_stream_ends_with_the_job(
    fal: fal_client.SyncClient, well_behaved: SandboxProcess
) -> None:
    well_behaved.script({"do": "pace", "queued": 1.0, "working": 0.5})
    handle = fal.submit(FLUX, {"prompt": "TOK"})
    with httpx.stream("GET", f"{handle.status_url}/stream?logs=1", headers=KEY) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        events = [json.loads(line[5:]) for line in response.iter_lines() if line]
    states = [event["status"] for event in events]
    assert states[0] == "IN_QUEUE"
    assert states.index("IN_PROGRESS") < states.index("COMPLETED")
    assert states[-1] == "COMPLETED"


@pytest.mark.parametrize(
    ("given", "field", "kind"),
    [
        ({}, "images_data_url", "missing"),
        ({"images_data_url": "x", "steps": 10_001}, "steps", "less_than_equal"),
        ({"images_data_url": "x", "steps": 0}, "steps", "greater_than_equal"),
        ({"images_data_url": "x", "is_style": "perhaps"}, "is_style", "bool_parsing"),
    ],
)
def test_an_input_that_does_not_fit_is_refused_at_the_result(
    fal: fal_client.SyncClient, given: dict[str, Any], field: str, kind: str
) -> None:
    error = failure_of(fal, TRAINER, given)
    assert error.status_code == 422
    assert error.response_headers["x-fal-retryable"] == "false"
    assert error.message[0]["loc"] == ["body", field]
    assert error.message[0]["type"] == kind
    assert error.message[0]["msg"]


def not_a_zip() -> bytes:
    return b"PK\x03\x04 but no more"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (not_a_zip(), "not a readable ZIP archive"),
        (archive(0, **{"notes.md": "no pictures"}), "has 0 pictures, the trainer needs 4"),
        (archive(3), "has 3 pictures, the trainer needs 4"),
        (archive(4, **{"x.jpg": b"\xff\xd8\xff no picture"}), "x.jpg is not a readable picture"),
    ],
)
def test_an_archive_that_is_no_training_set_fails_at_the_result(
    fal: fal_client.SyncClient, data: bytes, words: str
) -> None:
    url = fal.upload(data, "application/zip", "pictures.zip")
    error = failure_of(fal, TRAINER, {"images_data_url": url})
    assert error.status_code == 422
    assert error.message[0]["loc"] == ["body", "images_data_url"]
    assert words in error.message[0]["msg"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("{receiver}/gone.zip", "answered 404"),
        ("http://example.com/a.zip", "only fetches from this machine"),
        ("file:///etc/passwd", "only fetches from this machine"),
        ("http://127.0.0.1:1/a.zip", "cannot be reached"),
    ],
)
def test_an_archive_that_cannot_be_fetched_fails_at_the_result(
    fal: fal_client.SyncClient, receiver: Receiver, path: str, words: str
) -> None:
    given = {"images_data_url": path.format(receiver=receiver.url)}
    error = failure_of(fal, TRAINER, given)
    assert error.message[0]["type"] == "file_download_error"
    assert words in error.message[0]["msg"]
    status = fal.submit(TRAINER, given)
    eventually(lambda: isinstance(status.status(), fal_client.Completed))
    over = status.status()
    assert isinstance(over, fal_client.Completed)
    assert over.error_type == "file_download_error"


def test_the_archive_may_lie_behind_a_redirect_on_this_machine_only(
    fal: fal_client.SyncClient, receiver: Receiver
) -> None:
    receiver.files["/a.zip"] = archive(3)
    receiver.redirects["/signed"] = f"{receiver.url}/a.zip"
    receiver.redirects["/away"] = "http://example.com/a.zip"
    error = failure_of(fal, TRAINER, {"images_data_url": f"{receiver.url}/signed"})
    assert "has 3 pictures" in error.message[0]["msg"]
    error = failure_of(fal, TRAINER, {"images_data_url": f"{receiver.url}/away"})
    assert "only fetches from this machine" in error.message[0]["msg"]


def test_an_unknown_endpoint_is_not_found(fal: fal_client.SyncClient) -> None:
    with pytest.raises(fal_client.FalClientHTTPError) as error:
        fal.submit("fal-ai/no-such-thing", {})
    assert error.value.status_code == 404


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Key bad"}, {"Authorization": "Bearer x"}]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"queue/{TRAINER}"),
        ("POST", f"run/{FLUX}"),
        ("GET", f"queue/{TRAINER}/requests/x/status"),
        ("GET", "api/v1/models/requests/by-endpoint"),
        ("POST", "rest/storage/auth/token"),
    ],
)
def test_without_a_good_key_nothing_is_accepted(
    well_behaved: SandboxProcess, headers: dict[str, str], method: str, path: str
) -> None:
    accepted = len(well_behaved.journal())
    answer = httpx.request(method, f"{well_behaved.url}/fal/{path}", headers=headers, json=None)
    assert answer.status_code == 401
    assert isinstance(answer.json()["detail"], str)
    assert len(well_behaved.journal()) == accepted


def test_a_body_that_is_no_object_is_refused_at_once(well_behaved: SandboxProcess) -> None:
    url = f"{well_behaved.url}/fal/queue/{FLUX}"
    for body in (b"{", b"[]", b"\xff"):
        answer = httpx.post(url, headers=KEY, content=body)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["type"] == "json_invalid"


def test_a_queued_request_can_be_cancelled(
    fal: fal_client.SyncClient, well_behaved: SandboxProcess
) -> None:
    well_behaved.script({"do": "pace", "queued": 60})
    handle = fal.submit(TRAINER, {"images_data_url": "http://127.0.0.1:1/a.zip"})
    answer = httpx.put(handle.cancel_url, headers=KEY)
    assert answer.status_code == 202
    assert answer.json() == {"status": "CANCELLATION_REQUESTED"}
    status = handle.status()
    assert isinstance(status, fal_client.Completed)
    assert status.error_type == "client_cancelled"
    again = httpx.put(handle.cancel_url, headers=KEY)
    assert (again.status_code, again.json()) == (400, {"status": "ALREADY_COMPLETED"})


def test_requests_belong_to_their_application(
    fal: fal_client.SyncClient, well_behaved: SandboxProcess
) -> None:
    handle = fal.submit(FLUX, {"prompt": "TOK"})
    other = f"{well_behaved.url}/fal/queue/fal-ai/imageutils/requests/{handle.request_id}"
    assert httpx.get(other, headers=KEY).status_code == 404
    answer = httpx.put(f"{other}/cancel", headers=KEY)
    assert (answer.status_code, answer.json()) == (404, {"status": "NOT_FOUND"})


def listed(sandbox: SandboxProcess, **query: Any) -> httpx.Response:
    url = f"{sandbox.url}/fal/api/v1/models/requests/by-endpoint"
    return httpx.get(url, headers=KEY, params=query)


def test_a_submission_is_found_in_the_list_by_its_archive(
    fal: fal_client.SyncClient, well_behaved: SandboxProcess
) -> None:
    well_behaved.script({"do": "pace", "queued": 1.0})
    given = {"images_data_url": f"http://127.0.0.1:1/{time.time_ns()}.zip"}
    handle = fal.submit(TRAINER, given)
    page = listed(well_behaved, endpoint_id=TRAINER, expand="payloads").json()
    assert page["items"][0]["request_id"] == handle.request_id
    assert page["items"][0]["json_input"] == given
    assert page["items"][0]["status_code"] is None
    plain = listed(well_behaved, endpoint_id=TRAINER, request_id=handle.request_id).json()
    assert "json_input" not in plain["items"][0]
    eventually(lambda: isinstance(handle.status(), fal_client.Completed))
    done = listed(well_behaved, endpoint_id=TRAINER, request_id=handle.request_id).json()["items"]
    assert done[0]["status_code"] == 422
    assert done[0]["ended_at"]
    assert (
        listed(well_behaved, endpoint_id=FLUX, request_id=handle.request_id).json()["items"] == []
    )


def test_the_list_comes_in_pages(fal: fal_client.SyncClient, well_behaved: SandboxProcess) -> None:
    sent = [fal.submit(FLUX, {"prompt": str(number)}).request_id for number in range(3)]
    found: list[str] = []
    cursor = None
    for _ in range(3):
        query = {"endpoint_id": FLUX, "limit": 1} | ({"cursor": cursor} if cursor else {})
        page = listed(well_behaved, **query).json()
        assert page["has_more"] is (page["next_cursor"] is not None)
        found += [item["request_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert found == sent[::-1]


@pytest.mark.parametrize(
    "query", [{}, {"endpoint_id": FLUX, "limit": 101}, {"endpoint_id": FLUX, "start": "soon"}]
)
def test_the_list_refuses_a_wrong_question(
    well_behaved: SandboxProcess, query: dict[str, Any]
) -> None:
    assert listed(well_behaved, **query).status_code == 400


def test_tools_cut_out_and_describe(fal: fal_client.SyncClient) -> None:
    url = fal.upload(picture(), "image/png", "photo.png")
    image = fal.run("fal-ai/imageutils/rembg", {"image_url": url})["image"]
    assert (image["content_type"], image["width"], image["height"]) == ("image/png", 320, 240)
    caption = fal.run("fal-ai/florence-2-large/more-detailed-caption", {"image_url": url})
    assert caption["results"].startswith("Simulated caption: ")
    text = fal.upload(b"text", "image/png", "photo.png")
    error = failure_of(fal, "fal-ai/imageutils/rembg", {"image_url": text})
    assert error.message[0]["type"] == "image_load_error"


def test_the_same_wish_gives_the_same_image_and_another_another(
    fal: fal_client.SyncClient, weights_url: str
) -> None:
    loras = [{"path": weights_url}]
    first = images_of(fal, prompt="TOK in the rain", loras=loras, num_images=4)
    assert len(set(first)) == 4
    assert first == images_of(fal, prompt="TOK in the rain", loras=loras, num_images=4)
    others = [
        images_of(fal, prompt="TOK in the sun", loras=loras)[0],
        images_of(fal, prompt="TOK in the rain", loras=loras, seed=2)[0],
        images_of(fal, prompt="TOK in the rain", loras=[{"path": weights_url, "scale": 0.4}])[0],
        images_of(fal, prompt="TOK in the rain")[0],
    ]
    assert len({first[0], *others}) == 5


def test_weights_remember_their_pictures_in_any_copy(
    fal: fal_client.SyncClient, weights_url: str, receiver: Receiver
) -> None:
    data = httpx.get(weights_url).content
    length = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:length])
    header["__metadata__"] = {"title": "enriched elsewhere"}
    new = json.dumps(header).encode()
    receiver.files["/lora.safetensors"] = len(new).to_bytes(8, "little") + new + data[length:]
    copy = images_of(fal, prompt="TOK", loras=[{"path": f"{receiver.url}/lora.safetensors"}])
    assert copy == images_of(fal, prompt="TOK", loras=[{"path": weights_url}])


def test_unknown_weights_still_make_images(fal: fal_client.SyncClient) -> None:
    one = images_of(fal, prompt="TOK", loras=[{"path": "somebody/some-lora"}])
    assert one != images_of(fal, prompt="TOK", loras=[{"path": "somebody/other-lora"}])


def test_a_file_that_is_no_lora_fails(fal: fal_client.SyncClient, receiver: Receiver) -> None:
    receiver.files["/lora.safetensors"] = b"<html>not weights</html>"
    path = f"{receiver.url}/lora.safetensors"
    error = failure_of(fal, FLUX, {"prompt": "TOK", "loras": [{"path": path}]})
    assert error.message[0]["loc"] == ["body", "loras", 0, "path"]
    assert "not in safetensors format" in error.message[0]["msg"]


def test_the_answer_of_a_generation_has_all_its_fields(fal: fal_client.SyncClient) -> None:
    given = {"prompt": "TOK", "image_size": "square", "num_images": 2, "output_format": "png"}
    result = fal.run(FLUX, given)
    assert [(image["width"], image["content_type"]) for image in result["images"]] == [
        (512, "image/png")
    ] * 2
    assert isinstance(result["seed"], int)
    assert result["has_nsfw_concepts"] == [False, False]
    assert result["prompt"] == "TOK"


def test_the_safety_checker_blackens_what_it_holds_back(fal: fal_client.SyncClient) -> None:
    size = {"width": 64, "height": 64}
    held = fal.run(FLUX, {"prompt": "an NSFW thing", "image_size": size})
    assert held["has_nsfw_concepts"] == [True]
    free = {"prompt": "an NSFW thing", "image_size": size, "enable_safety_checker": False}
    assert fal.run(FLUX, free)["has_nsfw_concepts"] == [False]


def test_an_image_can_come_inside_the_answer(fal: fal_client.SyncClient) -> None:
    size = {"width": 64, "height": 64}
    result = fal.run(FLUX, {"prompt": "TOK", "image_size": size, "sync_mode": True})
    assert result["images"][0]["url"].startswith("data:image/jpeg;base64,")
