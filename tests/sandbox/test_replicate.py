from __future__ import annotations

import io
import re
import tarfile
import time
from itertools import pairwise
from typing import Any

import httpx
import pytest
from PIL import Image
from replicate.client import Client
from replicate.exceptions import ReplicateError
from safetensors.numpy import load

from providers.sdk import replicate_client_for
from tests.sandbox.conftest import Receiver, archive, eventually
from tests.sandbox_process import SandboxProcess

TRAINER = "ostris/flux-dev-lora-trainer"
FAST_TRAINER = "replicate/fast-flux-trainer"
DEV_LORA = "black-forest-labs/flux-dev-lora"


@pytest.fixture
def replicate(well_behaved: SandboxProcess) -> Client:
    client = replicate_client_for("token", f"{well_behaved.url}/replicate")
    client.poll_interval = 0.05
    return client


@pytest.fixture
def destination(replicate: Client) -> str:
    name = f"lora-{time.time_ns()}"
    model = replicate.models.create("sandbox", name, visibility="private", hardware="gpu-l40s")
    return model.id


def version_of(replicate: Client, model: str) -> str:
    version = replicate.models.get(model).latest_version
    assert version is not None
    return version.id


def trained(replicate: Client, destination: str, model: str = TRAINER, **given: Any) -> Any:
    file = replicate.files.create(io.BytesIO(archive(5)), filename="pictures.zip")
    return replicate.trainings.create(
        model=model,
        version=version_of(replicate, model),
        input={"input_images": file.urls["get"], "trigger_word": "TOK"} | given,
        destination=destination,
    )


def ended(job: Any) -> Any:
    def over() -> bool:
        job.reload()
        return job.status not in {"starting", "processing"}

    eventually(over)
    return job


def problem(error: pytest.ExceptionInfo[ReplicateError]) -> tuple[int | None, str]:
    return error.value.status, str(error.value.detail)


def test_a_training_makes_a_version_of_its_destination(replicate: Client, destination: str) -> None:
    training = ended(trained(replicate, destination, steps=400))
    assert training.status == "succeeded"
    assert training.output["version"].startswith(f"{destination}:")
    version = training.output["version"].partition(":")[2]
    assert version_of(replicate, destination) == version
    lines = re.findall(r"flux_train_replicate: +(\d+)%\|[^|]*\| *(\d+)/(\d+)", training.logs)
    assert lines[-1] == ("100", "400", "400")

    data = io.BytesIO(httpx.get(training.output["weights"]).content)
    folder = "output/flux_train_replicate"
    with tarfile.open(fileobj=data) as file:
        assert {f"{folder}/lora.safetensors", f"{folder}/config.yaml"} < set(file.getnames())
        caption = file.extractfile(f"{folder}/captions/0.txt")
        weights = file.extractfile(f"{folder}/lora.safetensors")
        assert caption is not None
        assert caption.read() == b"TOK on a table"
        assert weights is not None
        assert all("lora_" in name for name in load(weights.read()))


def test_logs_and_status_grow_with_time(
    replicate: Client, destination: str, well_behaved: SandboxProcess
) -> None:
    well_behaved.script({"do": "pace", "queued": 0.6, "working": 2.0})
    training = trained(replicate, destination)
    assert training.status == "starting"
    seen = []
    while training.status in {"starting", "processing"}:
        seen.append((training.status, training.logs))
        training.reload()
    states = [status for status, _ in seen]
    assert states == sorted(states, key=["starting", "processing"].index)
    logs = [text for _, text in seen]
    assert all(later.startswith(earlier) for earlier, later in pairwise(logs))
    assert len(set(logs)) > 3


def test_the_fast_trainer_counts_its_own_steps(replicate: Client, destination: str) -> None:
    given = {"training_steps": 300, "lora_type": "style"}
    training = ended(trained(replicate, destination, FAST_TRAINER, **given))
    assert "300/300" in training.logs


def test_a_training_needs_a_destination_that_exists(replicate: Client) -> None:
    with pytest.raises(ReplicateError) as error:
        trained(replicate, "sandbox/nowhere")
    assert problem(error) == (404, "The specified training destination does not exist")


@pytest.mark.parametrize(
    ("given", "detail", "kind"),
    [
        ({"steps": 2}, "- input.steps: Must be greater than or equal to 3\n", "number_gte"),
        ({"steps": 6001}, "- input.steps: Must be less than or equal to 6000\n", "number_lte"),
        ({"lora_rank": 0}, "- input.lora_rank: Must be greater than or equal to 1\n", "number_gte"),
    ],
)
def test_an_input_that_does_not_fit_is_refused_at_once(
    replicate: Client,
    destination: str,
    well_behaved: SandboxProcess,
    given: dict[str, Any],
    detail: str,
    kind: str,
) -> None:
    accepted = len(well_behaved.journal())
    with pytest.raises(ReplicateError) as error:
        trained(replicate, destination, **given)
    assert problem(error) == (422, detail)
    assert error.value.title == "Input validation failed"
    assert len(well_behaved.journal()) == accepted


def test_a_missing_field_is_named(replicate: Client, well_behaved: SandboxProcess) -> None:
    answer = httpx.post(
        f"{well_behaved.url}/replicate/v1/models/{DEV_LORA}/predictions",
        headers={"Authorization": "Bearer token"},
        json={"input": {}},
    )
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["invalid_fields"] == [
        {"type": "required", "field": "input", "description": "prompt is required"}
    ]


def test_a_broken_archive_fails_the_training(
    replicate: Client, destination: str, receiver: Receiver
) -> None:
    receiver.files["/a.zip"] = b"not a zip"
    training = ended(trained(replicate, destination, input_images=f"{receiver.url}/a.zip"))
    assert training.status == "failed"
    assert training.error == "The file is not a readable ZIP archive"
    gone = ended(trained(replicate, destination, input_images=f"{receiver.url}/b.zip"))
    assert gone.error == "The server answered 404"
    assert replicate.models.get(destination).latest_version is None


def test_a_training_can_be_cancelled(
    replicate: Client, destination: str, well_behaved: SandboxProcess
) -> None:
    well_behaved.script({"do": "pace", "queued": 0, "working": 60})
    training = trained(replicate, destination)
    training.cancel()
    assert training.status == "canceled"
    training.reload()
    assert training.status == "canceled"
    assert training.output is None


def test_the_list_shows_inputs_newest_first_and_in_pages(
    replicate: Client, destination: str, well_behaved: SandboxProcess
) -> None:
    first = trained(replicate, destination)
    second = trained(replicate, destination)
    page = replicate.trainings.list()
    assert [training.id for training in page.results[:2]] == [second.id, first.id]
    assert page.results[0].input["input_images"] == second.input["input_images"]
    while page.next:
        page = replicate.trainings.list(page.next)
    hidden = {"match": {"path": "/replicate/*"}, "do": "hide_from_list", "seconds": 2}
    well_behaved.script(hidden)
    third = trained(replicate, destination)
    assert replicate.trainings.list().results[0].id == second.id
    eventually(lambda: replicate.trainings.list().results[0].id == third.id)


def test_weights_generate_alone_as_version_and_as_file(replicate: Client, destination: str) -> None:
    training = ended(trained(replicate, destination))
    version = training.output["version"].partition(":")[2]
    given = {"prompt": "TOK at sea", "seed": 3, "megapixels": "0.25", "num_outputs": 2}

    def images(client: Client, **kind: Any) -> list[bytes]:
        prediction = ended(client.predictions.create(**kind))
        assert prediction.status == "succeeded"
        return [httpx.get(url).content for url in prediction.output]

    by_file = {**given, "lora_weights": training.output["weights"]}
    by_name = {**given, "lora_weights": destination}
    alone = images(replicate, version=version, input=given)
    assert alone == images(replicate, model=DEV_LORA, input=by_file)
    assert alone == images(replicate, version=DEV_LORA, input=by_name)
    assert alone != images(replicate, model=DEV_LORA, input=given)
    assert [Image.open(io.BytesIO(image)).format for image in alone] == ["WEBP", "WEBP"]


def test_a_patient_client_gets_the_output_at_once(replicate: Client) -> None:
    given = {"prompt": "TOK", "megapixels": "0.25", "output_format": "png"}
    prediction = replicate.models.predictions.create(DEV_LORA, given, wait=10)
    assert prediction.status == "processing"
    assert prediction.output[0].endswith(".png")
    urls = replicate.run(DEV_LORA, given)
    assert httpx.get(urls[0]).headers["Content-Type"] == "image/png"


def test_what_the_safety_checker_finds_fails(replicate: Client) -> None:
    given = {"prompt": "an nsfw thing"}
    prediction = ended(replicate.models.predictions.create(DEV_LORA, given))
    assert (prediction.status, prediction.error) == (
        "failed",
        "NSFW content detected in all outputs.",
    )


def test_models_are_created_once_and_deleted_while_empty(
    replicate: Client, destination: str
) -> None:
    owner, name = destination.split("/")
    with pytest.raises(ReplicateError) as error:
        replicate.models.create(owner, name, visibility="private", hardware="gpu-l40s")
    assert problem(error) == (409, "A model with that name and owner already exists.")
    assert destination in {model.id for model in replicate.models.list()}
    assert replicate.models.delete(destination)
    with pytest.raises(ReplicateError) as error:
        replicate.models.get(destination)
    assert error.value.status == 404


def test_official_things_can_be_looked_up(replicate: Client) -> None:
    assert "gpu-l40s" in {hardware.sku for hardware in replicate.hardware.list()}
    model = replicate.models.get(TRAINER)
    version = model.versions.list().results[0]
    assert model.versions.get(version.id).id == version.id
    schema = version.openapi_schema["components"]["schemas"]["TrainingInput"]
    assert schema["required"] == ["input_images"]
    assert replicate.accounts.current().username == "sandbox"


def test_a_version_that_does_not_exist_is_refused(replicate: Client, destination: str) -> None:
    with pytest.raises(ReplicateError) as error:
        replicate.predictions.create(version="0" * 64, input={"prompt": "TOK"})
    assert error.value.title == "Invalid version or not permitted"
    with pytest.raises(ReplicateError) as error:
        replicate.trainings.create(
            model=TRAINER, version="0" * 64, input={"input_images": "x"}, destination=destination
        )
    assert error.value.status == 422


def test_files_are_kept_with_their_checksums(replicate: Client) -> None:
    file = replicate.files.create(io.BytesIO(b"abc"), filename="a.zip", metadata={"of": "me"})
    assert file.checksums["md5"] == "900150983cd24fb0d6963f7d28e17f72"
    assert replicate.files.get(file.id).metadata == {"of": "me"}
    assert file.id in {one.id for one in replicate.files.list()}
    assert replicate.files.delete(file.id)
    with pytest.raises(ReplicateError) as error:
        replicate.files.get(file.id)
    assert error.value.status == 404


@pytest.mark.parametrize("token", ["bad", "badly"])
def test_a_wrong_token_is_refused(sandbox: SandboxProcess, token: str) -> None:
    client = replicate_client_for(token, f"{sandbox.url}/replicate")
    with pytest.raises(ReplicateError) as error:
        client.models.get(DEV_LORA)
    assert error.value.title == "Unauthenticated"
    assert problem(error) == (401, "You did not pass a valid authentication token")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "models", b"{"),
        ("POST", "models", b"{}"),
        ("POST", f"models/{DEV_LORA}/predictions", b"[]"),
        ("POST", f"models/{DEV_LORA}/predictions", b'{"input": 3}'),
        ("POST", "predictions", b"\xff"),
        ("GET", "trainings?cursor=x", b""),
    ],
)
def test_what_cannot_be_read_is_refused(
    sandbox: SandboxProcess, method: str, path: str, body: bytes
) -> None:
    answer = httpx.request(
        method,
        f"{sandbox.url}/replicate/v1/{path}",
        headers={"Authorization": "Bearer token"},
        content=body,
    )
    assert answer.status_code in {400, 422}
    assert answer.json()["detail"]


def test_no_token_is_refused(sandbox: SandboxProcess) -> None:
    answer = httpx.get(f"{sandbox.url}/replicate/v1/trainings")
    assert answer.status_code == 401
    assert answer.json()["title"] == "Unauthenticated"
