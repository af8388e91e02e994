"""What is Replicate's own: models, versions, statuses, formats, removed inputs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from loratrainer.outcomes import Failed, Pending, Succeeded, TryAgainLater
from providers import replicate_jobs
from providers.base import Cancelled, Doubt, Provider
from providers.replicate_trainers import FluxDevTrainer
from tests.providers.conftest import World
from tests.sandbox.conftest import Receiver
from tests.sandbox_process import SandboxProcess

ALIASES = ["replicate"]
MODEL = "ostris/flux-dev-lora-trainer"


def asked(world: World, path: str) -> Any:
    return world.http.get(f"/replicate/v1/{path}", headers={"Authorization": "Bearer t"}).json()


def trainer(sandbox: SandboxProcess, **options: Any) -> Provider:
    return FluxDevTrainer(token="tests:secret", url=f"{sandbox.url}/replicate", **options)


def test_the_input_is_the_trainers_own(world: World) -> None:
    chosen = {"rank": 32, "autocaption": False, "autocaption_prefix": "a photo of TOK", "x": 1}
    order = world.training_order(settings=chosen)
    world.provider.submit_training(order)
    assert world.submissions(order)[0]["input"] == {
        "input_images": order.archive_url,
        "trigger_word": "TOK",
        "steps": 300,
        "learning_rate": 0.0004,
        "lora_rank": 32,
        "resolution": "512,768,1024",
        "caption_dropout_rate": 0.05,
        "autocaption": False,
        "autocaption_prefix": "a photo of TOK",
    }


@pytest.mark.parametrize("world", ["replicate-fast"], indirect=True)
@pytest.mark.parametrize(("kind", "called"), [("style", "style"), ("product", "subject")])
def test_the_fast_trainer_has_words_of_its_own(world: World, kind: str, called: str) -> None:
    order = world.training_order(kind=kind)
    world.provider.submit_training(order)
    given = world.submissions(order)[0]["input"]
    assert given["training_steps"] == 300
    assert given["lora_type"] == called


def test_the_result_goes_to_a_private_model_of_ours(world: World) -> None:
    order = world.training_order()
    answer = world.ended(world.provider.check_training, world.provider.submit_training(order))
    assert isinstance(answer, Succeeded)
    model = asked(world, f"models/sandbox/{order.name}")
    assert model["visibility"] == "private"
    assert answer.result.version == f"sandbox/{order.name}:{model['latest_version']['id']}"
    version = asked(world, f"models/{MODEL}")["latest_version"]["id"]
    assert answer.result.trainer == f"{MODEL}:{version}"
    assert (answer.result.weights.inside, answer.result.weights.url[-4:]) == (
        "lora.safetensors",
        ".tar",
    )


def test_a_second_attempt_uses_the_same_model(world: World) -> None:
    order = world.training_order()
    world.provider.submit_training(order)
    again = world.training_order(name=order.name)
    world.provider.submit_training(again)
    assert len(world.submissions(again)) == 1


def test_the_models_can_belong_to_another_name(world: World) -> None:
    order = world.training_order()
    trainer(world.sandbox, username="team").submit_training(order)
    assert asked(world, f"models/team/{order.name}")["owner"] == "team"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/replicate/v1/account", {"type": "user"}),
        ("/replicate/v1/models/ostris/flux-dev-lora-trainer", {"latest_version": None}),
        ("/replicate/v1/models/sandbox/*", []),
        ("/replicate/v1/models", "<html>"),
    ],
)
def test_trouble_before_the_order_is_no_doubt(world: World, path: str, body: Any) -> None:
    order = world.training_order()
    fresh = trainer(world.sandbox)
    world.script({"match": {"path": path}, "do": "status", "status": 200, "body": body})
    with pytest.raises(TryAgainLater):
        fresh.submit_training(order)
    fresh.submit_training(order)
    assert len(world.submissions(order)) == 1


def test_a_version_of_the_trainer_can_be_pinned(world: World) -> None:
    version = asked(world, f"models/{MODEL}")["latest_version"]["id"]
    path = "/replicate/v1/models/ostris/flux-dev-lora-trainer"
    world.script({"match": {"path": path}, "do": "status", "status": 500, "times": None})
    order = world.training_order()
    trainer(world.sandbox, version=version).submit_training(order)
    assert len(world.submissions(order)) == 1


def test_an_answer_that_the_sdk_cannot_read_is_in_doubt(world: World) -> None:
    body = {"id": "abc", "status": "aborted", "model": MODEL, "version": "1"}
    answers: list[Any] = [body, body | {"id": "../x", "status": "starting"}, [], "null"]
    for answer in answers:
        world.rule("training", "status", status=201, body=answer)
        with pytest.raises(Doubt):
            world.provider.submit_training(world.training_order())


def test_an_aborted_training_is_a_failure(world: World) -> None:
    world.rule("training", "fail", status="aborted", message="")
    job_id = world.provider.submit_training(world.training_order())
    answer = world.ended(world.provider.check_training, job_id)
    assert answer == Failed("Replicate ended it before it began.")


def test_a_cancelled_training_is_a_failure(world: World) -> None:
    world.rule("check", "status", status=200, body={"status": "canceled"})
    answer = world.provider.check_training("a" * 26)
    assert answer == Failed("It was cancelled at Replicate.")


def test_a_job_that_waits_for_a_machine_says_so(world: World) -> None:
    world.rule("training", "pace", queued=9, working=9)
    job_id = world.provider.submit_training(world.training_order())
    assert world.provider.check_training(job_id) == Pending(note="Waiting for a machine")


@pytest.mark.parametrize(
    ("log", "percent"),
    [
        (None, None),
        ("Loading\n100%|██████████| 2/2 [00:01<00:00]", None),
        ("flux_train_replicate:  10%|█         | 100/1000 [00:57<08:37,  1.74it/s]", 10),
        ("a:  10%|█   | 100/1000 [x]\ra:  12%|█   | 120/1000 [x]\nCaptions: 0%| | 0/9", 12),
        ("flux_train_replicate: 100%|██████████| 1001/1000 [x]", 100),
    ],
)
def test_progress_is_read_from_the_trainers_bar(
    world: World, log: str | None, percent: int | None
) -> None:
    world.rule("check", "status", status=200, body={"status": "processing", "logs": log})
    answer = world.provider.check_training("a" * 26)
    assert isinstance(answer, Pending)
    assert answer.percent == percent


def test_a_log_is_cleaned_and_has_an_end(world: World) -> None:
    log = "\n".join(
        ["\x1b[1mGET https://s.example/a.zip?sig=1", "", *("x" * 600 for _ in range(3000))]
    )
    world.rule("check", "status", status=200, body={"status": "processing", "logs": log}, times=2)
    answer = world.provider.check_training("a" * 26)
    assert isinstance(answer, Pending)
    assert len(answer.log) == 2000
    assert {len(line) for line in answer.log} == {500}
    short = {"status": "processing", "logs": log[:60]}
    world.sandbox.clear_script()
    world.rule("check", "status", status=200, body=short)
    answer = world.provider.check_training("a" * 26)
    assert isinstance(answer, Pending)
    assert answer.log[0] == "[1mGET https://s.example/a.zip"


@pytest.mark.parametrize(
    "output", [None, {}, {"weights": None}, "https://x", {"weights": 5}, [], [5], {"a": 1}], ids=str
)
def test_a_result_of_another_shape_is_a_failure_in_words(
    world: World, output: Any, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"status": "succeeded", "output": output}
    world.rule("check", "status", status=200, body=body, times=2)
    answers = world.provider.check_training("a" * 26), world.provider.check_generation("a" * 26)
    assert answers == (
        Failed("Replicate finished, but without weights that we can read."),
        Failed("Replicate finished, but without images that we can read."),
    )
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


def test_weights_that_are_no_tar_are_taken_as_they_are(world: World) -> None:
    output = {"weights": "https://replicate.delivery/x/lora.safetensors?a=.tar"}
    world.rule("check", "status", status=200, body={"status": "succeeded", "output": output})
    answer = world.provider.check_training("a" * 26)
    assert isinstance(answer, Succeeded)
    assert (answer.result.weights.inside, answer.result.config) == ("", None)


def listed(**more: Any) -> dict[str, Any]:
    made_at = datetime.now(UTC).isoformat()
    return {
        "id": "other",
        "model": MODEL,
        "created_at": made_at,
        "input": {},
        "output": None,
    } | more


LATER = "2100-01-01T00:00:00Z"
"""No order of a test is from after this, however long ago the tests were collected."""


def page(*jobs: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    return {"previous": None, "next": following, "results": [*jobs]}


def test_all_pages_of_the_list_are_read(world: World) -> None:
    order = world.training_order()
    job_id = world.provider.submit_training(order)
    url = f"{world.sandbox.url}/replicate/v1/trainings?cursor=0"
    first = page(listed(input={"input_images": "https://x"}), following=url)
    world.rule("trainings", "status", status=200, body=first)
    assert world.provider.find_training(order) == job_id


@pytest.mark.parametrize(
    "body",
    [
        page(following="/v1/trainings"),
        {"next": None},
        {"next": None, "results": [5]},
        page(listed(created_at=LATER)),
        page(listed(created_at=LATER, input=None, data_removed=True)),
        page(listed(created_at=None)),
        page(listed(created_at="yesterday")),
    ],
    ids=range(7),
)
def test_a_list_that_is_not_complete_is_no_proof(world: World, body: dict[str, Any]) -> None:
    world.rule("trainings", "status", status=200, body=body, times=None)
    with pytest.raises(TryAgainLater):
        world.provider.find_training(world.training_order())


def test_the_list_is_not_followed_to_another_host(world: World, receiver: Receiver) -> None:
    order = world.training_order()
    ours = listed(id="ours", input={"input_images": order.archive_url})
    receiver.files["/v1/trainings"] = json.dumps(page(ours)).encode()
    world.rule(
        "trainings", "status", status=200, body=page(following=f"{receiver.url}/v1/trainings")
    )
    with pytest.raises(TryAgainLater):
        world.provider.find_training(order)


def test_a_list_that_does_not_end_is_no_proof(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicate_jobs, "MOST_PAGES", 4)
    urls = [f"{world.sandbox.url}/replicate/v1/trainings?cursor={name}" for name in "abcd"]
    for url in urls:
        world.rule("trainings", "status", status=200, body=page(following=url))
    with pytest.raises(TryAgainLater):
        world.provider.find_training(world.training_order())


def test_jobs_of_other_models_and_of_yesterday_hide_nothing(world: World) -> None:
    old = listed(created_at="2026-01-01T00:00:00.000Z", input={})
    jobs = [listed(model="somebody/else"), old]
    world.rule("trainings", "status", status=200, body=page(*jobs))
    assert world.provider.find_training(world.training_order()) is None


def test_an_order_without_its_input_is_known_by_its_result(world: World) -> None:
    order = world.training_order()
    ours = listed(id="ours", output={"version": f"sandbox/{order.name}:{'0' * 64}"})
    other = listed(output={"version": f"sandbox/lora-x:{'0' * 64}"})
    world.rule("trainings", "status", status=200, body=page(other, ours))
    assert world.provider.find_training(order) == "ours"


def test_a_new_version_of_the_destination_contradicts_an_empty_list(world: World) -> None:
    order = world.training_order()
    job_id = world.provider.submit_training(order)
    world.ended(world.provider.check_training, job_id)
    world.rule("trainings", "status", status=200, body=page())
    with pytest.raises(TryAgainLater):
        world.provider.find_training(order)
    assert world.provider.find_training(order) == job_id


@pytest.mark.parametrize(
    ("after", "became"),
    [
        ({"status": "canceled", "started_at": None}, Cancelled.NOT_BEGUN),
        ({"status": "aborted", "started_at": None}, Cancelled.NOT_BEGUN),
        ({"status": "canceled", "started_at": "2026-11-20T08:00:00Z"}, Cancelled.STOPPED),
        ({"status": "canceled"}, Cancelled.STOPPED),
        ({"status": "succeeded"}, Cancelled.OVER),
        ({"status": "failed"}, Cancelled.OVER),
        ({"status": "starting", "started_at": None}, Cancelled.RUNS_ON),
        ({"status": "new"}, Cancelled.RUNS_ON),
    ],
    ids=str,
)
@pytest.mark.parametrize("answer", [200, 409, 500])
def test_a_cancelled_job_is_judged_by_its_status_afterwards(
    world: World, after: dict[str, Any], became: Cancelled, answer: int
) -> None:
    world.rule("check", "status", status=200, body={"status": "processing"})
    world.rule("cancel", "status", status=answer)
    world.rule("check", "status", status=200, body=after)
    job_id = "a" * 26
    if answer == 409:
        with pytest.raises(TryAgainLater):
            world.provider.cancel_training(job_id)
    else:
        assert world.provider.cancel_training(job_id) is became


@pytest.mark.parametrize(
    ("size", "ratio", "megapixels", "got"),
    [
        ((1024, 1024), "1:1", "1", (1024, 1024)),
        ((512, 512), "1:1", "0.25", (512, 512)),
        ((768, 1024), "3:4", "1", (896, 1152)),
        ((576, 1024), "9:16", "1", (768, 1344)),
        ((1024, 576), "16:9", "1", (1344, 768)),
    ],
)
def test_sizes_become_the_nearest_format(
    world: World, size: tuple[int, int], ratio: str, megapixels: str, got: tuple[int, int]
) -> None:
    order = world.generation_order(images=1, width=size[0], height=size[1], image_format="png")
    job_id = world.provider.submit_generation(order)
    given = world.submissions(order)[0]["input"]
    assert (given["aspect_ratio"], given["megapixels"]) == (ratio, megapixels)
    answer = world.ended(world.provider.check_generation, job_id)
    assert isinstance(answer, Succeeded)
    assert [(image.width, image.height) for image in answer.result] == [got]


def test_the_generators_input_is_its_own(world: World) -> None:
    order = world.generation_order(scale=2.5, guidance=2.0, steps=8, safety_checker=False)
    world.provider.submit_generation(order)
    assert world.submissions(order)[0]["input"] == {
        "prompt": order.prompt,
        "lora_weights": "owner/model",
        "lora_scale": 2.5,
        "aspect_ratio": "1:1",
        "megapixels": "0.25",
        "num_outputs": 2,
        "num_inference_steps": 8,
        "guidance": 2.0,
        "seed": order.seed,
        "output_format": "jpg",
        "disable_safety_checker": True,
    }


def test_images_that_were_all_held_back_are_said(world: World) -> None:
    job_id = world.provider.submit_generation(world.generation_order(prompt="nsfw"))
    answer = world.ended(world.provider.check_generation, job_id)
    assert answer == Failed("The safety checker held all images back.")


def test_fewer_images_than_ordered_are_what_there_is(world: World) -> None:
    order = world.generation_order(images=4)
    job_id = world.provider.submit_generation(order)
    world.ended(world.provider.check_generation, job_id)
    urls = ["https://replicate.delivery/a.jpg", "https://replicate.delivery/b.jpg"]
    given = {"aspect_ratio": "1:1", "megapixels": "1", "seed": 5}
    body = {"status": "succeeded", "output": urls, "input": given}
    world.rule("result", "status", status=200, body=body)
    answer = world.provider.check_generation(job_id)
    assert isinstance(answer, Succeeded)
    assert [(image.url, image.seed) for image in answer.result] == [(url, 5) for url in urls]
