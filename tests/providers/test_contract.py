"""What every provider must do, asked of each alias, with the sandbox as the other side."""

from __future__ import annotations

import io
import logging
import tarfile
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from safetensors.numpy import load

from loratrainer.outcomes import Failed, GiveUp, Pending, Succeeded, TryAgainLater
from providers import sdk
from providers.answers import ACCOUNT_WORDS
from providers.base import AppliedLora, Cancelled, Doubt, RemoteFile
from tests.processes import free_port
from tests.providers.conftest import World, made
from tests.sandbox.conftest import eventually

TAKEN = ["accept_then_500", "accept_then_reset", "garbage", "cut"]
"""The order is taken, and its answer lost."""
NOT_TAKEN: list[dict[str, Any]] = [
    {"do": "reset"},
    *({"do": "status", "status": status} for status in (408, 409, 500, 502, 503, 504)),
]
"""The order is not taken, which the answer does not prove."""
UNREACHABLE = "http://127.0.0.1:{}"
SILENT: list[dict[str, Any]] = [
    {"do": "reset"},
    {"do": "garbage"},
    {"do": "cut"},
    *({"do": "status", "status": status} for status in (401, 403, 404, 429, 500, 503)),
    {"do": "status", "status": 200, "body": []},
]
"""Answers to a question that say nothing about what was asked."""


def content(file: RemoteFile) -> bytes:
    data = httpx.get(file.url).content
    if not file.inside:
        return data
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        member = next(name for name in tar.getnames() if name.endswith(file.inside))
        extracted = tar.extractfile(member)
        assert extracted is not None
        return extracted.read()


def test_an_order_becomes_a_lora(world: World) -> None:
    order = world.training_order(archive_url=world.provider.upload_archive(world.archive))
    job_id = world.provider.submit_training(order)
    answer = world.ended(world.provider.check_training, job_id)
    assert isinstance(answer, Succeeded)
    lora = answer.result
    assert all("lora" in name for name in load(content(lora.weights)))
    assert lora.config is not None
    assert b"300" in content(lora.config)
    assert lora.trainer.startswith(world.provider.model)
    assert (lora.ran_in is not None) == (world.provider.service == "Replicate")
    assert [entry["request_id"] for entry in world.submissions(order)] == [job_id]


def test_an_order_can_have_a_webhook_and_need_not(world: World) -> None:
    orders = [world.training_order(), world.training_order(webhook_url="http://127.0.0.1:1/hook")]
    for order in orders:
        world.provider.submit_training(order)
    urls = [world.submissions(order)[0]["webhook_url"] for order in orders]
    assert urls == ["", "http://127.0.0.1:1/hook"]


def test_a_refused_order_says_why_in_the_words_of_the_provider(world: World) -> None:
    order = world.training_order()
    world.rule("training", "status", status=422, body=world.refusal)
    with pytest.raises(GiveUp, match=r"steps: Too many$"):
        world.provider.submit_training(order)
    assert world.submissions(order) == []


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_account_is_our_trouble_and_not_the_persons(
    world: World, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    order = world.training_order()
    body = {"detail": "User is locked. Reason: Exhausted balance."}
    world.rule("training", "status", status=status, body=body)
    with pytest.raises(GiveUp) as error:
        world.provider.submit_training(order)
    assert str(error.value) == ACCOUNT_WORDS
    assert [record.levelno for record in caplog.records][-1] == logging.CRITICAL
    assert "Exhausted balance" in caplog.text


def test_a_key_that_is_not_ours_is_noticed(world: World) -> None:
    order = world.training_order()
    stranger = made(world.alias, world.sandbox.url, key="bad")
    with pytest.raises((GiveUp, TryAgainLater), match="We have been told"):
        stranger.submit_training(order)
    assert world.submissions(order) == []


def test_an_order_that_was_never_sent_can_be_sent_again(world: World) -> None:
    order = world.training_order()
    away = made(world.alias, UNREACHABLE.format(free_port()))
    with pytest.raises(TryAgainLater):
        away.submit_training(order)
    with pytest.raises(TryAgainLater):
        away.submit_generation(world.generation_order())
    world.rule("training", "status", status=429)
    with pytest.raises(TryAgainLater):
        world.provider.submit_training(order)
    assert world.submissions(order) == []


@pytest.mark.parametrize("do", TAKEN)
def test_an_order_whose_answer_is_lost_is_in_doubt_and_found(world: World, do: str) -> None:
    order = world.training_order()
    world.rule("training", do)
    with pytest.raises(Doubt):
        world.provider.submit_training(order)
    [taken] = world.submissions(order)
    assert world.provider.find_training(order) == taken["request_id"]


@pytest.mark.parametrize("rule", NOT_TAKEN, ids=str)
def test_an_order_that_was_lost_itself_is_in_doubt_and_not_found(
    world: World, rule: dict[str, Any]
) -> None:
    order = world.training_order()
    world.rule("training", **rule)
    with pytest.raises(Doubt):
        world.provider.submit_training(order)
    assert world.submissions(order) == []
    assert world.provider.find_training(order) is None


def test_an_order_whose_answer_takes_too_long_is_in_doubt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = world.training_order()
    monkeypatch.setattr(sdk, "TIMEOUT", httpx.Timeout(1.0))
    world.rule("training", "delay", seconds=20, after=True)
    impatient = made(world.alias, world.sandbox.url, key="impatient")
    with pytest.raises(Doubt):
        impatient.submit_training(order)
    assert len(world.submissions(order)) == 1


def test_an_order_is_not_found_before_the_list_shows_it(world: World) -> None:
    order = world.training_order()
    world.rule("training", "pace", queued=0.1, working=5)
    world.rule("training", "hide_from_list", seconds=1.0)
    world.rule("training", "accept_then_reset")
    with pytest.raises(Doubt):
        world.provider.submit_training(order)
    assert world.provider.find_training(order) is None
    eventually(lambda: world.provider.find_training(order) is not None)
    [taken] = world.submissions(order)
    assert world.provider.find_training(order) == taken["request_id"]


def test_an_order_of_another_is_not_found(world: World) -> None:
    ours, other = world.training_order(), world.training_order()
    world.provider.submit_training(other)
    assert world.provider.find_training(ours) is None


def test_the_look_up_goes_back_five_minutes_and_no_further(world: World) -> None:
    order = world.training_order()
    job_id = world.provider.submit_training(order)
    little, much = timedelta(minutes=4), timedelta(minutes=6)
    found = world.provider.find_training(replace(order, sent_at=order.sent_at + little))
    assert found == job_id
    late = replace(order, name="lora-late", sent_at=order.sent_at + much)
    assert world.provider.find_training(late) is None


@pytest.mark.parametrize("rule", SILENT, ids=str)
def test_a_list_that_fails_is_no_proof(world: World, rule: dict[str, Any]) -> None:
    world.rule("trainings", **rule)
    with pytest.raises(TryAgainLater):
        world.provider.find_training(world.training_order())
    world.rule("generations", **rule)
    with pytest.raises(TryAgainLater):
        world.provider.find_generation(world.generation_order())


def test_a_training_tells_how_far_it_is(world: World) -> None:
    order = world.training_order()
    world.rule("training", "pace", queued=0.4, working=1.2)
    job_id = world.provider.submit_training(order)
    seen = world.watched(world.provider.check_training, job_id)
    waiting = [answer for answer in seen if isinstance(answer, Pending)]
    assert waiting[0].note
    assert waiting[0].percent is None
    percents = [answer.percent for answer in waiting if answer.percent is not None]
    assert percents == sorted(percents)
    assert len(set(percents)) > 3
    assert all(0 <= percent <= 100 for percent in percents)
    logs = [answer.log for answer in waiting]
    assert all(later[: len(log)] == log for log, later in pairwise(logs))
    assert any("300" in line for line in logs[-1])


def test_a_training_that_fails_says_why(world: World) -> None:
    world.rule("training", "fail", message="The GPU caught fire")
    job_id = world.provider.submit_training(world.training_order())
    answer = world.ended(world.provider.check_training, job_id)
    assert isinstance(answer, Failed)
    assert answer.reason.endswith("could not do it: The GPU caught fire")


def test_a_training_on_an_archive_that_cannot_be_read_says_so(world: World) -> None:
    order = world.training_order(
        archive_url=f"{world.sandbox.url}/sandbox/journal?signature=secret"
    )
    job_id = world.provider.submit_training(order)
    answer = world.ended(world.provider.check_training, job_id)
    assert isinstance(answer, Failed)
    assert "not a readable ZIP archive" in answer.reason


@pytest.mark.parametrize("rule", SILENT, ids=str)
def test_a_question_without_an_answer_is_asked_again(world: World, rule: dict[str, Any]) -> None:
    world.rule("training", "pace", queued=0.0, working=9)
    job_id = world.provider.submit_training(world.training_order())
    world.rule("check", **rule)
    with pytest.raises(TryAgainLater):
        world.provider.check_training(job_id)
    assert isinstance(world.provider.check_training(job_id), Pending)


def test_a_provider_that_is_away_is_asked_again(world: World) -> None:
    away = made(world.alias, UNREACHABLE.format(free_port()))
    with pytest.raises(TryAgainLater):
        away.check_training("abc")
    with pytest.raises(TryAgainLater):
        away.find_training(world.training_order())
    with pytest.raises(TryAgainLater):
        away.cancel_training("abc")
    with pytest.raises(TryAgainLater):
        away.upload_archive(world.archive)


def test_a_job_that_the_provider_does_not_know_is_asked_again(world: World) -> None:
    job_id = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(TryAgainLater):
        world.provider.check_training(job_id)
    with pytest.raises(TryAgainLater):
        world.provider.check_generation(job_id)
    with pytest.raises(TryAgainLater):
        world.provider.cancel_training(job_id)


def test_a_status_that_nobody_knows_is_said_and_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = world.provider.submit_training(world.training_order())
    world.rule("check", "status", status=200, body={"status": "PAUSED", "logs": None})
    answer = world.provider.check_training(job_id)
    assert isinstance(answer, Pending)
    assert "PAUSED" in answer.note
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_training_that_waits_is_cancelled_for_nothing(world: World) -> None:
    world.rule("training", "pace", queued=9, working=9)
    job_id = world.provider.submit_training(world.training_order())
    assert world.provider.cancel_training(job_id) is Cancelled.NOT_BEGUN
    assert isinstance(world.provider.check_training(job_id), Failed)


def test_a_training_that_runs_is_stopped(world: World) -> None:
    world.rule("training", "never_finish")
    world.rule("training", "pace", queued=0.0, working=9)
    job_id = world.provider.submit_training(world.training_order())
    assert world.provider.cancel_training(job_id) is Cancelled.STOPPED
    assert isinstance(world.provider.check_training(job_id), Failed)
    assert world.provider.cancel_training(job_id) is Cancelled.OVER


def test_a_training_that_is_over_stays_as_it_is(world: World) -> None:
    job_id = world.provider.submit_training(world.training_order())
    before = world.ended(world.provider.check_training, job_id)
    assert world.provider.cancel_training(job_id) is Cancelled.OVER
    assert world.provider.check_training(job_id) == before


def test_a_training_that_does_not_heed_the_cancel_runs_on(world: World) -> None:
    world.rule("training", "pace", queued=0.0, working=9)
    job_id = world.provider.submit_training(world.training_order())
    world.rule("cancel", "status", status=202, body={"status": "CANCELLATION_REQUESTED"})
    assert world.provider.cancel_training(job_id) is Cancelled.RUNS_ON
    assert isinstance(world.provider.check_training(job_id), Pending)


def test_every_upload_has_an_address_of_its_own(world: World) -> None:
    urls = {world.provider.upload_archive(world.archive) for _ in range(2)}
    assert len(urls) == 2


def test_an_upload_that_fails_is_done_again_or_given_up(world: World) -> None:
    # fal's SDK leaves the connection of an upload open, unless the server closes it.
    answer: dict[str, Any] = {"times": None, "headers": {"Connection": "close"}}
    world.rule("upload", "status", status=503, **answer)
    with pytest.raises(TryAgainLater):
        world.provider.upload_archive(world.archive)
    world.sandbox.clear_script()
    world.rule("upload", "status", status=413, body={"detail": "It is too large"}, **answer)
    with pytest.raises(GiveUp, match="It is too large"):
        world.provider.upload_archive(world.archive)


def test_images_come_in_the_size_and_with_the_seed_that_were_ordered(world: World) -> None:
    order = world.generation_order(images=4, width=1024, height=1024)
    job_id = world.provider.submit_generation(order)
    answer = world.ended(world.provider.check_generation, job_id)
    assert isinstance(answer, Succeeded)
    images = answer.result
    assert {(image.width, image.height, image.seed) for image in images} == {
        (1024, 1024, order.seed)
    }
    assert len({image.url for image in images}) == 4
    assert not any(image.is_filtered for image in images)
    assert httpx.get(images[0].url).content.startswith(b"\xff\xd8\xff")
    assert len(world.submissions(order)) == 1


@pytest.mark.parametrize("do", TAKEN)
def test_a_batch_whose_answer_is_lost_is_in_doubt_and_found(world: World, do: str) -> None:
    order = world.generation_order()
    world.rule("generation", do)
    with pytest.raises(Doubt):
        world.provider.submit_generation(order)
    [taken] = world.submissions(order)
    assert world.provider.find_generation(order) == taken["request_id"]


def test_a_batch_is_told_from_others_by_its_seed_and_prompt(world: World) -> None:
    order = world.generation_order()
    world.provider.submit_generation(order)
    assert world.provider.find_generation(replace(order, seed=order.seed + 10**6)) is None
    assert world.provider.find_generation(replace(order, prompt="TOK at home")) is None
    weights_url = "https://lora.example/other.safetensors"
    assert world.provider.find_generation(replace(order, weights_url=weights_url)) is None


def test_a_batch_is_told_from_one_with_other_loras_or_strengths(world: World) -> None:
    assert world.provider.most_loras >= 2
    alone = world.generation_order()
    lora = AppliedLora(weights_url="owner/other", scale=0.5)
    both = replace(alone, added=(lora,))
    job_id = world.provider.submit_generation(both)
    assert world.provider.find_generation(both) == job_id
    assert world.provider.find_generation(alone) is None
    for other in (replace(lora, scale=0.6), replace(lora, weights_url="owner/third")):
        assert world.provider.find_generation(replace(alone, added=(other,))) is None
    own = world.provider.submit_generation(alone)
    assert world.provider.find_generation(alone) == own
    assert world.provider.find_generation(both) == job_id


def test_of_two_equal_batches_each_is_found_once(world: World) -> None:
    order = world.generation_order()
    job_ids = {world.provider.submit_generation(order) for _ in range(2)}
    first = world.provider.find_generation(order)
    assert first in job_ids
    second = world.provider.find_generation(order, taken={first})
    assert {first, second} == job_ids
    assert world.provider.find_generation(order, taken=job_ids) is None


def test_a_batch_that_fails_says_why(world: World) -> None:
    world.rule("generation", "fail", message="The GPU caught fire")
    job_id = world.provider.submit_generation(world.generation_order())
    answer = world.ended(world.provider.check_generation, job_id)
    assert isinstance(answer, Failed)
    assert answer.reason.endswith("could not do it: The GPU caught fire")


def test_a_provider_has_the_facts_that_a_page_needs(world: World) -> None:
    provider = world.provider
    assert provider.title
    assert provider.about
    assert provider.cost
    assert provider.fewest_steps <= 100 < 2000 <= provider.most_steps
    assert provider.fewest_pictures <= provider.advised_pictures
    assert timedelta(0) < provider.usual_in
    for setting in provider.settings:
        assert setting.help
        if setting.choices:
            assert setting.default in [value for value, _ in setting.choices]
        if setting.minimum is not None:
            assert setting.maximum is not None
            assert setting.minimum <= float(setting.default) <= setting.maximum
