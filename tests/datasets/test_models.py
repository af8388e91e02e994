"""Drafts, limits, freezing, copies, and files that nobody needs any more."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from datasets import archives, decoding, folders, storage
from datasets.models import Dataset, Frozen, NotReady, Person, Picture, TemporaryFolder, TooMany
from datasets.pictures import files_of
from loratrainer.outcomes import TryAgainLater
from tests.datasets.photographs import jpeg

pytestmark = pytest.mark.django_db


def files() -> set[str]:
    """All files in the storage."""

    def below(folder: str) -> set[str]:
        try:
            folders, names = default_storage.listdir(folder)
        except FileNotFoundError:
            return set()
        found = {f"{folder}/{name}" for name in names}
        return found.union(*(below(f"{folder}/{name}") for name in folders))

    return below("pictures") | below("archives")


@pytest.fixture
def full(draft, upload):
    """A draft that can be trained with."""
    for seed in range(4):
        upload(draft, seed)
    return draft


def test_an_upload_is_kept_with_its_facts(draft, upload):
    picture = upload(draft, 3, size=(700, 500))
    assert (picture.width, picture.height, picture.position) == (700, 500, 0)
    assert picture.chosen
    assert picture.size == len(storage.read(picture.original))
    assert len(picture.sha256) == 64
    assert TemporaryFolder.objects.count() == 0
    assert len(files()) == 5


def test_uploads_are_chosen_as_long_as_there_are_places(draft, upload, settings):
    settings.PICTURES_MAX = 2
    pictures = [upload(draft, seed) for seed in range(3)]
    assert [picture.chosen for picture in pictures] == [True, True, False]
    assert [picture.position for picture in pictures] == [0, 1, 2]


def test_a_set_holds_only_so_many_uploads(draft, upload, settings):
    settings.PICTURES_MAX = 1
    for seed in range(4):
        upload(draft, seed)
    with pytest.raises(TooMany, match="at most 4 uploads"):
        upload(draft, 5)
    assert draft.pictures.count() == 4
    # The file of the one that was refused waits for the sweep.
    TemporaryFolder.objects.update(expires_at=Now())
    archives.sweep()
    assert len(files()) == 4 * 5


def test_choosing_is_exact_and_limited(draft, upload, settings):
    settings.PICTURES_MAX = 3
    pictures = [upload(draft, seed) for seed in range(5)]
    draft.choose([pictures[4].pk, pictures[1].pk])
    assert list(draft.pictures.chosen()) == [pictures[1], pictures[4]]
    with pytest.raises(TooMany, match="at most 3 pictures"):
        draft.choose([picture.pk for picture in pictures[:4]])
    assert list(draft.pictures.chosen()) == [pictures[1], pictures[4]]
    draft.choose_all()
    assert list(draft.pictures.chosen()) == [pictures[0], pictures[1], pictures[4]]


def test_pictures_of_another_set_cannot_be_chosen(draft, upload, bob):
    theirs = upload(Dataset.objects.create(kind="draft", wallet=bob))
    mine = upload(draft)
    with pytest.raises(Picture.DoesNotExist):
        draft.choose([mine.pk, theirs.pk])
    theirs.refresh_from_db()
    assert theirs.chosen


def test_what_cannot_be_used_cannot_be_chosen(draft, upload):
    picture = upload(draft)
    picture.give_up("Damaged.")
    draft.choose([picture.pk])
    draft.choose_all()
    assert draft.pictures.chosen().count() == 0


def test_removing_a_picture_removes_its_files(draft, upload):
    picture, other = upload(draft, 1), upload(draft, 2)
    picture.remove()
    archives.sweep()
    assert list(draft.pictures.all()) == [other]
    assert {name.split("/")[1] for name in files()} == {other.thumbnails.split("/")[1]}
    assert TemporaryFolder.objects.count() == 0


def test_turning_makes_new_thumbnails_and_leaves_the_original_alone(draft, upload):
    picture = upload(draft, size=(600, 300))
    before = picture.original, storage.read(picture.original), picture.square_url
    picture.rotate()
    picture.refresh_from_db()
    assert (picture.rotation, picture.original) == (90, before[0])
    assert storage.read(picture.original) == before[1]
    assert picture.square_url != before[2]
    archives.sweep()
    assert storage.read(f"{picture.thumbnails}/160.avif")
    for _turn in range(3):
        picture.rotate()
        picture.refresh_from_db()
    assert picture.rotation == 0


def test_freezing_needs_enough_pictures_and_all_of_them(draft, upload):
    for seed in range(3):
        upload(draft, seed)
    with pytest.raises(NotReady, match="at least 4 pictures; you have chosen 3"):
        draft.freeze()
    remote = Picture.objects.create(
        dataset=draft, position=9, remote_url="http://127.0.0.1:9/a.jpg", block_id=1
    )
    with pytest.raises(NotReady, match="did not arrive"):
        draft.freeze()
    draft.open_channel("glaze-tests")
    remote.block_id, remote.position = 2, 10
    remote.save(force_insert=True)
    with pytest.raises(NotReady, match="still on their way"):
        draft.freeze()
    remote.remove()
    for seed in range(3, 16):
        upload(draft, seed)
    draft.pictures.update(chosen=True)
    with pytest.raises(NotReady, match="at most 15"):
        draft.freeze()


def test_a_frozen_set_holds_only_what_was_chosen_and_has_a_digest(full, upload):
    extra = upload(full, 9)
    full.choose([picture.pk for picture in full.pictures.exclude(pk=extra.pk)])
    full.freeze()
    full.refresh_from_db()
    assert (full.kind, full.status, full.due_at) == ("training", "ready", None)
    assert full.pictures.count() == 4
    assert len(full.digest) == 64
    archives.sweep()
    assert len(files()) == 4 * 5


def test_the_digest_tells_sets_apart(full):
    twin, other = full.copy(), full.copy()
    other.write_captions({other.pictures.first().pk: "a vase"})
    for dataset in (full, twin, other):
        dataset.freeze()
    assert full.digest == twin.digest != other.digest


def test_a_frozen_set_refuses_every_change(full, upload, arena_api):
    """U13."""
    picture = full.pictures.first()
    full.freeze()
    for change in (
        lambda: upload(full, 7),
        lambda: full.choose([]),
        full.choose_all,
        lambda: full.write_captions({picture.pk: "late"}),
        lambda: full.open_channel("glaze-tests"),
        full.freeze,
        picture.rotate,
        picture.remove,
    ):
        with pytest.raises(Frozen):
            change()
    assert full.pictures.count() == 4


@pytest.mark.parametrize(
    "change",
    [
        lambda frozen: frozen.pictures.update(caption="late"),
        lambda frozen: frozen.pictures.all().delete(),
        lambda frozen: frozen.pictures.filter(position=0).update(rotation=90),
        lambda frozen: Picture.objects.create(dataset=frozen, position=99),
        lambda frozen: Dataset.objects.filter(pk=frozen.pk).update(kind="draft", digest=""),
        lambda frozen: Dataset.objects.filter(pk=frozen.pk).update(digest="0" * 64),
    ],
)
def test_the_database_itself_keeps_a_frozen_set_as_it_is(full, change):
    full.freeze()
    with pytest.raises(IntegrityError, match="rozen"), transaction.atomic():
        change(full)
    assert list(full.pictures.values_list("caption", "rotation")) == [("", 0)] * 4


def test_a_frozen_set_can_be_deleted_as_a_whole(full):
    full.freeze()
    full.remove()
    archives.sweep()
    assert Dataset.objects.count() == Picture.objects.count() == 0
    assert files() == set()


def test_a_copy_shares_the_files_until_the_last_one_is_gone(full):
    full.write_captions({full.pictures.first().pk: "a vase"})
    full.freeze()
    copy = full.copy()
    assert (copy.kind, copy.digest, copy.wallet_id) == ("draft", "", full.wallet_id)
    assert [picture.caption for picture in copy.pictures.all()] == ["a vase", "", "", ""]
    assert len(files()) == 4 * 5
    copy.pictures.first().remove()
    archives.sweep()
    assert len(files()) == 4 * 5
    full.remove()
    archives.sweep()
    assert len(files()) == 3 * 5
    copy.remove()
    archives.sweep()
    assert files() == set()


def test_what_is_missing_is_loaded_into_the_copy(draft):
    Picture.objects.create(dataset=draft, position=0, block_id=1, remote_url="https://x.example/")
    copy = draft.copy()
    assert (copy.status, copy.is_working) == ("loading", True)


def test_a_shoot_is_not_frozen_but_copied(alice, upload):
    person = Person.objects.create(wallet=alice, name="Mara")
    shoot = Dataset.objects.create(kind="shoot", wallet=alice, person=person, costume="Space suit")
    for seed in range(4):
        upload(shoot, seed)
    with pytest.raises(ValueError, match="Only a draft"):
        shoot.freeze()
    copy = shoot.copy()
    copy.freeze()
    assert (copy.person, copy.costume) == (person, "Space suit")
    shoot.refresh_from_db()
    assert shoot.kind == "shoot"
    [listed] = Dataset.objects.shoots()
    assert listed.number == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "draft"},
        {"kind": "shoot", "browser": b"x"},
        {"kind": "training", "wallet": True},
        {"kind": "draft", "wallet": True, "digest": "x"},
        {"kind": "shoot", "wallet": True, "costume": "Space suit"},
        {"kind": "draft", "wallet": True, "status": "lost"},
    ],
)
def test_the_database_knows_what_a_dataset_is(alice, wrong):
    if wrong.get("wallet"):
        wrong = wrong | {"wallet": alice}
    with pytest.raises(IntegrityError), transaction.atomic():
        Dataset.objects.create(**wrong)


def test_drafts_that_nobody_can_open_are_swept(alice, upload):
    old = Dataset.objects.create(kind="draft", browser=b"x")
    upload(old)
    new = Dataset.objects.create(kind="draft", browser=b"x")
    kept = Dataset.objects.create(kind="draft", wallet=alice)
    ancient = Now() - timedelta(days=9)
    Dataset.objects.exclude(pk=new.pk).update(created_at=ancient)
    archives.sweep()
    archives.sweep()
    assert set(Dataset.objects.all()) == {new, kept}
    assert files() == set()


def test_a_folder_that_cannot_be_removed_is_tried_again_and_holds_nobody_up(
    draft, upload, monkeypatch
):
    upload(draft).remove()

    def broken(name: str) -> None:
        raise TryAgainLater("Not now.")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "delete_folder", broken)
        with pytest.raises(TryAgainLater):
            archives.sweep()
    archives.sweep()
    assert len(files()) == 5
    TemporaryFolder.objects.update(expires_at=Now())
    archives.sweep()
    assert files() == set()


def test_a_sweep_with_nothing_to_do_asks_the_database_twice(django_assert_num_queries):
    with django_assert_num_queries(2):
        archives.sweep()


@pytest.mark.django_db(transaction=True)
def test_parallel_uploads_lose_no_picture_and_choose_no_more_than_fit(draft, settings):
    settings.PICTURES_MAX = 5
    developed = [decoding.develop(jpeg(seed)) for seed in range(8)]

    def upload(each: decoding.Developed) -> None:
        try:
            Dataset.objects.get(pk=draft.pk).add_upload(each, name="x.jpg")
        finally:
            connection.close()

    threads = [threading.Thread(target=upload, args=[each]) for each in developed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(draft.pictures.values_list("position", flat=True)) == list(range(8))
    assert draft.pictures.chosen().count() == 5


@pytest.mark.django_db(transaction=True)
def test_an_upload_during_the_start_is_either_in_or_out(full):
    """U14: the one who comes second waits, and then finds what the first one did."""
    late = decoding.develop(jpeg(20))
    outcome = []

    def upload() -> None:
        try:
            Dataset.objects.get(pk=full.pk).add_upload(late, name="late.jpg")
        except Frozen as error:
            outcome.append(error)
        finally:
            connection.close()

    with transaction.atomic():
        full.freeze()
        thread = threading.Thread(target=upload)
        thread.start()
        thread.join(timeout=0.7)
        assert thread.is_alive()
    thread.join()
    assert len(outcome) == 1
    assert full.pictures.count() == 4


def test_a_folder_that_the_sweep_may_have_is_not_taken(draft):
    developed = decoding.develop(jpeg())
    folder = folders.keep(files_of(developed))
    TemporaryFolder.objects.update(expires_at=Now())
    picture = Picture(dataset=draft, position=0)
    with pytest.raises(TryAgainLater), transaction.atomic():
        picture.kept_as(developed, folder)
    assert draft.pictures.count() == 0


def test_a_draft_is_adopted_once(alice, bob):
    draft = Dataset.objects.create(kind="draft", browser=b"x" * 32)
    draft.adopt(alice)
    draft.adopt(bob)
    assert draft.wallet == alice


def test_the_fence_of_a_step_is_not_read_anew_by_locking(draft):
    draft.open_channel("x")
    claimed = Dataset.objects.claim(draft.pk)
    seen = claimed.fence
    Dataset.objects.update(fence=F("fence") + 1)
    with transaction.atomic():
        claimed.lock()
    assert claimed.fence == seen


def test_strangers_ids_in_captions_are_passed_over(draft, upload, bob):
    theirs = upload(Dataset.objects.create(kind="draft", wallet=bob))
    mine = upload(draft)
    draft.write_captions({mine.pk: "mine", theirs.pk: "stolen", uuid4(): "nobody's"})
    assert set(Picture.objects.values_list("caption", flat=True)) == {"mine", ""}


def test_the_strip_is_made_once_and_again_when_the_frames_change(full):
    full.develop_strip()
    first = full.strip
    assert storage.read(f"{first}/strip.avif")
    assert len(full.palette) == 6
    full.develop_strip()
    assert full.strip == first
    full.pictures.first().rotate()
    full.develop_strip()
    assert full.strip != first
    archives.sweep()
    assert not any(name.startswith(first) for name in files())
    assert storage.read(f"{full.strip}/strip.webp")
