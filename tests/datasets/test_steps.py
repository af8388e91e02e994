"""Reading a channel: page after page, then the pictures, whatever Are.na does meanwhile."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from datasets import steps
from datasets.models import Dataset
from loratrainer.jobs import StaleJob

pytestmark = pytest.mark.django_db


def opened(dataset: Dataset, slug: str) -> Dataset:
    dataset.open_channel(slug)
    return dataset


def rewind(dataset: Dataset) -> None:
    """Let the pause be over."""
    dataset.hurry()


def test_a_channel_is_read_and_its_first_pictures_are_chosen_and_loaded(arena_api, draft, work):
    work(opened(draft, "glaze-tests"))
    assert (draft.status, draft.error, draft.due_at) == ("ready", "", None)
    assert draft.channel_title == "Glaze tests"
    assert draft.channel_owner == "Kiln Room"
    assert draft.channel_url == "https://www.are.na/kiln-room/glaze-tests"
    assert draft.channel_total == 18
    pictures = list(draft.pictures.all())
    assert [picture.chosen for picture in pictures] == [True] * 15 + [False] * 3
    assert all(picture.thumbnails for picture in pictures)
    assert [picture.is_kept for picture in pictures] == [True] * 15 + [False] * 3
    first = pictures[0]
    assert (first.width, first.height) == (880, 1100)
    assert first.block_url == f"https://www.are.na/block/{first.block_id}"
    assert first.author
    assert first.title
    assert first.source_url.startswith("https://example.org/glaze/") or not first.source_url
    assert {picture.author for picture in pictures} == {"Kiln Room", "Mara Voss"}
    assert any(picture.source_url for picture in pictures)


def test_all_pages_are_walked_and_only_pictures_count(arena_api, draft, work):
    claimed = Dataset.objects.claim(opened(draft, "mixed-300").pk)
    claimed.advance()
    assert (claimed.status, claimed.next_page) == ("listing", 2)
    assert claimed.note == "Reading the channel: 100 of 300 blocks."
    claimed = Dataset.objects.claim(draft.pk)
    claimed.advance()
    claimed = Dataset.objects.claim(draft.pk)
    claimed.advance()
    draft.refresh_from_db()
    assert draft.status == "loading"
    number = draft.pictures.count()
    assert number + draft.skipped == draft.channel_total == 300
    # Four images never became available, and a link with a preview is no image.
    assert number == 206
    assert draft.pictures.chosen().count() == 15
    assert list(draft.pictures.values_list("position", flat=True)) == list(range(number))


def test_a_page_that_is_read_twice_adds_nothing_twice(arena_api, draft, work):
    opened(draft, "mixed-300")
    Dataset.objects.claim(draft.pk).advance()
    number = draft.pictures.count()
    Dataset.objects.filter(pk=draft.pk).update(next_page=1, skipped=0, due_at=Now())
    again = Dataset.objects.claim(draft.pk)
    again.advance()
    assert draft.pictures.count() == number
    assert (again.next_page, again.note) == (2, "Reading the channel: 100 of 300 blocks.")


def test_a_worker_that_is_overtaken_adds_nothing(arena_api, draft):
    opened(draft, "mixed-300")
    slow = Dataset.objects.claim(draft.pk)
    Dataset.objects.filter(pk=draft.pk).update(fence=F("fence") + 1)
    with pytest.raises(StaleJob):
        steps.list_channel(slow)
    assert draft.pictures.count() == 0


@pytest.mark.parametrize(
    ("slug", "words"),
    [
        ("private-sketches", "There is no such channel on Are.na, or it is private."),
        ("no-such-channel-anywhere", "There is no such channel on Are.na, or it is private."),
        ("empty", "This channel is empty."),
        ("links-only", "This channel holds no pictures, only links and texts."),
    ],
)
def test_a_channel_that_cannot_be_trained_with_fails_in_words(arena_api, draft, work, slug, words):
    work(opened(draft, slug))
    assert (draft.status, draft.error, draft.due_at) == ("failed", words, None)
    assert draft.pictures.count() == 0


def test_whatever_is_wrong_with_a_picture_the_others_are_loaded(arena_api, draft, work):
    work(opened(draft, "odd-files"))
    assert draft.status == "ready"
    problems = {picture.title: picture.problem for picture in draft.pictures.all()}
    assert problems == {
        "A page instead of a picture": "This is not a JPEG, PNG or WebP picture.",
        "20,000 by 20,000 pixels": "This picture is too large: 20000 × 20000 pixels.",  # noqa: RUF001
        "A drawing with a script": "This is not a JPEG, PNG or WebP picture.",
        "12 MB of noise": "The file is larger than 10 MB.",
        "Cut off after a third": "This picture is damaged and cannot be read.",
        "16 by 16 pixels": "This picture is too small: 16 × 16 pixels. "  # noqa: RUF001
        "It needs 256 on its shorter side.",
        "No bytes at all": "This is not a JPEG, PNG or WebP picture.",
        "Nothing wrong with this one": "",
    }
    assert [picture.title for picture in draft.pictures.chosen()] == ["Nothing wrong with this one"]


def test_arena_that_is_busy_is_asked_again(arena_api, draft, work):
    arena_api.script({"match": {"path": "/arena/v*"}, "do": "status", "status": 429, "times": 2})
    opened(draft, "cyanotype-ferns")
    work(draft)
    assert (draft.status, draft.note) == (
        "listing",
        "Are.na is busy or away. We ask again in a moment.",
    )
    rewind(draft)
    work(draft)
    assert draft.status == "listing"
    rewind(draft)
    work(draft)
    assert draft.status == "ready"
    assert draft.pictures.kept().count() == 12


def test_a_picture_that_does_not_arrive_is_asked_for_three_times(arena_api, draft, work):
    rule = {"match": {"path": "/arena/images/*/original_*"}, "do": "status", "status": 503}
    arena_api.script(rule | {"times": None})
    work(opened(draft, "cyanotype-ferns"))
    assert draft.status == "loading"
    assert draft.note == "Some pictures did not arrive. We ask for them again."
    one = draft.pictures.chosen().first()
    arena_api.clear_script()
    arena_api.script(
        {"match": {"path": f"/arena/images/{one.block_id}/original_*"}, "do": "reset", "times": 3}
    )
    for _round in range(3):
        rewind(draft)
        work(draft)
    one.refresh_from_db()
    assert one.problem == "Are.na did not hand this picture out. Load the channel again later."
    assert not one.chosen
    assert draft.status == "ready"
    assert draft.pictures.kept().count() == 11

    arena_api.clear_script()
    work(opened(draft, "cyanotype-ferns"))
    draft.choose_all()
    work(draft)
    assert draft.pictures.kept().count() == 12


def test_a_picture_that_is_chosen_later_is_loaded_then(arena_api, draft, work):
    work(opened(draft, "glaze-tests"))
    last = draft.pictures.last()
    draft.choose([last.pk])
    assert draft.status == "loading"
    work(draft)
    last.refresh_from_db()
    assert last.is_kept
    assert draft.status == "ready"


@pytest.mark.django_db(transaction=True)
def test_a_picture_that_is_chosen_while_the_last_look_is_taken_is_not_forgotten(
    arena_api, draft, work
):
    """The one who chooses holds the row; the step waits for them, and then looks once more."""
    work(opened(draft, "glaze-tests"))
    last = draft.pictures.last()
    Dataset.objects.filter(pk=draft.pk).update(status="loading", due_at=Now())
    claimed = Dataset.objects.claim(draft.pk)
    holding = threading.Event()

    def choose() -> None:
        chooser = Dataset.objects.get(pk=draft.pk)
        with transaction.atomic():
            chooser.choose([last.pk])
            holding.set()
            time.sleep(0.7)
        connection.close()

    thread = threading.Thread(target=choose)
    thread.start()
    assert holding.wait(5)
    claimed.advance()
    thread.join()
    work(draft)
    last.refresh_from_db()
    assert last.is_kept
    assert draft.status == "ready"


def test_opening_the_channel_again_keeps_captions_and_choice(arena_api, draft, work):
    work(opened(draft, "cyanotype-ferns"))
    _first, second, *_rest = draft.pictures.all()
    draft.write_captions({second.pk: "a fern, pressed"})
    draft.choose([second.pk])
    before = list(draft.pictures.values_list("pk", "original"))
    work(opened(draft, "cyanotype-ferns"))
    assert list(draft.pictures.values_list("pk", "original")) == before
    [chosen] = draft.pictures.chosen()
    assert (chosen.pk, chosen.caption) == (second.pk, "a fern, pressed")


def test_opening_another_channel_replaces_the_first_and_leaves_uploads_alone(
    arena_api, draft, work, upload, media
):
    mine = upload(draft)
    work(opened(draft, "cyanotype-ferns"))
    assert draft.pictures.count() == 13
    work(opened(draft, "riso-botanics"))
    assert draft.channel_title == "Riso botanics"
    assert draft.pictures.count() == 21
    assert draft.pictures.chosen().count() == 15
    assert mine in draft.pictures.all()


def test_a_channel_that_takes_too_long_fails_and_keeps_what_is_there(arena_api, draft, work):
    opened(draft, "mixed-300")
    Dataset.objects.claim(draft.pk).advance()
    Dataset.objects.filter(pk=draft.pk).update(deadline_at=Now(), due_at=Now())
    work(draft)
    assert draft.status == "failed"
    assert draft.error.startswith("Reading the channel")
    assert draft.pictures.count() > 0
