"""What is fal's own: its inputs, its odd answers, its memory of old jobs."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from loratrainer.outcomes import Failed, Pending, Succeeded, TryAgainLater
from providers import fal_queue
from providers.answers import words_of
from providers.base import Cancelled, Doubt
from tests.providers.conftest import World

ALIASES = ["fal"]
OTHER: dict[str, Any] = {
    "request_id": "other",
    "endpoint_id": "fal-ai/flux-lora-fast-training",
    "json_input": {"images_data_url": "https://lora.example/other.zip"},
}


def test_the_input_is_the_trainers_own(world: World) -> None:
    order = world.training_order(kind="product", settings={"masks": False, "unknown": 1})
    world.provider.submit_training(order)
    assert world.submissions(order)[0]["input"] == {
        "images_data_url": order.archive_url,
        "data_archive_format": "zip",
        "trigger_word": "TOK",
        "steps": 300,
        "is_style": False,
        "create_masks": False,
        "is_input_format_already_preprocessed": False,
    }


@pytest.mark.parametrize(
    ("kind", "style", "masks"), [("style", True, False), ("character", False, True)]
)
def test_a_style_has_no_masks(world: World, kind: str, style: bool, masks: bool) -> None:
    order = world.training_order(kind=kind)
    world.provider.submit_training(order)
    given = world.submissions(order)[0]["input"]
    assert (given["is_style"], given["create_masks"]) == (style, masks)


def test_only_what_fal_has_preprocessed_is_called_so(world: World) -> None:
    order = world.training_order(is_preprocessed=True)
    world.provider.submit_training(order)
    assert world.submissions(order)[0]["input"]["is_input_format_already_preprocessed"] is True


@pytest.mark.parametrize("answer", [{}, {"request_id": "../../x"}, {"request_id": 5}, []], ids=str)
def test_an_answer_without_a_usable_id_is_in_doubt(world: World, answer: Any) -> None:
    urls = dict.fromkeys(("response_url", "status_url", "cancel_url"), "http://127.0.0.1:1/")
    body = urls | answer if isinstance(answer, dict) else answer
    world.rule("training", "status", status=200, body=body)
    with pytest.raises(Doubt):
        world.provider.submit_training(world.training_order())


def test_the_place_in_the_queue_is_told(world: World) -> None:
    world.rule("training", "pace", queued=9, working=9)
    job_id = world.provider.submit_training(world.training_order())
    answer = world.provider.check_training(job_id)
    assert answer == Pending(note="Number 3 in the queue", position=2)


def test_a_queue_without_a_place_is_still_a_queue(world: World) -> None:
    world.rule("check", "status", status=202, body={"status": "IN_QUEUE"})
    assert world.provider.check_training("abc") == Pending(note="In the queue")


def test_the_runners_failure_is_in_the_words_of_its_fields(world: World) -> None:
    order = world.training_order(steps=20_000)
    answer = world.ended(world.provider.check_training, world.provider.submit_training(order))
    assert isinstance(answer, Failed)
    expected = "steps: Input should be less than or equal to 10000"
    assert answer.reason == f"fal.ai could not do it: {expected}"


def test_a_failure_of_fals_own_machines_is_a_failure(world: World) -> None:
    world.rule("training", "fail", status="runner_disconnected", message="Runner disconnected")
    job_id = world.provider.submit_training(world.training_order())
    answer = world.ended(world.provider.check_training, job_id)
    assert answer == Failed("fal.ai could not do it: Runner disconnected")


@pytest.mark.parametrize("do", ["reset", "garbage"])
def test_a_result_that_does_not_arrive_is_asked_for_again(world: World, do: str) -> None:
    job_id = world.provider.submit_training(world.training_order())
    world.ended(world.provider.check_training, job_id)
    world.rule("result", do)
    with pytest.raises(TryAgainLater):
        world.provider.check_training(job_id)
    for status in (401, 403, 429, 502):
        world.rule("result", "status", status=status, body="<html>nginx")
        with pytest.raises(TryAgainLater):
            world.provider.check_training(job_id)
    assert isinstance(world.provider.check_training(job_id), Succeeded)


@pytest.mark.parametrize(
    "output",
    [{}, {"diffusers_lora_file": None}, {"diffusers_lora_file": {"url": 5}}, {"images": []},
     {"images": [{"url": "https://x"}]}, {"images": "all"}],
    ids=str,
)  # fmt: skip
def test_a_result_of_another_shape_is_a_failure_in_words(
    world: World, output: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    training_id = world.provider.submit_training(world.training_order())
    batch_id = world.provider.submit_generation(world.generation_order())
    world.ended(world.provider.check_training, training_id)
    world.ended(world.provider.check_generation, batch_id)
    world.rule("result", "status", status=200, body=output, times=2)
    answers = world.provider.check_training(training_id), world.provider.check_generation(batch_id)
    assert answers == (
        Failed("fal.ai finished, but without weights that we can read."),
        Failed("fal.ai finished, but without images that we can read."),
    )
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


def test_weights_without_a_config_are_weights(world: World) -> None:
    job_id = world.provider.submit_training(world.training_order())
    world.ended(world.provider.check_training, job_id)
    body = {"diffusers_lora_file": {"url": "https://v3.fal.media/files/a.safetensors"}}
    world.rule("result", "status", status=200, body=body)
    answer = world.provider.check_training(job_id)
    assert isinstance(answer, Succeeded)
    assert answer.result.config is None


def test_a_result_that_the_queue_has_forgotten_is_taken_from_the_list(world: World) -> None:
    job_id = world.provider.submit_training(world.training_order())
    fresh = world.ended(world.provider.check_training, job_id)
    for forgotten in ("check", "result"):
        world.rule(forgotten, "status", status=404, body={"detail": "Request not found"})
        assert world.provider.check_training(job_id) == fresh


def test_a_failure_that_the_queue_has_forgotten_is_taken_from_the_list(world: World) -> None:
    world.rule("training", "fail", message="The GPU caught fire")
    job_id = world.provider.submit_training(world.training_order())
    fresh = world.ended(world.provider.check_training, job_id)
    world.rule("check", "status", status=404)
    assert world.provider.check_training(job_id) == fresh


def test_a_running_job_that_the_queue_denies_is_asked_for_again(world: World) -> None:
    world.rule("training", "pace", queued=0.0, working=9)
    job_id = world.provider.submit_training(world.training_order())
    world.rule("check", "status", status=404)
    with pytest.raises(TryAgainLater):
        world.provider.check_training(job_id)


def page(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"items": [*items], "next_cursor": None, "has_more": False} | more


def test_all_pages_of_the_list_are_read(world: World) -> None:
    order = world.training_order()
    job_id = world.provider.submit_training(order)
    first = page(OTHER, next_cursor="0", has_more=True)
    world.rule("trainings", "status", status=200, body=first)
    assert world.provider.find_training(order) == job_id


def test_a_list_that_does_not_end_is_no_proof(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fal_queue, "MOST_PAGES", 4)
    for cursor in "abcd":
        body = page(OTHER, next_cursor=cursor, has_more=True)
        world.rule("trainings", "status", status=200, body=body)
    with pytest.raises(TryAgainLater):
        world.provider.find_training(world.training_order())


@pytest.mark.parametrize(
    "body",
    [
        page(OTHER, has_more=True),
        page(OTHER, has_more=None),
        page(OTHER, next_cursor="1"),
        {"items": [OTHER]},
        {"items": None},
        page(OTHER | {"json_input": None}),
        page(OTHER | {"json_input": "gone"}),
    ],
    ids=str,
)
def test_a_list_that_is_not_complete_is_no_proof(world: World, body: dict[str, Any]) -> None:
    world.rule("trainings", "status", status=200, body=body, times=None)
    with pytest.raises(TryAgainLater):
        world.provider.find_training(world.training_order())


def test_a_found_order_counts_even_if_the_list_is_not_complete(world: World) -> None:
    order = world.training_order()
    ours = OTHER | {"request_id": "ours", "json_input": {"images_data_url": order.archive_url}}
    body = page(OTHER | {"json_input": None}, ours)
    world.rule("trainings", "status", status=200, body=body)
    assert world.provider.find_training(order) == "ours"


def test_a_complete_list_without_our_order_is_a_no(world: World) -> None:
    world.rule("trainings", "status", status=200, body=page(OTHER))
    assert world.provider.find_training(world.training_order()) is None


@pytest.mark.parametrize(
    ("before", "after", "became"),
    [
        ("IN_QUEUE", None, Cancelled.NOT_BEGUN),
        ("IN_QUEUE", {"status": "IN_QUEUE"}, Cancelled.NOT_BEGUN),
        ("IN_QUEUE", {"status": "IN_PROGRESS"}, Cancelled.RUNS_ON),
        ("IN_QUEUE", {"status": "COMPLETED"}, Cancelled.OVER),
        ("IN_QUEUE", {"status": "COMPLETED", "error": "Cancelled"}, Cancelled.NOT_BEGUN),
        ("IN_PROGRESS", None, Cancelled.STOPPED),
        ("IN_PROGRESS", {"status": "COMPLETED"}, Cancelled.OVER),
        ("IN_PROGRESS", {"status": "CANCELLING"}, Cancelled.RUNS_ON),
    ],
    ids=str,
)
def test_a_cancelled_job_is_judged_by_its_status_afterwards(
    world: World, before: str, after: dict[str, Any] | None, became: Cancelled
) -> None:
    world.rule("check", "status", status=202, body={"status": before})
    world.rule("cancel", "status", status=202, body={"status": "CANCELLATION_REQUESTED"})
    world.rule("check", "status", status=200 if after else 404, body=after or {})
    assert world.provider.cancel_training("abc") is became


def test_a_cancel_that_fails_is_done_again(world: World) -> None:
    world.rule("training", "pace", queued=9, working=9)
    job_id = world.provider.submit_training(world.training_order())
    for fault in ({"do": "status", "status": 500}, {"do": "reset"}):
        world.rule("cancel", **fault)
        with pytest.raises(TryAgainLater):
            world.provider.cancel_training(job_id)
    assert world.provider.cancel_training(job_id) is Cancelled.NOT_BEGUN


def test_filtered_images_are_marked(world: World) -> None:
    job_id = world.provider.submit_generation(world.generation_order(prompt="nsfw"))
    answer = world.ended(world.provider.check_generation, job_id)
    assert isinstance(answer, Succeeded)
    assert [image.is_filtered for image in answer.result] == [True, True]


def test_fewer_images_than_ordered_are_what_there_is(world: World) -> None:
    job_id = world.provider.submit_generation(world.generation_order())
    world.ended(world.provider.check_generation, job_id)
    images = [{"url": f"https://v3.fal.media/{n}.jpg", "width": 512, "height": 512} for n in "ab"]
    body = {"images": images, "seed": 7, "has_nsfw_concepts": [False, True]}
    world.rule("result", "status", status=200, body=body)
    answer = world.provider.check_generation(job_id)
    assert isinstance(answer, Succeeded)
    assert [(image.seed, image.is_filtered) for image in answer.result] == [(7, False), (7, True)]


def test_the_generators_input_is_its_own(world: World) -> None:
    order = world.generation_order(
        images=1, scale=4.0, width=576, height=1024, steps=8, guidance=2.0, image_format="png",
        safety_checker=False,
    )  # fmt: skip
    world.provider.submit_generation(order)
    assert world.submissions(order)[0]["input"] == {
        "prompt": order.prompt,
        "loras": [{"path": "owner/model", "scale": 4.0}],
        "image_size": {"width": 576, "height": 1024},
        "num_images": 1,
        "num_inference_steps": 8,
        "guidance_scale": 2.0,
        "seed": order.seed,
        "enable_safety_checker": False,
        "output_format": "png",
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "Runner  disconnected\n"}, "Runner disconnected"),
        ({"detail": [{"loc": ["body", "loras", 0, "path"], "msg": "Bad"}]}, "loras.0.path: Bad"),
        ({"detail": [{"loc": ["body"], "msg": "Bad"}, {"msg": "Worse"}]}, "Bad; Worse"),
        ({"error": {"type": "x", "message": "Unexpected"}}, "Unexpected"),
        ({"error": "Gone"}, "Gone"),
        ({"detail": []}, "no reason given"),
        ({"detail": {"a": 1}}, "no reason given"),
        (None, "no reason given"),
        ({"detail": "GET https://s.example/a?X-Sig=abc failed"}, "GET https://s.example/a failed"),
        ({"detail": "\x1b[31mred\x00"}, "[31mred"),
        ({"detail": "x" * 999}, "x" * 299 + "…"),
    ],
    ids=str,
)  # fmt: skip
def test_errors_are_made_readable(world: World, body: Any, words: str) -> None:
    assert words_of(body) == words
