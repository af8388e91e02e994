"""Pictures in a real browser: uploaded, imported, chosen, captioned, and there after a reload."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import APIResponse, Error, Page, Route, expect

from datasets.decoding import Decoders
from datasets.models import Dataset, Picture
from tests.datasets.photographs import TEXT, jpeg, png
from tests.e2e.conftest import barriers, hold_first, let_go
from tests.processes import wait_until
from tests.sandbox_process import SandboxProcess

pytestmark = [
    pytest.mark.usefixtures("no_demo_wallet", "media"),
    pytest.mark.django_db(transaction=True),
]
DROP = """(zone, files) => {
  const transfer = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  }
  const say = (type) => zone.dispatchEvent(
    new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
  say("dragenter");
  say("dragover");
  if (!zone.classList.contains("over")) throw new Error("nothing shows where to drop");
  say("drop");
}"""


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> None:
    options = {"location": str(tmp_path / "media"), "base_url": None}
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "datasets.storage.DiskStorage", "OPTIONS": options}
    }


@pytest.fixture(scope="module", autouse=True)
def decoders() -> Iterator[None]:
    yield
    Decoders.current.close()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as process:
        yield process


@pytest.fixture
def arena(sandbox: SandboxProcess, settings: Any) -> SandboxProcess:
    settings.ARENA_URL = f"{sandbox.url}/arena"
    settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"arena": [sandbox.url]}
    return sandbox


@pytest.fixture
def worker() -> Iterator[None]:
    """A worker in a thread: claims what is due, as Celery's would."""
    stopped = threading.Event()

    def work() -> None:
        while not stopped.wait(0.05):
            for pk in Dataset.objects.due().values_list("pk", flat=True):
                if claimed := Dataset.objects.claim(pk):
                    claimed.advance()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stopped.set()
    thread.join()


@pytest.fixture
def begun(open_page: Callable[..., Page]) -> Callable[..., Page]:
    """`begun(width=390)`: the page of a new draft in a new browser."""

    def begun(**options: Any) -> Page:
        page = open_page("/shoots", **options)  # Leads to the sign-in page, which has a token.
        url = page.evaluate(
            """async () => {
              const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
              const answer = await fetch("/datasets", {
                method: "POST", headers: { Accept: "application/json", "X-CSRFToken": token } });
              return (await answer.json()).url;
            }"""
        )
        page.goto(url)
        return page

    return begun


def files(tmp_path: Path, number: int) -> list[Path]:
    paths = [tmp_path / f"picture-{seed}.jpg" for seed in range(number)]
    for seed, path in enumerate(paths):
        path.write_bytes(jpeg(seed, (600, 520)))
    return paths


def upload(page: Page, paths: list[Path]) -> None:
    page.get_by_role("radio", name="Upload").check()
    page.locator("input[type=file]").set_input_files(paths)


def frames(page: Page) -> Any:
    return page.locator("#sheet input[type=checkbox]")


def test_several_pictures_are_picked_and_the_refused_ones_say_why(begun, strict, tmp_path):
    page = begun()
    (tmp_path / "text.png").write_bytes(TEXT)
    (tmp_path / "huge.jpg").write_bytes(b"\xff\xd8\xff" + b"\0" * 10_000_000)
    upload(page, [*files(tmp_path, 5), tmp_path / "text.png", tmp_path / "huge.jpg"])
    expect(frames(page)).to_have_count(5, timeout=20_000)
    rows = page.locator("[data-uploads] li")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="text.png")).to_contain_text("not a JPEG, PNG or WebP picture")
    expect(rows.filter(has_text="huge.jpg")).to_contain_text("This file is larger than 10 MB.")
    rows.first.get_by_role("button", name="Dismiss").click()
    rows.first.get_by_role("button", name="Dismiss").click()
    expect(page.locator("[data-uploads]")).to_be_hidden()
    expect(page.locator("#chosen")).to_have_text("5 of 5 chosen")
    expect(page.locator("#captions textarea")).to_have_count(5)
    page.reload()
    expect(frames(page)).to_have_count(5, timeout=20_000)
    strict.expect("422")


def test_pictures_that_are_chosen_before_the_script_arrives_are_uploaded(page, tmp_path):
    held = hold_first(page, "**/pictures*.js")
    page.goto("/", wait_until="commit")  # Where the script comes early, "load" waits for it.
    upload(page, files(tmp_path, 2))
    let_go(page, held)
    expect(frames(page)).to_have_count(2, timeout=20_000)


def test_pictures_are_dropped(begun, tmp_path):
    page = begun()
    page.get_by_role("radio", name="Upload").check()
    dropped = [
        [path.name, base64.b64encode(path.read_bytes()).decode()] for path in files(tmp_path, 3)
    ]
    page.locator(".drop").evaluate(DROP, dropped)
    expect(frames(page)).to_have_count(3, timeout=20_000)
    expect(page.locator(".drop.over")).to_have_count(0)
    loaded = page.locator("#sheet img").evaluate_all(
        "images => Promise.all(images.map((it) => it.decode().then(() => it.naturalWidth)))"
    )
    assert loaded == [160, 160, 160]


def test_a_lost_connection_can_be_tried_again(begun, strict, tmp_path):
    page = begun()
    page.route("**/pictures", lambda route: route.abort())
    upload(page, files(tmp_path, 1))
    row = page.locator("[data-uploads] li")
    expect(row).to_contain_text("The connection was lost")
    page.unroute("**/pictures")
    row.get_by_role("button", name="Try again").click()
    expect(frames(page)).to_have_count(1, timeout=20_000)
    expect(page.locator("[data-uploads]")).to_be_hidden()
    strict.expect("ERR_FAILED")


def test_captions_are_kept_while_they_are_typed(begun, tmp_path):
    page = begun()
    upload(page, files(tmp_path, 2))
    first = page.get_by_label("Caption for image 1", exact=True)
    with page.expect_response("**/caption"):
        first.fill("a teal vase")
    first.press_sequentially(", one stone")
    page.reload()  # At once: what was just typed is on its way.
    wait_until(lambda: Picture.objects.filter(caption="a teal vase, one stone").exists(), within=5)
    page.reload()
    expect(page.get_by_label("Caption for image 1", exact=True)).to_have_value(
        "a teal vase, one stone"
    )
    page.get_by_label("Caption for image 2").fill("typed, not yet kept")
    page.get_by_role("button", name="Remove image 1").click()
    expect(frames(page)).to_have_count(1, timeout=20_000)
    expect(page.get_by_label("Caption for image 1", exact=True)).to_have_value(
        "typed, not yet kept"
    )
    page.reload()
    expect(page.get_by_label("Caption for image 1", exact=True)).to_have_value(
        "typed, not yet kept"
    )


def test_however_slow_the_answers_are_the_last_words_of_a_caption_are_kept(begun, tmp_path):
    page = begun()
    upload(page, files(tmp_path, 1))
    held = hold_first(page, "**/caption")
    for typed in ("a", "a teal", "a teal vase"):
        page.get_by_label("Caption for image 1").fill(typed)
        page.wait_for_timeout(800)  # Longer than the pause after which it is kept.
    let_go(page, held)
    wait_until(lambda: page.evaluate("1") and Picture.objects.get().caption == "a teal vase")


def test_each_click_turns_a_picture_however_slow_the_answers_are(begun, tmp_path):
    page = begun()
    upload(page, files(tmp_path, 1))
    held = hold_first(page, "**/rotate")
    for _click in range(3):
        page.get_by_role("button", name="Rotate image 1").click()
    let_go(page, held)
    wait_until(lambda: page.evaluate("1") and Picture.objects.get().rotation == 270)


def test_a_picture_is_turned(begun, tmp_path):
    page = begun()
    upload(page, files(tmp_path, 1))
    image = page.locator("#sheet img")
    before = image.get_attribute("src")
    page.get_by_role("button", name="Rotate image 1").click()
    expect(image).not_to_have_attribute("src", before)
    expect(page.locator("#captions img")).to_have_attribute("src", image.get_attribute("src"))


def test_a_part_of_a_picture_is_drawn(begun, strict, tmp_path):
    page = begun()
    upload(page, files(tmp_path, 2))
    image = page.locator("#captions img").first
    before = image.get_attribute("src")
    page.get_by_role("link", name="Crop image 1").click()
    area = page.locator("[data-crop]")
    expect(area.locator("[data-box]")).to_be_visible()
    area.locator("img").evaluate("image => image.decode()")
    box = area.bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.0 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.95 * box["width"], box["y"] + 0.92 * box["height"], steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Keep this part").click()
    expect(page.locator("dialog")).to_have_count(0)
    expect(image).not_to_have_attribute("src", before)
    expect(page.get_by_role("link", name="Crop image 1")).to_be_focused()
    left, top, right, bottom = Picture.objects.exclude(crop=[]).get().crop
    assert (left, top, right, bottom) == pytest.approx((0.1, 0, 0.95, 0.92), abs=0.02)
    page.get_by_role("link", name="Crop image 1").click()
    page.get_by_label("Width").fill("2")
    page.get_by_role("button", name="Keep this part").click()
    expect(page.get_by_role("alert")).to_contain_text("It needs 256")
    page.get_by_role("button", name="Use all of it").click()
    expect(page.locator("dialog")).to_have_count(0)
    assert not Picture.objects.exclude(crop=[]).exists()
    strict.expect("422")


def test_pictures_are_put_in_order_with_the_keyboard(begun, tmp_path):
    page = begun()
    upload(page, files(tmp_path, 3))
    page.get_by_label("Caption for image 3").fill("the last one")
    page.get_by_role("button", name="Move image 3 up").focus()
    for place in (2, 1):
        with page.expect_response("**/earlier"):
            page.keyboard.press("Enter")
        field = page.get_by_label(f"Caption for image {place}")
        expect(field).to_have_value("the last one")
        expect(page.get_by_role("button", name=f"Move image {place} up")).to_be_focused()
    page.reload()
    expect(page.get_by_label("Caption for image 1")).to_have_value("the last one")


def test_words_are_replaced_in_all_captions(begun, axe, tmp_path):
    page = begun()
    upload(page, files(tmp_path, 2))
    for number, words in ((1, "a red vase"), (2, "red, red bowl")):
        with page.expect_response("**/caption"):
            page.get_by_label(f"Caption for image {number}").fill(words)
    page.get_by_role("link", name="Find and replace").click()
    page.get_by_label("Find", exact=True).fill("red")
    page.get_by_label("Replace with").fill("teal")
    expect(page.get_by_text("Found 3 times in 2 captions.")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("button", name="Replace all").click()
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.get_by_label("Caption for image 2")).to_have_value("teal, teal bowl")
    expect(page.get_by_role("link", name="Find and replace")).to_be_focused()


def test_frames_are_marked_with_the_keyboard_up_to_the_limit(begun, tmp_path, settings):
    settings.PICTURES_MAX = 3
    page = begun()
    upload(page, files(tmp_path, 5))
    expect(frames(page)).to_have_count(5, timeout=20_000)
    expect(page.locator("#chosen")).to_have_text("3 of 5 chosen")
    chosen = page.locator("#sheet input:checked")
    off = page.locator("#sheet input:disabled")
    expect(chosen).to_have_count(3)
    expect(off).to_have_count(2)
    chosen.first.focus()
    with page.expect_response("**/choose"):
        page.keyboard.press("Space")
    expect(off).to_have_count(0)
    expect(page.locator("#captions textarea")).to_have_count(2)
    expect(page.locator("#chosen")).to_have_text("2 of 5 chosen")
    frames(page).nth(4).focus()
    with page.expect_response("**/choose"):
        page.keyboard.press("Space")
    expect(off).to_have_count(2)
    page.reload()
    expect(page.locator("#chosen")).to_have_text("3 of 5 chosen")
    page.get_by_role("button", name="Choose none").click()
    expect(page.locator("#chosen")).to_have_text("0 of 5 chosen")
    expect(frames(page).first).not_to_be_checked()
    page.get_by_role("button", name="Choose the first 3").click()
    expect(page.locator("#chosen")).to_have_text("3 of 5 chosen")


def test_a_mark_that_is_made_while_the_sheet_is_on_its_way_stays(begun, tmp_path, settings):
    settings.PICTURES_MAX = 3
    page = begun()
    paths = files(tmp_path, 5)
    upload(page, paths[:4])
    off = page.locator("#sheet input:disabled")
    expect(off).to_have_count(1)
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        answer = route.fetch()
        if answer.text().count('type="checkbox"') == 5:
            held.append((route, answer))
        else:  # A look at the first four that came late.
            route.fulfill(response=answer)

    page.route("**/progress", hold)
    upload(page, paths[4:])
    wait_until(lambda: page.evaluate("1") and held, what="the sheet that is on its way")
    with page.expect_response("**/choose"):
        frames(page).first.uncheck(force=True)
    for _look in range(2):
        expect(frames(page)).to_have_count(5)
        expect(page.locator("#chosen")).to_have_text("2 of 5 chosen")
        expect(off).to_have_count(0)
        for route, answer in held:
            with suppress(Error):  # The page does not wait for it any more.
                route.fulfill(response=answer)
        page.wait_for_timeout(500)


def test_a_channel_is_imported_while_one_watches(begun, arena, worker):
    page = begun()
    link = page.get_by_label("Channel link")
    link.fill("www.are.na/kiln-room/glaze-tests/")
    page.get_by_role("button", name="Load images").click()
    expect(page.locator("#chosen")).to_have_text("15 of 18 chosen", timeout=90_000)
    expect(page.get_by_role("link", name="Glaze tests")).to_be_visible()
    expect(page.locator("#sheet")).to_contain_text("by Kiln Room: 18 images.")
    expect(page.locator("#sheet .pending")).to_have_count(0, timeout=90_000)
    expect(page.locator("#sheet progress")).to_have_count(0, timeout=90_000)
    expect(page.locator("#captions")).to_contain_text("by Mara Voss on Are.na")
    expect(page.locator("#captions textarea")).to_have_count(15)
    assert page.locator("#sheet").get_attribute("hx-trigger") is None


def test_a_mark_that_is_made_while_pictures_arrive_stays(begun, arena, worker, monkeypatch):
    monkeypatch.setattr("datasets.steps.THREADS", 1)
    monkeypatch.setattr("datasets.steps.BATCH", 1)
    page = begun()
    page.get_by_label("Channel link").fill("are.na/kiln-room/glaze-tests")
    page.get_by_role("button", name="Load images").click()
    expect(page.locator("#chosen")).to_have_text("15 of 18 chosen", timeout=90_000)
    frames(page).first.uncheck(force=True)
    expect(page.locator("#captions textarea")).to_have_count(14)  # The caption of the first went.
    page.get_by_label("Caption for image 1", exact=True).fill("while it loads")
    expect(page.locator("#sheet progress")).to_have_count(0, timeout=90_000)
    expect(frames(page).first).not_to_be_checked()
    expect(page.locator("#chosen")).to_have_text("14 of 18 chosen")
    expect(page.get_by_label("Caption for image 1", exact=True)).to_have_value("while it loads")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("https://www.are.na/block/12", "That is a single block."),
        ("https://www.are.na/teo-lind/links-only", "only links and texts"),
        ("https://www.are.na/mara-voss/private-sketches", "or it is private"),
    ],
)
def test_a_channel_that_cannot_be_used_says_so_and_is_kept_as_typed(
    begun, arena, worker, strict, typed, words
):
    page = begun()
    page.get_by_label("Channel link").fill(typed)
    page.get_by_role("button", name="Load images").click()
    expect(page.locator(".from-arena .err, #sheet .note")).to_contain_text(words, timeout=15_000)
    expect(page.get_by_label("Channel link")).to_have_value(typed)
    if "block" not in typed:
        page.reload()
        expect(page.get_by_label("Channel link")).to_have_value(typed)
    if "block" in typed:
        strict.expect("422")


def test_without_script_everything_is_a_form(begun, open_page, tmp_path):
    page = begun()
    cookies = page.context.cookies()
    plain = open_page("/", java_script_enabled=False)
    plain.context.add_cookies(cookies)
    plain.goto(page.url)
    plain.get_by_role("radio", name="Upload").check()
    plain.locator("input[type=file]").set_input_files([*files(tmp_path, 3)])
    plain.get_by_role("button", name="Upload", exact=True).click()
    expect(frames(plain)).to_have_count(3)
    frames(plain).first.uncheck(force=True)
    plain.get_by_role("button", name="Keep this choice").click()
    expect(plain.locator("#chosen")).to_have_text("2 of 3 chosen")
    plain.get_by_label("Caption for image 1").fill("a vase")
    plain.get_by_role("button", name="Keep captions").click()
    expect(plain.get_by_label("Caption for image 1")).to_have_value("a vase")
    plain.get_by_role("button", name="Rotate image 1").click()
    plain.get_by_role("link", name="Crop image 1").click()
    plain.get_by_label("Height").fill("90")
    plain.get_by_role("button", name="Keep this part").click()
    plain.get_by_role("link", name="Find and replace").click()
    plain.get_by_label("Find", exact=True).fill("vase")
    plain.get_by_label("Replace with").fill("bowl")
    plain.get_by_role("button", name="Find", exact=True).click()
    plain.get_by_role("button", name="Replace all").click()
    plain.get_by_role("button", name="Move image 2 up").click()
    expect(plain.get_by_label("Caption for image 2")).to_have_value("a bowl")
    plain.get_by_role("button", name="Remove image 1").click()
    expect(frames(plain)).to_have_count(2)
    expect(plain.get_by_label("Caption for image 1")).to_have_value("a bowl")


def test_no_barrier_and_nothing_over_the_edge(begun, tmp_path):
    page = begun()
    (tmp_path / "small.png").write_bytes(png(30))
    upload(page, [*files(tmp_path, 6), tmp_path / "small.png"])
    expect(frames(page)).to_have_count(7, timeout=20_000)
    expect(page.locator(".flags")).to_contain_text("Small: 320 × 300 pixels")  # noqa: RUF001
    expect(page.locator("#captions textarea")).to_have_count(7)
    for source in ("Are.na channel", "Upload", "Shoot"):
        page.get_by_role("radio", name=source).check()
        assert barriers(page) == [], source
    page.get_by_role("link", name="Crop image 1").click()
    expect(page.locator("[data-box]")).to_be_visible()
    assert barriers(page) == []
