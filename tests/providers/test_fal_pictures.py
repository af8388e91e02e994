"""fal's captions and cut-outs: ordered once, and every answer sorted."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from PIL import Image

from loratrainer.outcomes import Failed, GiveUp, Outcome, Pending, Succeeded, TryAgainLater
from providers import get_retoucher
from providers.base import Doubt
from providers.fal_pictures import ENDPOINTS, FalRetoucher
from providers.retoucher import Touch
from tests.datasets.photographs import jpeg
from tests.sandbox.conftest import eventually
from tests.sandbox_process import SandboxProcess

TOUCHES: list[Touch] = ["caption", "cutout"]


@pytest.fixture
def fal(sandbox: SandboxProcess) -> Iterator[FalRetoucher]:
    sandbox.clear_script()
    yield FalRetoucher(key="tests:secret", url=f"{sandbox.url}/fal")
    sandbox.clear_script()


@pytest.fixture
def url(fal: FalRetoucher) -> str:
    return fal.upload(jpeg(1, (320, 240)), suffix="jpg")


@pytest.fixture
def ended(fal: FalRetoucher) -> Callable[[Touch, str], Outcome[str]]:
    def ended(touch: Touch, job_id: str) -> Outcome[str]:
        answers: list[Outcome[str]] = []

        def is_over() -> bool:
            answers.append(fal.check(touch, job_id))
            return not isinstance(answers[-1], Pending)

        eventually(is_over)
        return answers[-1]

    return ended


def submit_path(touch: Touch) -> dict[str, str]:
    return {"path": f"/fal/queue/{ENDPOINTS[touch]}", "method": "POST"}


def test_a_picture_is_uploaded_as_what_it_is(url):
    answer = httpx.get(url)
    assert answer.content == jpeg(1, (320, 240))
    assert answer.headers["Content-Type"] == "image/jpeg"


def test_a_caption_is_a_text(fal, url, ended):
    answer = ended("caption", fal.submit("caption", url))
    assert isinstance(answer, Succeeded)
    assert answer.result.startswith("Simulated caption: ")


def test_a_cutout_is_a_picture_of_the_same_size_that_one_sees_through(fal, url, ended):
    answer = ended("cutout", fal.submit("cutout", url))
    assert isinstance(answer, Succeeded)
    image = Image.open(io.BytesIO(httpx.get(answer.result).content))
    assert (image.size, image.mode) == ((320, 240), "RGBA")


@pytest.mark.parametrize("touch", TOUCHES)
def test_an_order_is_one_submission_with_the_address(fal, sandbox, url, touch):
    before = len(sandbox.journal())
    job_id = fal.submit(touch, url)
    [entry] = sandbox.journal()[before:]
    assert (entry["request_id"], entry["input"]) == (job_id, {"image_url": url})


@pytest.mark.parametrize("do", ["accept_then_500", "accept_then_reset", "garbage", "cut"])
def test_an_order_whose_answer_is_lost_is_in_doubt_and_sent_once(fal, sandbox, url, do):
    sandbox.script({"match": submit_path("caption"), "do": do})
    before = len(sandbox.journal())
    with pytest.raises(Doubt):
        fal.submit("caption", url)
    assert len(sandbox.journal()) == before + 1


@pytest.mark.parametrize(("status", "raised"), [(422, GiveUp), (403, GiveUp), (429, TryAgainLater)])
def test_what_is_refused_was_surely_not_ordered(fal, sandbox, url, status, raised):
    sandbox.script({"match": submit_path("cutout"), "do": "status", "status": status})
    before = len(sandbox.journal())
    with pytest.raises(raised):
        fal.submit("cutout", url)
    assert len(sandbox.journal()) == before


def test_a_picture_that_cannot_be_read_fails_in_words(fal, ended):
    url = fal.upload(b"text", suffix="png")
    answer = ended("cutout", fal.submit("cutout", url))
    assert answer == Failed("fal.ai could not do it: image_url: The picture cannot be read")


@pytest.mark.parametrize(
    ("touch", "body", "words"),
    [
        ("caption", {"results": ""}, "fal.ai found no words for this image."),
        ("caption", {"results": ["a jar"]}, "fal.ai found no words for this image."),
        ("cutout", {"image": None}, "fal.ai finished, but without an image that we can read."),
        ("cutout", {}, "fal.ai finished, but without an image that we can read."),
    ],
)
def test_a_result_of_another_shape_is_a_failure(fal, sandbox, url, ended, touch, body, words):
    job_id = fal.submit(touch, url)
    path = "/".join(ENDPOINTS[touch].split("/")[:2])
    match = {"path": f"/fal/queue/{path}/requests/{job_id}", "method": "GET"}
    sandbox.script({"match": match, "do": "status", "status": 200, "body": body})
    assert ended(touch, job_id) == Failed(words)


@pytest.mark.parametrize("touch", TOUCHES)
def test_a_service_that_does_not_answer_is_asked_again(fal, sandbox, url, touch):
    job_id = fal.submit(touch, url)
    sandbox.script({"match": {"path": "/fal/queue/*/status"}, "do": "reset"})
    with pytest.raises(TryAgainLater):
        fal.check(touch, job_id)


def test_an_upload_that_fails_says_whether_to_try_again(fal, sandbox):
    rule: dict[str, Any] = {"match": {"path": "/fal/*/upload*"}, "do": "status", "times": None}
    # fal's SDK leaves the connection of an upload open, unless the server closes it.
    sandbox.script(rule | {"status": 503, "headers": {"Connection": "close"}})
    with pytest.raises(TryAgainLater):
        fal.upload(jpeg(), suffix="jpg")


def test_retouchers_are_made_once_and_missed_by_name():
    entry = {"BACKEND": "providers.fal_pictures.FalRetoucher", "OPTIONS": {"key": "k"}}
    with override_settings(RETOUCHERS={"fal": entry}):
        assert get_retoucher("fal") is get_retoucher("fal")
        with pytest.raises(ImproperlyConfigured, match="RETOUCHERS has no entry 'other'"):
            get_retoucher("other")
