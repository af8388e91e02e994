"""/generations: what I asked for, and everything that can be done with it again."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db.models.functions import Now

from generations.models import Favourite, Generation, ReportCard
from tests.factories import create_generation, create_training
from trainings.models import Training
from wallets.models import Wallet

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


def asked(wallet: Wallet, lora: Training, prompt: str, *, images: int = 0, **fields) -> Generation:
    fields |= {"prompt": prompt, "full_prompt": f"{prompt} in the style of KILNGLZ"}
    return create_generation(training=lora, wallet=wallet, images=images, **fields)


def prompts(response) -> list[str]:
    return [batch["prompt"] for batch in response.context["batches"]]


def test_mine_the_newest_first_and_each_once(as_alice, alice, lora):
    create_generation(training=lora, prompt="somebody else's")
    for number in range(25):
        asked(alice, lora, f"number {number}")
    # Many at the same moment: then their ids decide.
    Generation.objects.filter(prompt__in=["number 10", "number 11", "number 12"]).update(
        created_at=Generation.objects.get(prompt="number 13").created_at
    )
    seen, before = [], ""
    while before is not None:
        response = as_alice.get("/generations", {"before": before} if before else {})
        seen += prompts(response)
        before = response.context["last"]
    assert sorted(seen) == sorted(f"number {number}" for number in range(25))
    assert seen[0] == "number 24"


def test_older_ones_come_as_a_fragment(as_alice, alice, lora):
    for number in range(13):
        asked(alice, lora, f"number {number}")
    first = as_alice.get("/generations", {"q": "number"})
    last = first.context["last"]
    assert f'href="?q=number&amp;before={last}"'.encode() in first.content
    body = as_alice.get("/generations", {"q": "number", "before": last}, headers=HTMX).content
    assert body.lstrip().startswith(b"<li>")
    assert b"number 0" in body


def test_prompts_are_searched_as_they_stand(as_alice, alice, lora):
    for prompt in ("100% teal", "1000 teal jars", "a TEAL_vase", "a tealxvase"):
        asked(alice, lora, prompt)

    def found(q: str) -> set[str]:
        return set(prompts(as_alice.get("/generations", {"q": q})))

    assert found("teal_") == {"a TEAL_vase"}
    assert found("100%") == {"100% teal"}
    assert found("  teal  ") == {"100% teal", "1000 teal jars", "a TEAL_vase", "a tealxvase"}
    assert found("nothing like it") == set()
    assert b"Nothing found." in as_alice.get("/generations", {"q": "<b>'\""}).content
    assert len(found("\0")) == 4


def test_favourites_only(as_alice, alice, lora):
    liked = asked(alice, lora, "liked", images=4)
    asked(alice, lora, "other", images=4)
    image = liked.images.get(number=2)
    Favourite.objects.create(wallet=alice, image=image)
    Favourite.objects.create(wallet=lora.wallet, image=image)
    response = as_alice.get("/generations", {"favourites": "1"})
    assert prompts(response) == ["liked"]
    (batch,) = response.context["batches"]
    assert [image["is_favourite"] for image in batch["images"]] == [False, True, False, False]


def test_a_favourite_is_found_again_whoever_asked_for_it(as_alice, alice, lora):
    prompt = {"prompt": "their jar", "full_prompt": "their jar in the style of KILNGLZ"}
    theirs = create_generation(training=lora, images=2, **prompt)
    prompt = {"prompt": "a cell", "full_prompt": "a cell in the style of KILNGLZ"}
    card = create_generation(training=lora, images=1, **prompt)
    Generation.objects.filter(pk=card.pk).update(report_card=ReportCard.begin(lora.pk))
    for image in (*theirs.images.all(), *card.images.all()):
        Favourite.objects.create(wallet=alice, image=image)
    response = as_alice.get("/generations", {"favourites": "1"})
    assert prompts(response) == ["a cell", "their jar"]
    body = response.content.decode()
    assert f'href="/loras/{lora.pk}/report"' in body
    assert f"/generations/{card.pk}" not in body
    for image in theirs.images.all():
        assert f"/images/{image.pk}/delete" not in body
        assert f"/images/{image.pk}/hide" not in body
    assert [part["images"] for part in response.context["zips"]] == [3]
    older = as_alice.get("/generations", {"favourites": "1", "before": card.pk})
    assert prompts(older) == ["their jar"]
    assert prompts(as_alice.get("/generations")) == []

    hidden = theirs.images.all()[0]
    hidden.hide(by=theirs.wallet)
    response = as_alice.get("/generations", {"favourites": "1"})
    assert str(hidden.pk) not in response.content.decode()
    assert [part["images"] for part in response.context["zips"]] == [2]
    lora.make_private()
    assert prompts(as_alice.get("/generations", {"favourites": "1"})) == []
    gone = {"favourites": "1", "before": theirs.pk}
    assert as_alice.get("/generations", gone).status_code == 404


def test_each_can_be_asked_for_again(as_alice, alice, lora):
    create_generation(
        training=lora, wallet=alice, prompt="a & b", seed=7, scale=2.5, width=640, height=512
    )
    (batch,) = as_alice.get("/generations").context["batches"]
    assert batch["reuse_url"] == f"/loras/{lora.pk}/generate?prompt=a+%26+b"
    assert batch["reuse_seed_url"].endswith("?prompt=a+%26+b&seed=7")
    body = as_alice.get(batch["reuse_all_url"]).content.decode()
    assert "a &amp; b</textarea>" in body
    assert 'value="2.5"' in body
    assert "640 \N{MULTIPLICATION SIGN} 512" in body
    assert 'name="seed" value="7"' in body


def test_what_is_on_its_way_and_what_failed_are_there_too(as_alice, alice, lora):
    create_generation(training=lora, wallet=alice, status="generating")
    create_generation(training=lora, wallet=alice, status="failed", error="fal.ai refused.")
    body = as_alice.get("/generations").content.decode()
    assert "On its way" in body
    assert "fal.ai refused." in body


@pytest.mark.parametrize(
    "gone", [{"hidden_at": Now()}, {"deleted_at": Now()}, {"is_private": True}]
)
def test_what_its_owner_took_away_is_away(as_alice, alice, lora, gone):
    create_generation(training=lora, wallet=alice)
    Training.objects.filter(pk=lora.pk).update(**gone)
    assert prompts(as_alice.get("/generations")) == []


@pytest.mark.parametrize("before", ["nonsense", str(UUID(int=7)), "\0", "' or 1=1"])
def test_a_place_that_was_never_given_out_is_not_there(as_alice, before):
    assert as_alice.get("/generations", {"before": before}).status_code == 404


def test_somebody_elses_batch_is_no_place_of_mine(as_alice, lora):
    batch = create_generation(training=lora)
    assert as_alice.get("/generations", {"before": batch.pk}).status_code == 404


def test_nobody_is_asked_to_connect(client):
    assert client.get("/generations")["Location"] == "/connect?next=/generations"


def test_an_empty_history_says_how_that_changes(as_alice):
    assert b"Nothing generated yet." in as_alice.get("/generations").content


def test_it_asks_no_more_the_more_there_is(as_alice, alice, django_assert_max_num_queries):
    for _ in range(6):
        create_generation(training=create_training(status="completed"), wallet=alice)
    with django_assert_max_num_queries(7):
        as_alice.get("/generations")
