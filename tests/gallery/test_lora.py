"""The page of one LoRA."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gallery.lora import BATCHES
from generations.models import Generation
from tests.factories import (
    create_dataset,
    create_generation,
    create_picture,
    create_training,
    create_wallet,
)
from trainings.models import Training

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def lora(alice: Any) -> Training:
    return create_training(
        wallet=alice,
        status="completed",
        tensors_sha256="0123456789abcdef" * 4,
        config_size=512,
        picture_count=4,
        service="fal.ai",
        model="fal-ai/flux-lora-fast-training",
        description="Glazes of last winter.",
    )


def page_of(client: Client, lora: Training, **query: Any) -> str:
    response = client.get(f"/loras/{lora.pk}", query)
    assert response.status_code == 200
    return str(response.content.decode())


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def wish(lora: Training, number: int, **fields: Any) -> Generation:
    words = {"prompt": f"wish {number}", "full_prompt": f"KILNGLZ, wish {number}"}
    return create_generation(training=lora, **(words | fields))


def prompts_of(page: str) -> list[str]:
    return re.findall(r"wish \d+", "".join(re.findall(r"<h3>.*?</h3>", page)))


def test_what_a_phone_shows_first_comes_first(client, lora):
    """A part that is moved in front of what is drawn already would push all of it down."""
    page = page_of(client, lora)
    assert page.index('class="about"') < page.index('class="made-of"')


def test_it_says_what_the_lora_is_and_how_it_was_made(client, lora, alice):
    text = text_of(page_of(client, lora))
    for words in (
        "Product LoRA KILNGLZ",
        "Glaze tests . Glazes of last winter.",
        "Begin a prompt with KILNGLZ",
        "Steps 1,000",
        "Images 4",
        f"Trained by {alice.short_address}",
        "Base model FLUX.1 [dev]",
        "Training set 4 images",
        "LoRA weights, 85.6 MB",
        "fal.ai fal-ai/flux-lora-fast-training",
        "Nothing generated with it yet.",
    ):
        assert words.replace(" . ", ". ") in text.replace(" . ", ". "), words


def test_it_has_the_hashes_by_which_tools_know_the_file(client, lora):
    text = text_of(page_of(client, lora))
    assert f"SHA-256 {lora.weights_sha256}" in text
    assert f"AutoV2 {lora.weights_sha256[:10].upper()}" in text
    assert "AutoV3 0123456789AB" in text
    assert "89,745,224 bytes" in text


def test_its_files_are_taken_by_the_addresses_that_stay(client, lora, settings):
    page = page_of(client, lora)
    assert f'value="{settings.SITE_URL}/loras/{lora.pk}/weights"' in page
    assert f'href="/loras/{lora.pk}/weights" download' in page
    assert f'href="/loras/{lora.pk}/config" download' in page
    assert "Config .json" in text_of(page)


def test_a_lora_without_a_config_offers_none(client, lora):
    Training.objects.update(config="")
    assert "/config" not in page_of(client, lora)


def test_every_training_picture_hangs_on_the_contact_sheet(client, lora):
    page = page_of(client, lora)
    for picture in lora.dataset.pictures.all():
        assert f'src="/loras/{lora.pk}/pictures/{picture.pk}/160"' in page
        assert f'href="/loras/{lora.pk}/pictures/{picture.pk}/640"' in page


def test_pictures_from_arena_name_who_made_them(client, alice):
    dataset = create_dataset(pictures=3, wallet=alice)
    create_picture(
        dataset=dataset,
        position=3,
        block_id=7,
        block_url="https://www.are.na/block/7",
        title="Moon jar <1>",
        author="Kiln Room",
        source_url="https://example.org/jar",
        source_title="A museum",
    )
    dataset.channel_url = "https://www.are.na/kiln-room/glaze-tests"
    dataset.channel_title = "Glaze tests"
    dataset.save()
    dataset.freeze()
    lora = create_training(status="completed")
    Training.objects.update(dataset=dataset)
    page = page_of(client, lora)
    assert '<li value="4">' in page
    assert 'href="https://www.are.na/block/7"' in page
    assert "Moon jar &lt;1&gt;" in page
    assert "by Kiln Room" in page
    assert '<a class="link" href="https://example.org/jar" rel="noopener nofollow">A museum' in page
    assert 'href="https://www.are.na/kiln-room/glaze-tests"' in page
    assert page.count("<li value=") == 1


def test_uploads_name_nobody_and_no_file(client, lora):
    page = page_of(client, lora)
    assert "Who made these images" not in page


def test_what_its_owner_wrote_is_text_and_nothing_else(client, lora):
    evil = "</script><script>alert(1)</script>{{ 7*7 }}"
    lora.rename(evil[:80], description=evil)
    page = page_of(client, lora)
    assert "<script>alert" not in page
    assert "{{ 7*7 }}" in page
    assert json.loads(json_ld(page))["name"] == evil


def json_ld(page: str) -> str:
    [text] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    return str(text)


def test_machines_read_the_same(client, lora, settings):
    page = page_of(client, lora)
    described = json.loads(json_ld(page))
    assert described["url"] == f"{settings.SITE_URL}/loras/{lora.pk}"
    assert described["encoding"]["sha256"] == lora.weights_sha256
    assert described["encoding"]["contentUrl"].endswith(".safetensors")
    assert f'<link rel="canonical" href="{described["url"]}">' in page
    assert f'<meta property="og:image" content="{described["image"]}">' in page
    assert '<meta property="og:title" content="KILNGLZ, Glaze tests">' in page
    assert "trained with 4 images in 1,000 steps." in page


# --- The same for everybody -----------------------------------------------------------------------


def test_everybody_gets_the_same_bytes_and_no_session_is_read(client, as_alice, as_bob, lora):
    create_generation(training=lora)
    responses = [visitor.get(f"/loras/{lora.pk}") for visitor in (client, as_alice, as_bob)]
    assert len({response.content for response in responses}) == 1
    for response in responses:
        cached = response.headers["Cache-Control"]
        assert cached == "public, max-age=0, s-maxage=30, stale-while-revalidate=300"
        assert "Set-Cookie" not in response.headers
        assert "csrf" not in response.content.decode()


def test_whoever_has_the_page_is_told_so(client, lora):
    etag = client.get(f"/loras/{lora.pk}").headers["ETag"]
    again = client.get(f"/loras/{lora.pk}", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    lora.rename("Another", description="")
    assert client.get(f"/loras/{lora.pk}", headers={"If-None-Match": etag}).status_code == 200


def test_the_page_asks_no_more_questions_when_there_is_more_on_it(client, alice, lora):
    def questions() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            page_of(client, lora)
        return len(asked)

    create_generation(training=lora)
    few = questions()
    for _batch in range(5):
        create_generation(training=lora, wallet=create_wallet())
    for _child in range(3):
        create_training(wallet=alice, status="completed", parent=lora)
    # The LoRA, its pictures, card and versions; batches, their images and what was added to them.
    assert questions() == few <= 7


def test_only_reading_is_possible(as_alice, lora):
    for method in ("post", "put", "patch", "delete"):
        assert getattr(as_alice, method)(f"/loras/{lora.pk}").status_code == 405
    assert as_alice.head(f"/loras/{lora.pk}").status_code == 200


# --- Images by batch ------------------------------------------------------------------------------


def test_batches_hang_newest_first_with_the_added_words_apart(client, lora):
    wish(lora, 1)
    wish(lora, 2, full_prompt="wish 2 in the style of KILNGLZ", images=2)
    page = page_of(client, lora)
    assert prompts_of(page) == ["wish 2", "wish 1"]
    assert "<span>KILNGLZ, </span>wish 1" in page
    assert re.search(r"wish 2<span>\s+in the style of KILNGLZ</span>", page)
    assert "6 images from 2 prompts" in text_of(page)
    assert page.count('class="frame"') == 6


def test_a_prompt_can_be_used_again(client, lora):
    create_generation(training=lora, prompt="a & b", full_prompt="KILNGLZ, a & b")
    assert f"/loras/{lora.pk}/generate?prompt=a+%26+b" in page_of(client, lora).replace("%20", "+")


def test_older_batches_come_page_by_page_each_exactly_once(client, lora):
    all_of_them = BATCHES * 2 + 1
    for number in range(all_of_them):
        wish(lora, number, images=1)
    # Several of the same moment: the order must not depend on it alone.
    moment = Now() - timedelta(minutes=5)
    lora.generations.filter(prompt__in=["wish 3", "wish 4", "wish 5", "wish 6"]).update(
        created_at=moment
    )
    seen: list[str] = []
    page, pages = page_of(client, lora), 1
    while True:
        seen += prompts_of(page)
        more = re.search(r'class="btn big" href="([^"]+before=[^"]+)"', page)
        if more is None:
            break
        if pages == 1:  # New ones push nothing onto the next page.
            wish(lora, 99)
        page, pages = client.get(more[1]).content.decode(), pages + 1
    assert pages == 3
    assert sorted(seen) == sorted(f"wish {number}" for number in range(all_of_them))


def test_the_part_that_the_page_fetches_holds_the_batches_alone(client, lora):
    for _batch in range(BATCHES + 1):
        create_generation(training=lora, images=1)
    before = re.search(r"before=([0-9a-f-]+)", page_of(client, lora))
    assert before
    response = client.get(f"/loras/{lora.pk}", {"before": before[1]}, headers=HTMX)
    part = response.content.decode()
    assert part.strip().startswith('<article class="batch">')
    assert "<html" not in part
    assert "HX-Request" in response.headers["Vary"]


def test_a_cursor_that_was_hidden_meanwhile_still_leads_on(client, lora):
    for _batch in range(BATCHES + 2):
        create_generation(training=lora, images=1)
    before = re.search(r"before=([0-9a-f-]+)", page_of(client, lora))
    assert before
    for image in lora.generations.get(pk=before[1]).images.all():
        image.hide(by=lora.wallet)
    assert page_of(client, lora, before=before[1]).count('class="frame"') == 2


@pytest.mark.parametrize("before", ["", "x", "1 OR 1=1", str(UUID(int=7))])
def test_a_cursor_of_ones_own_making_is_said_to_lead_nowhere(client, lora, before):
    assert client.get(f"/loras/{lora.pk}", {"before": before}).status_code == 404


def test_a_batch_of_another_lora_is_no_cursor(client, lora):
    other = create_generation()
    assert client.get(f"/loras/{lora.pk}", {"before": str(other.pk)}).status_code == 404


def test_hidden_filtered_and_unfinished_images_do_not_hang_there(client, lora):
    wish(lora, 1, status="generating")
    wish(lora, 2, status="failed")
    hidden = wish(lora, 3)
    for image in hidden.images.all():
        image.hide(by=lora.wallet)
    half = wish(lora, 4, images=2)
    gone, kept = half.images.all()
    gone.hide(by=lora.wallet)
    page = page_of(client, lora)
    assert prompts_of(page) == ["wish 4"]
    assert f"/images/{kept.pk}/" in page
    assert f"/images/{gone.pk}/" not in page
    assert "1 image from 1 prompt" in text_of(page)


# --- Versions -------------------------------------------------------------------------------------


def test_versions_lead_to_each_other(client, lora, alice):
    child = create_training(
        wallet=alice, status="completed", parent=lora, trigger_word="KILN_2", training_steps=1500
    )
    page = page_of(client, lora)
    assert f'<a class="link" href="/loras/{child.pk}">KILN_2</a>' in page
    assert "made from this · 1,500 steps" in text_of(page)
    back = text_of(page_of(client, child))
    assert "KILNGLZ what this was made from" in back


@pytest.mark.parametrize(
    "gone", [{"is_private": True}, {"hidden_at": Now()}, {"deleted_at": Now()}]
)
def test_versions_that_others_may_not_see_are_not_named(client, as_alice, lora, alice, gone):
    child = create_training(
        wallet=alice, status="completed", parent=lora, trigger_word="SECRET", **gone
    )
    assert "SECRET" not in page_of(client, lora)
    assert "SECRET" not in page_of(as_alice, lora)
    Training.objects.filter(pk=child.pk).update(hidden_at=None, is_private=False, deleted_at=None)
    Training.objects.filter(pk=lora.pk).update(**gone)
    assert "what this was made from" not in page_of(client, child)


def test_a_version_that_is_still_in_training_is_not_named(client, lora, alice):
    create_training(wallet=alice, status="training", parent=lora, trigger_word="SECRET")
    assert "SECRET" not in page_of(client, lora)


# --- What is not public ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "words"),
    [({"is_private": True}, "Private: only you see this page."), ({"hidden_at": Now()}, "Hidden:")],
)
def test_what_is_ones_own_is_served_uncached_and_told_to_no_machine(as_alice, lora, kept, words):
    Training.objects.update(**kept)
    response = as_alice.get(f"/loras/{lora.pk}")
    page = response.content.decode()
    assert words in page
    assert response.headers["Cache-Control"] == "private, no-store"
    assert '<meta name="robots" content="noindex">' in page
    for told in ("og:", "ld+json", "canonical", "oembed"):
        assert told not in page


def test_the_owner_of_a_private_lora_sees_its_private_version(as_alice, lora, alice):
    create_training(
        wallet=alice, status="completed", parent=lora, trigger_word="MINE_2", is_private=True
    )
    Training.objects.filter(pk=lora.pk).update(is_private=True)
    assert "MINE_2" in page_of(as_alice, lora)


def test_nothing_is_there_that_the_providers_or_the_payer_alone_should_know(client, lora):
    batch = create_generation(training=lora, weights_url="https://example.org/signed?x=1")
    page = page_of(client, lora)
    for secret in (batch.job_id, "example.org", str(lora.dataset_id), "storage", "pictures/of"):
        assert secret not in page
    for picture in lora.dataset.pictures.all():
        assert picture.thumbnails not in page


# --- What depends on the visitor ------------------------------------------------------------------


def visitor(client: Client, lora: Training) -> str:
    response = client.get(f"/loras/{lora.pk}/visitor", headers=HTMX)
    assert response.headers["Cache-Control"] == "private, no-store"
    return str(response.content.decode())


def test_the_page_asks_for_what_depends_on_the_visitor(client, lora):
    assert f'hx-get="/loras/{lora.pk}/visitor" hx-trigger="load delay:1ms,' in page_of(client, lora)


def test_nobody_reads_how_many_generations_there_are_a_day(client, lora):
    part = visitor(client, lora)
    assert "8 generations a day" in text_of(part).replace("8 generation s", "8 generations")
    assert "<form" not in part


def test_a_stranger_reads_what_is_left_and_can_change_nothing(as_bob, lora):
    part = visitor(as_bob, lora)
    assert "8 of 8" in text_of(part)
    assert "<form" not in part


def test_its_owner_finds_their_tools(as_alice, lora):
    create_generation(training=lora, sent_at=Now())
    part = visitor(as_alice, lora)
    assert "7 of 8" in text_of(part)
    for act in ("edit", "private", "hide", "images", "delete"):
        assert f'"/loras/{lora.pk}/{act}"' in part
    assert part.count("csrfmiddlewaretoken") == part.count("<form") == 2


def test_an_admin_can_hide_it_and_nothing_more(as_bob, lora, settings):
    settings.ADMIN_WALLETS = [as_bob.get("/wallet").wsgi_request.user.address]
    part = visitor(as_bob, lora)
    assert f'action="/loras/{lora.pk}/hide"' in part
    for act in ("edit", "private", "delete"):
        assert f'"/loras/{lora.pk}/{act}"' not in part


def test_the_part_is_no_page(client, lora):
    response = client.get(f"/loras/{lora.pk}/visitor")
    assert (response.status_code, response.headers["Location"]) == (302, f"/loras/{lora.pk}")
