"""The report card on the page of a LoRA, and at its own address while it is made."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from generations.images import GeneratedImage
from generations.models import Generation, ReportCard
from generations.report_steps import PROMPTS
from tests.factories import create_generation, create_training, create_wallet
from tests.generations.test_report_cards import end, ordered
from trainings.models import Training

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def lora(alice: Any) -> Training:
    return create_training(wallet=alice, status="completed", trigger_word="KILNGLZ")


def over(lora: Training, *, suggested: float | None = 1.0, failed: int = 0) -> ReportCard:
    """A card that is over; so many of its cells have failed."""
    card = ordered(lora)
    for number, batch in enumerate(card.batches.order_by("pk")):
        end(batch, images=0 if number < failed else 1)
    card.complete(suggested)
    return card


def page_of(client: Client, lora: Training) -> str:
    response = client.get(f"/loras/{lora.pk}")
    assert response.status_code == 200
    return str(response.content.decode())


def report_of(page: str) -> str:
    """The section alone; empty if there is none."""
    found = re.search(r'<section class="made report".*?</section>', page, re.DOTALL)
    return found[0] if found else ""


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


# --- The grid -------------------------------------------------------------------------------------


def test_a_lora_without_a_card_has_no_such_section(client, lora):
    page = page_of(client, lora)
    assert report_of(page) == ""
    assert "Report card" not in page


def test_prompts_are_rows_and_strengths_are_columns(client, lora):
    over(lora)
    report = report_of(page_of(client, lora))
    heads = re.findall(r'<th scope="col".*?</th>', report, re.DOTALL)
    assert [text_of(head).split() for head in heads] == [
        ["Prompt"],
        ["Strength", "0.8"],
        ["Strength", "1.0", "Suggested"],
        ["Strength", "1.5"],
        ["Strength", "2.0"],
    ]
    rows = re.findall(r'<th scope="row">.*?</th>', report, re.DOTALL)
    assert [text_of(row).strip() for row in rows] == [
        f"KILNGLZ, {prompt}" for prompt in PROMPTS["product"]
    ]
    assert report.count('<a class="frame"') == 12
    assert 'tabindex="0" role="region"' in report  # It scrolls by the keyboard.


def test_every_image_says_what_it_is_and_lies_at_the_address_of_images(client, lora):
    card = over(lora)
    report = report_of(page_of(client, lora))
    for image in GeneratedImage.objects.filter(generation__report_card=card):
        assert f'href="/images/{image.pk}/1024"' in report
        assert f'src="/images/{image.pk}/640"' in report
        batch = image.generation
        assert f'alt="Generated at strength {batch.scale:g}: {batch.prompt}"' in report
    assert "Image 12 of 12, open full size" in report


def test_the_images_stand_where_their_prompt_and_strength_meet(client, lora):
    card = over(lora)
    rows = re.findall(r"<tr>.*?</tr>", report_of(page_of(client, lora)), re.DOTALL)[1:]
    for prompt, row in zip(card.prompts, rows, strict=True):
        alts = re.findall(r'alt="Generated at strength (\S+): (.*?)"', row)
        assert alts == [(at, prompt) for at in ("0.8", "1", "1.5", "2")]


def test_the_suggestion_is_marked_and_said_in_words(client, lora):
    over(lora, suggested=1.5)
    report = report_of(page_of(client, lora))
    assert report.count('class="best"') == 4  # A head and three cells.
    said = text_of(report)
    assert "1.5 Looks most like the training images without burning out." in said
    assert "This is a suggestion" in said


def test_without_a_suggestion_it_says_so_and_marks_nothing(client, lora):
    over(lora, suggested=None)
    report = report_of(page_of(client, lora))
    assert "No strength is suggested" in report
    assert 'class="best"' not in report
    assert "Suggested" not in report


def test_a_cell_that_failed_is_an_empty_frame_with_words(client, lora):
    over(lora, failed=2)
    report = report_of(page_of(client, lora))
    assert report.count("Did not come out") == 2
    assert report.count('<a class="frame"') == 10
    assert "Image 10 of 10" in report
    assert "Taken away" not in report


def test_a_cell_whose_image_is_not_shown_says_why(client, lora):
    card = over(lora)
    hidden, deleted, filtered = GeneratedImage.objects.filter(generation__report_card=card)[:3]
    hidden.hide(by=lora.wallet)
    deleted.remove()
    GeneratedImage.objects.filter(pk=filtered.pk).update(is_filtered=True, file="")
    card.batches.filter(images=filtered).update(note="The safety checker held 1 image back.")
    report = report_of(page_of(client, lora))
    assert report.count("Taken away") == 2
    assert report.count("Held back") == 1
    assert report.count('<a class="frame"') == 9
    for image in (hidden, deleted, filtered):
        assert str(image.pk) not in report


def test_its_images_have_pages_and_can_be_hidden_and_shown_by_the_owner(client, as_alice, lora):
    card = over(lora)
    image = GeneratedImage.objects.filter(generation__report_card=card)[0]
    page = client.get(f"/images/{image.pk}")
    assert page.status_code == 200
    assert f"/generations/{image.generation_id}" not in page.content.decode()
    listed = as_alice.get(f"/loras/{lora.pk}/images").content.decode()
    assert listed.count("/hide") == 12
    as_alice.post(f"/images/{image.pk}/hide", {"next": f"/loras/{lora.pk}/images"})
    assert client.get(f"/images/{image.pk}").status_code == 404
    assert f"/images/{image.pk}/show" in as_alice.get(f"/loras/{lora.pk}/images").content.decode()
    lora.refresh_from_db()
    assert lora.image_count == 0


def test_what_others_may_not_see_of_the_lora_they_may_not_see_of_its_card(client, as_bob, lora):
    card = over(lora)
    image = GeneratedImage.objects.filter(generation__report_card=card)[0]
    for gone in (lora.make_private, lora.remove):
        gone()
        for visitor in (client, as_bob):
            for url in (f"/images/{image.pk}", f"/images/{image.pk}/640"):
                assert visitor.get(url).status_code == 404
    assert Generation.objects.with_images_for(lora.wallet).count() == 0


def test_a_card_that_took_too_long_shows_what_there_is(client, lora):
    card = ordered(lora)
    end(card.batches.all()[0])
    card.fail("It took too long, so we stopped.")
    report = report_of(page_of(client, lora))
    assert "was not finished in time" in report
    assert report.count('<a class="frame"') == 1
    assert "hx-get" not in report


def test_numbers_are_numbers_in_every_language(client, lora):
    over(lora, suggested=1.5)
    page = client.get(f"/loras/{lora.pk}", headers={"Accept-Language": "ru"}).content.decode()
    report = report_of(page)
    assert "<b>1,5</b>" in report
    assert report.count('class="best"') == 4


# --- While it is made -----------------------------------------------------------------------------


def test_while_it_is_made_it_asks_for_itself_again_and_then_no_more(client, lora):
    ReportCard.begin(lora.pk)
    report = report_of(page_of(client, lora))
    assert f'hx-get="/loras/{lora.pk}/report"' in report
    assert 'hx-trigger="every 5s"' in report
    assert "Being drawn" in report
    assert "<table>" not in report
    Generation.objects.all().delete()
    ReportCard.objects.all().delete()

    card = ordered(lora)
    end(card.batches.all()[0])
    fragment = client.get(f"/loras/{lora.pk}/report", headers=HTMX).content.decode()
    assert fragment.lstrip().startswith("<section")
    assert "Being drawn: 1 of 12 are done" in fragment
    assert fragment.count("On its way") == 11
    for batch in card.batches.filter(status="submitting"):
        end(batch)
    card.complete(1.0)
    fragment = client.get(f"/loras/{lora.pk}/report", headers=HTMX).content.decode()
    assert "hx-get" not in fragment
    assert fragment == report_of(page_of(client, lora)) + fragment[len(fragment.rstrip()) :]


def test_the_fragment_is_the_same_for_everybody(client, as_alice, as_bob, lora):
    over(lora)
    answers = [
        each.get(f"/loras/{lora.pk}/report", headers=HTMX) for each in (client, as_alice, as_bob)
    ]
    assert len({answer.content for answer in answers}) == 1
    assert all(answer.headers["Cache-Control"].startswith("public") for answer in answers)
    assert "HX-Request" in answers[0].headers["Vary"]


def test_its_address_leads_to_the_page(client, lora):
    response = client.get(f"/loras/{lora.pk}/report")
    assert (response.status_code, response.headers["Location"]) == (302, f"/loras/{lora.pk}#report")


def test_a_lora_without_a_card_has_no_fragment(client, lora):
    assert client.get(f"/loras/{lora.pk}/report", headers=HTMX).status_code == 404


def test_only_reading_is_possible(as_alice, lora):
    for method in ("post", "put", "patch", "delete"):
        assert getattr(as_alice, method)(f"/loras/{lora.pk}/report").status_code == 405


def test_the_page_asks_as_much_for_twelve_cells_as_for_one(client, lora):
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            page_of(client, lora)
        return len(asked)

    card = ordered(lora)
    first, *others = card.batches.all()
    end(first)
    few = questions()
    for batch in others:
        end(batch)
    assert questions() == few


# --- Who sees it, and where it is not -------------------------------------------------------------

STATES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "public": ({}, {"nobody", "stranger", "owner", "admin"}),
    "private": ({"is_private": True}, {"owner"}),
    "hidden": ({"hidden_at": Now()}, {"owner", "admin"}),
    "deleted": ({"deleted_at": Now()}, set()),
}


@pytest.mark.parametrize("state", STATES)
def test_card_and_images_are_seen_by_whoever_sees_the_lora(state, alice, lora, settings, media):
    card = over(lora)
    changes, audience = STATES[state]
    Training.objects.filter(pk=lora.pk).update(**changes)
    admin = create_wallet()
    settings.ADMIN_WALLETS = [admin.address]
    image = GeneratedImage.objects.filter(generation__report_card=card)[0]
    for name, wallet in (
        ("nobody", None),
        ("stranger", create_wallet()),
        ("owner", alice),
        ("admin", admin),
    ):
        client = Client()
        if wallet:
            client.force_login(wallet)
        sees = name in audience
        fragment = client.get(f"/loras/{lora.pk}/report", headers=HTMX)
        assert (fragment.status_code == 200) is sees, name
        assert (str(image.pk) in fragment.content.decode()) is sees, name
        visible = GeneratedImage.objects.visible_to(wallet) if wallet else None
        assert visible is None or visible.filter(pk=image.pk).exists() is sees, name
        # The file is not there, so whoever may see it is answered by the ETag they name.
        etag = f'"{image.sha256[:32]}-320-webp"'
        answer = client.get(f"/images/{image.pk}/320", headers={"If-None-Match": etag})
        assert answer.status_code == (304 if sees else 404), name


def test_it_is_in_no_list_no_count_no_history_and_has_no_page_of_its_own(as_alice, lora):
    """Nor does the dialog go on with one of its cells, though its owner is whose batch it is."""
    card = over(lora)
    [batch, *_others] = card.batches.all()
    wish = create_generation(training=lora, prompt="my own wish")
    page = page_of(as_alice, lora)
    made = page.partition('aria-labelledby="made"')[2]
    assert "4 images from 1 prompt" in text_of(made)
    assert made.count('<article class="batch">') == 1
    history = as_alice.get("/generations").content.decode()
    assert "my own wish" in history
    listed = as_alice.get(f"/api/loras/{lora.pk}/generations").json()["generations"]
    assert [each["id"] for each in listed] == [str(wish.pk)]
    for prompt in card.prompts:
        assert prompt not in history + made
    for url in (
        f"/generations/{batch.pk}",
        f"/generations/{batch.pk}/zip",
        f"/api/generations/{batch.pk}",
    ):
        assert as_alice.get(url).status_code == 404
    dialog = as_alice.get(f"/loras/{lora.pk}/generate").content.decode()
    assert "my own wish" in dialog


def test_a_card_under_way_is_not_what_the_dialog_goes_on_with(as_alice, lora):
    card = ordered(lora)
    dialog = as_alice.get(f"/loras/{lora.pk}/generate").content.decode()
    assert "every 1s" not in dialog
    assert all(prompt not in dialog for prompt in card.prompts)
