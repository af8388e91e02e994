"""What is sent, what the rules are, and what it costs in ETH."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from loratrainer.outcomes import TryAgainLater
from payments.rates import Rate
from tests.factories import create_dataset, create_picture
from trainings import views
from trainings.drafts import Draft

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def request_in(page: str) -> dict[str, Any]:
    (text,) = re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    found: dict[str, Any] = json.loads(unescape(text))
    return found


def draft_of(wallet, **typed: str) -> Draft:
    dataset = create_dataset(wallet=wallet, pictures=0)
    create_picture(dataset=dataset, position=0, caption="a round red jar.")
    create_picture(dataset=dataset, position=1, caption="KILNGLZ, a blue bottle")
    create_picture(dataset=dataset, position=2, chosen=False, caption="not chosen")
    create_picture(dataset=dataset, position=3)
    draft = Draft(dataset=dataset)
    draft.keep({"trigger_word": "KILNGLZ", "kind": "style"} | typed)
    return draft


def test_each_caption_is_shown_as_the_trainer_gets_it(as_alice, alice):
    draft_of(alice)
    page = as_alice.get("/draft/preview").content.decode()
    captions = re.findall(r"</div><p>(.*?)</p></li>", page)
    assert captions == [
        "a round red jar in the style of KILNGLZ",
        "KILNGLZ, a blue bottle",
        "KILNGLZ",
    ]
    assert re.findall(r"00\d\.\w+", page) == [
        *("001.jpg", "001.txt", "002.jpg", "002.txt", "003.jpg", "003.txt"),
    ]


@pytest.mark.parametrize(
    ("provider", "model", "given"),
    [
        (
            "fal",
            "fal-ai/flux-lora-fast-training",
            {"trigger_word": "KILNGLZ", "steps": 700},
        ),
        (
            "replicate",
            "ostris/flux-dev-lora-trainer",
            {"trigger_word": "KILNGLZ", "steps": 700, "lora_rank": 32},
        ),
        (
            "replicate-fast",
            "replicate/fast-flux-trainer",
            {"trigger_word": "KILNGLZ", "training_steps": 700, "lora_type": "style"},
        ),
    ],
)
def test_the_request_is_the_one_that_the_adapter_writes(as_alice, alice, provider, model, given):
    draft_of(alice, provider=provider, training_steps="700", **{"replicate-rank": "32"})
    page = as_alice.get("/draft/preview", headers=HTMX).content.decode()
    assert page.strip().startswith("<dialog")
    assert model in page
    assert given.items() <= request_in(page).items()
    assert "sandbox" not in json.dumps(request_in(page))


def test_what_is_wrong_yet_does_not_break_the_preview(as_alice, alice):
    draft_of(alice, trigger_word="", training_steps="many", provider="replicate")
    assert request_in(as_alice.get("/draft/preview").content.decode())["steps"] == 1000


def test_a_stranger_sees_only_their_own(as_bob, alice):
    draft_of(alice)
    page = as_bob.get("/draft/preview").content.decode()
    assert "No images are chosen yet." in page
    assert "KILNGLZ" not in page


def test_the_rules_are_a_page_and_a_dialog_and_the_same_for_everybody(client, settings):
    settings.PICTURES_MIN, settings.PICTURES_MAX = 5, 9
    response = client.get("/rules")
    assert "5 to 9 of them" in response.content.decode()
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert not response.cookies
    dialog = Client().get("/rules", headers=HTMX).content.decode()
    assert dialog.strip().startswith("<dialog")
    assert "in the style of KILNGLZ" in dialog


def price_with(client, monkeypatch, answer: Any) -> Any:
    def asked(self: Any, now: Any) -> Rate:
        asks.append(now)
        if isinstance(answer, Exception):
            raise answer
        return answer

    asks: list[Any] = []
    monkeypatch.setattr(views.Chain, "__enter__", lambda self: self)
    monkeypatch.setattr(views.Chain, "__exit__", lambda self, *exc: None)
    monkeypatch.setattr(views.Chain, "price", asked)
    responses = [client.get("/price?cents=400") for _ in range(3)]
    assert len(asks) == 1
    return responses[-1]


def test_the_price_in_eth_is_asked_for_once_in_a_while(client, monkeypatch):
    response = price_with(client, monkeypatch, Rate(3400 * 10**8, 8, 1, timezone.now()))
    assert response.content.decode() == "about 0.00118 ETH on Base"
    assert response.headers["Cache-Control"] == "public, max-age=60"


def test_without_a_price_the_page_does_without(client, monkeypatch):
    response = price_with(client, monkeypatch, TryAgainLater("away"))
    assert response.status_code == 200
    assert response.content.decode() == "in ETH on Base"


@pytest.mark.parametrize("cents", ["", "0", "-1", "many", "1e3", "100001", "9" * 999])
def test_a_price_of_nonsense_is_refused(client, cents):
    assert client.get("/price", {"cents": cents}).status_code == 422
