"""What workers do for wishes: order once, ask, keep; whatever the world and the person do."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import httpx
import pytest
from django.db.models import F
from django.db.models.functions import Now
from PIL import Image

from datasets import archives, retouch_steps, storage
from datasets.decoding import develop
from datasets.models import Dataset, Picture, TemporaryFolder
from datasets.retouches import Retouch
from loratrainer.jobs import StaleJob
from loratrainer.outcomes import Succeeded
from tests.datasets.photographs import jpeg

pytestmark = pytest.mark.django_db
CAPTION = "/fal/queue/fal-ai/florence-2-large/more-detailed-caption"
CUTOUT = "/fal/queue/fal-ai/imageutils/rembg"
STATUS = "/fal/queue/*/status"
HAND = "a jar, by hand"


@pytest.fixture
def picture(fal, draft: Dataset, upload) -> Picture:
    return upload(draft, 1, size=(600, 400))


def wish(picture: Picture, kind: str = "caption") -> Retouch:
    with picture.dataset.editing():
        Retouch.begin(picture.dataset.wallet, Retouch.Kind(kind), [picture])
    return Retouch.objects.get(picture=picture, kind=kind, due_at__isnull=False)


def step(retouch: Retouch) -> Retouch:
    """One step of it, now."""
    retouch.hurry()
    claimed = Retouch.objects.claim(retouch.pk)
    claimed.advance()
    return claimed


def is_working(retouch: Retouch) -> Retouch:
    """The wish, ordered."""
    claimed = step(retouch)
    assert claimed.status == "working"
    return claimed


def archived(dataset: Dataset) -> Image.Image:
    file = io.BytesIO()
    archives.write(dataset, file, caption=lambda picture: picture.caption)
    archive = zipfile.ZipFile(file)
    return Image.open(io.BytesIO(archive.read(archive.namelist()[0])))


def corner(image: Image.Image) -> tuple[int, ...]:
    return image.convert("RGB").getpixel((0, 0))


# --- Captions -------------------------------------------------------------------------------------


def test_a_picture_is_described(picture, fulfil):
    wish(picture)
    fulfil()
    picture.refresh_from_db()
    assert picture.caption.startswith("Simulated caption: ")
    assert picture.caption_is_automatic
    assert Retouch.objects.get().status == "completed"


def test_what_somebody_types_meanwhile_stays(picture, fulfil):
    is_working(wish(picture))
    picture.dataset.write_captions({picture.pk: HAND})
    fulfil()
    picture.refresh_from_db()
    assert (picture.caption, picture.caption_is_automatic) == (HAND, False)
    assert Retouch.objects.get().status == "completed"


def test_without_the_condition_it_would_not_stay(picture, fulfil, monkeypatch):
    everything = lambda rows: rows.all()  # noqa: E731 - it stands in for one condition
    monkeypatch.setattr("datasets.pictures.PictureQuerySet.uncaptioned", everything)
    is_working(wish(picture))
    picture.dataset.write_captions({picture.pk: HAND})
    fulfil()
    picture.refresh_from_db()
    assert picture.caption != HAND


def test_a_caption_is_automatic_until_it_is_changed(picture, draft, fulfil):
    wish(picture)
    fulfil()
    picture.refresh_from_db()
    draft.write_captions({picture.pk: picture.caption})  # The whole form is sent as it stands.
    picture.refresh_from_db()
    assert picture.caption_is_automatic
    draft.write_captions({picture.pk: f"{picture.caption}, blue"})
    picture.refresh_from_db()
    assert not picture.caption_is_automatic


def test_a_long_caption_is_cut_between_words(picture):
    claimed = is_working(wish(picture))
    claimed = Retouch.objects.claim(claimed.pk) or claimed
    retouch_steps.keep_caption(claimed, picture, "many\n words " * 200 + "\0")
    picture.refresh_from_db()
    assert len(picture.caption) <= 1000
    assert picture.caption.endswith("many words…") or picture.caption.endswith("many…")


def test_the_trainers_view_is_described_and_not_the_original(picture, fulfil, fal):
    picture.cut([0, 0, 0.5, 1])
    picture.refresh_from_db()
    picture.rotate()
    wish(picture)
    fulfil()
    given = fal.journal()[-1]["input"]["image_url"]
    assert Image.open(io.BytesIO(httpx.get(given).content)).size == (400, 300)


def test_an_address_that_the_outside_can_read_is_handed_on(picture, settings, monkeypatch):
    settings.SITE_URL = "https://lora.example"

    class NoUpload:
        def upload(self, picture: bytes, *, suffix: str) -> str:
            raise AssertionError("uploaded for nothing")

    url = retouch_steps.picture_url(picture, "caption", NoUpload())
    assert url.startswith("https://lora.example/files/")


# --- Orders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("do", ["accept_then_500", "accept_then_reset", "garbage"])
def test_an_order_in_doubt_is_said_and_not_sent_again(picture, fal, fulfil, do):
    fal.script({"match": {"path": CAPTION, "method": "POST"}, "do": do})
    before = len(fal.journal())
    wish(picture)
    fulfil()
    failed = Retouch.objects.get()
    assert (failed.status, failed.error) == (
        *("failed", "It is not certain that the order arrived. Ask once more."),
    )
    assert len(fal.journal()) == before + 1
    wish(picture)  # The person may.
    fulfil()
    picture.refresh_from_db()
    assert picture.caption


def test_a_worker_that_dies_while_ordering_leaves_doubt(picture, fal):
    before = len(fal.journal())
    begun = wish(picture)
    Retouch.objects.filter(pk=begun.pk).update(sent_at=Now())
    assert step(begun).status == "failed"
    assert len(fal.journal()) == before


def test_a_refused_order_says_why_and_takes_no_place(picture, fal, fulfil):
    body = {"detail": [{"loc": ["body", "image_url"], "msg": "Too odd", "type": "value_error"}]}
    fal.script({"match": {"path": CAPTION}, "do": "status", "status": 422, "body": body})
    wish(picture)
    fulfil()
    failed = Retouch.objects.get()
    assert failed.error == "fal.ai refused the order: image_url: Too odd"
    assert not Retouch.objects.counted().exists()


def test_a_service_that_is_busy_is_asked_again(picture, fal, fulfil):
    fal.script({"match": {"path": CAPTION}, "do": "status", "status": 429})
    waits = step(wish(picture))
    assert (waits.status, waits.sent_at, waits.note) == (
        *("submitting", None, "fal.ai asks us to slow down."),
    )
    fulfil()
    picture.refresh_from_db()
    assert picture.caption


def test_a_service_that_is_away_while_it_works_is_asked_again(picture, fal, fulfil):
    working = is_working(wish(picture))
    fal.script({"match": {"path": STATUS}, "do": "reset"})
    assert step(working).note == "fal.ai did not answer."
    fulfil()
    assert Retouch.objects.get().status == "completed"


def test_what_fails_there_fails_here_in_words(picture, fal, fulfil):
    fal.script({"match": {"path": CUTOUT}, "do": "fail", "message": "CUDA is out of memory"})
    wish(picture, "cutout")
    fulfil()
    failed = Retouch.objects.get()
    assert failed.status == "failed"
    assert failed.error == "fal.ai could not do it: CUDA is out of memory"


def test_it_does_not_wait_for_ever(picture, fal):
    fal.script({"match": {"path": CAPTION}, "do": "never_finish"})
    working = is_working(wish(picture))
    Retouch.objects.filter(pk=working.pk).update(deadline_at=Now())
    assert step(working).status == "failed"


def test_a_picture_that_is_removed_meanwhile_ends_its_wishes(picture, fulfil):
    working = is_working(wish(picture))
    begun = wish(picture, "cutout")
    picture.remove()
    assert step(working).error == "The image was removed."
    assert step(begun).error == "The image was removed."
    assert Retouch.objects.counted().count() == 1


@pytest.mark.parametrize("kind", ["caption", "cutout"])
def test_a_set_that_is_frozen_meanwhile_stays_as_it_is(picture, draft, upload, fulfil, kind):
    for seed in range(2, 5):
        upload(draft, seed)
    working = is_working(wish(picture, kind))
    Retouch.objects.filter(pk=working.pk).update(due_at=None, status="failed")  # Freezing waits.
    draft.freeze()
    Retouch.objects.filter(pk=working.pk).update(due_at=Now(), status="working")
    fulfil()
    assert Retouch.objects.get().error == "The image was removed, or trained with meanwhile."
    picture.refresh_from_db()
    assert (picture.caption, picture.cutout) == ("", "")


def test_a_worker_that_is_overtaken_writes_nothing(picture):
    working = is_working(wish(picture))
    working.hurry()
    slow = Retouch.objects.claim(working.pk)
    Retouch.objects.filter(pk=working.pk).update(fence=F("fence") + 1)
    with pytest.raises(StaleJob):
        retouch_steps.keep_caption(slow, picture, "a jar")
    picture.refresh_from_db()
    assert picture.caption == ""


# --- Cut-outs -------------------------------------------------------------------------------------


@pytest.fixture
def jar(fal, draft: Dataset, upload) -> Picture:
    """Something dark on a grey ground, which the sandbox can tell apart."""
    image = Image.new("RGB", (600, 400), (120, 120, 120))
    image.paste((20, 30, 200), (200, 100, 400, 300))
    file = io.BytesIO()
    image.save(file, "PNG")
    return draft.add_upload(develop(file.getvalue()), name="jar.png")


def test_the_background_is_white_in_what_is_seen_and_trained_with(jar, draft, fulfil):
    assert corner(archived(draft)) == (120, 120, 120)
    draft.develop_strip()
    strip, square = draft.strip, jar.square_url
    wish(jar, "cutout")
    fulfil()
    jar.refresh_from_db()
    assert jar.is_cut_out
    image = archived(draft)
    assert (image.size, corner(image)) == ((600, 400), (255, 255, 255))
    assert image.convert("RGB").getpixel((300, 200)) == (20, 30, 200)
    small = Image.open(io.BytesIO(storage.read(f"{jar.thumbnails}/640.webp")))
    assert min(corner(small)) > 245
    assert jar.square_url != square
    draft.develop_strip()
    assert draft.strip != strip
    assert jar.source_size == len(storage.read(jar.cutout))


def test_the_original_stays_and_comes_back(jar, draft, fulfil):
    original = storage.read(jar.original)
    wish(jar, "cutout")
    fulfil()
    jar.refresh_from_db()
    jar.put_background_back()
    jar.refresh_from_db()
    assert not jar.is_cut_out
    assert storage.read(jar.original) == original
    assert corner(archived(draft)) == (120, 120, 120)
    assert storage.read(jar.cutout)


def test_a_picture_that_was_cut_out_once_is_not_ordered_again(jar, fulfil, fal):
    wish(jar, "cutout")
    fulfil()
    jar.refresh_from_db()
    jar.put_background_back()
    jar.refresh_from_db()
    orders = len(fal.journal())
    jar.remove_background(jar.dataset.wallet)
    jar.refresh_from_db()
    assert jar.is_cut_out
    assert len(fal.journal()) == orders
    assert Retouch.objects.count() == 1


def test_turning_and_cropping_go_on_as_before(jar, draft, fulfil):
    jar.cut([0, 0, 0.5, 1])
    wish(jar, "cutout")
    fulfil()
    jar.refresh_from_db()
    assert archived(draft).size == jar.shown_size == (300, 400)
    jar.rotate()
    jar.refresh_from_db()
    assert archived(draft).size == jar.shown_size == (400, 300)
    assert corner(archived(draft)) == (255, 255, 255)
    jar.put_background_back()
    assert archived(draft).size == (400, 300)


def test_a_picture_that_is_turned_meanwhile_is_cut_out_as_it_is_now(jar, monkeypatch):
    working = is_working(wish(jar, "cutout"))
    frame, turns = Picture._frame, []

    def turned_in_between(self: Picture, **wanted: object) -> bool:
        if wanted.get("is_cut_out") and not turns:
            turns.append(1)
            other = Picture.objects.get(pk=self.pk)
            frame(other, rotation=90)
        return frame(self, **wanted)

    monkeypatch.setattr(Picture, "_frame", turned_in_between)
    for _look in range(40):
        if not working.is_working:
            break
        working = step(working)
    jar.refresh_from_db()
    assert (jar.rotation, jar.is_cut_out, working.status) == (90, True, "completed")
    assert archived(jar.dataset).size == (400, 600)


def test_a_step_that_runs_twice_keeps_one_cutout(jar, fulfil):
    wish(jar, "cutout")
    fulfil()
    jar.refresh_from_db()
    cutout = jar.cutout
    done = Retouch.objects.get()
    Retouch.objects.filter(pk=done.pk).update(status="working", due_at=Now())
    fulfil()
    jar.refresh_from_db()
    assert jar.cutout == cutout
    assert Retouch.objects.get().status == "completed"


def test_a_cutout_of_another_shape_is_not_used(jar, fal, fulfil, monkeypatch):
    wide = jpeg(3, (900, 300))
    url = retouch_steps.get_retoucher("fal").upload(wide, suffix="jpg")
    monkeypatch.setattr("providers.fal_pictures.FalRetoucher.check", lambda *_args: Succeeded(url))
    wish(jar, "cutout")
    fulfil()
    words = "The cut-out came back in another shape, so it was not used."
    assert Retouch.objects.get().error == words
    jar.refresh_from_db()
    assert (jar.cutout, jar.is_cut_out) == ("", False)


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/image.png", "http://169.254.169.254/latest/meta-data"]
)
def test_an_address_that_is_not_the_services_is_not_opened(jar, fulfil, monkeypatch, url):
    monkeypatch.setattr("providers.fal_pictures.FalRetoucher.check", lambda *_args: Succeeded(url))
    wish(jar, "cutout")
    fulfil()
    failed = Retouch.objects.get()
    assert failed.status == "failed"
    assert failed.error
    jar.refresh_from_db()
    assert not jar.cutout


def test_what_comes_back_is_no_picture(jar, fal, fulfil):
    match = {"path": "/fal/files/files/*", "method": "GET", "nth": 2}
    fal.script({"match": match, "do": "swap_file", "body": "<script>alert(1)</script>"})
    wish(jar, "cutout")
    fulfil()
    assert Retouch.objects.get().error == "This is not a JPEG, PNG or WebP picture."


def test_the_files_of_a_cutout_go_with_its_picture_and_not_before(jar, draft, fulfil, media):
    wish(jar, "cutout")
    fulfil()
    jar.refresh_from_db()
    copy = draft.copy()
    kept = jar.cutout
    jar.remove()
    TemporaryFolder.objects.update(expires_at=Now() - timedelta(hours=1))
    archives.sweep()
    assert storage.read(kept)
    copied = copy.pictures.get()
    assert (copied.cutout, copied.is_cut_out) == (kept, True)
    copy.remove()
    archives.sweep()
    assert not (media / kept).exists()
    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_the_digest_of_a_set_tells_a_cutout_from_its_original(jar, draft, upload, fulfil):
    for seed in range(2, 5):
        upload(draft, seed)
    before = draft._digest()
    wish(jar, "cutout")
    fulfil()
    assert draft._digest() != before
    draft.freeze()
    assert archived(draft).size == (600, 400)
