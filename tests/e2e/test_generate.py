"""Images in a real browser: a real worker and beat, the real SDKs, the sandbox's drawings."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from playwright.sync_api import APIResponse, BrowserContext, Error, Locator, Page, Route, expect

from datasets import storage
from generations.models import Generation
from tests.e2e.conftest import hold_first, let_go
from tests.e2e.injected_wallet import InjectedWallet
from tests.factories import create_generation, create_training, create_wallet
from tests.generations.test_steps import create_lora
from tests.processes import wait_until
from tests.world import at_work, sandbox, sandbox_process, site
from trainings.models import Training
from wallets.models import Wallet

__all__ = ["at_work", "sandbox", "sandbox_process", "site"]

pytestmark = [
    pytest.mark.usefixtures("no_demo_wallet"),
    pytest.mark.django_db(transaction=True),
]

STYLE = Path(__file__).resolve().parents[2] / "static" / "img" / "style"
A_WHILE = 60_000
"""In milliseconds; a busy machine takes its time for a batch."""


@pytest.fixture
def lora(db: None) -> Training:
    """A public one whose pictures and weights are real files."""
    lora = create_lora(kind="style", trigger_word="risoprnt", name="Prints")
    strip = (STYLE / "strip-riso.avif").read_bytes()
    square = (STYLE / "set-00.avif").read_bytes()
    folder = f"strips/{lora.pk}"
    files = {f"{folder}/strip.{suffix}": strip for suffix in ("avif", "webp")}
    for picture in lora.dataset.pictures.all():
        for name in ("160.avif", "160.webp", "640.avif", "640.webp"):
            files[f"{picture.thumbnails}/{name}"] = square
    for name, content in files.items():
        storage.save(name, content)
    lora.dataset.strip = folder
    lora.dataset.save(update_fields=["strip"])
    Training.objects.filter(pk=lora.pk).update(picture_count=4)
    return lora


@pytest.fixture
def alice(db: None) -> Wallet:
    return create_wallet()


@pytest.fixture
def page(new_context: Callable[..., BrowserContext], alice: Wallet, live_server: Any) -> Page:
    """A browser in which alice is signed in."""
    context = new_context(reduced_motion="reduce")
    client = Client()
    client.force_login(alice)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return context.new_page()


FOCUSED = """() => {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return ["", ""];
  return [focused.innerText ?? "", focused.labels?.[0]?.innerText ?? ""];
}"""
"""What has the focus says, and what its label says."""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on what is called so."""
    for _ in range(60):
        page.keyboard.press("Tab")
        # Asked at once: a list that arrives meanwhile may take what has the focus away.
        text, label = page.evaluate(FOCUSED)
        if re.search(name, text) or label == name:
            return
    raise AssertionError(f"{name} cannot be reached with Tab")


def open_advanced(page: Page, lora: Training) -> Locator:
    """Open the dialog on the page of a LoRA, with its advanced settings."""
    page.goto(f"/loras/{lora.pk}")
    page.get_by_role("link", name="Generate images").click()
    dialog = page.get_by_role("dialog", name=lora.trigger_word)
    dialog.get_by_text("Advanced", exact=True).click()
    return dialog


def results(page: Page) -> Any:
    return page.get_by_role("list", name="Results", exact=True).get_by_role("listitem")


@pytest.mark.usefixtures("at_work")
def test_by_keyboard_from_the_page_of_a_lora_to_images_and_again(page, alice, lora, axe):
    page.goto(f"/loras/{lora.pk}")
    opener = page.get_by_role("link", name="Generate images")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="risoprnt")
    expect(dialog.get_by_role("heading")).to_be_focused()
    tab_to(page, "Prompt")
    page.keyboard.type("a paper boat on a lake")
    expect(dialog.get_by_text("22 / 500", exact=True)).to_be_visible()
    tab_to(page, "Advanced")
    page.keyboard.press("Enter")
    # A small picture is drawn quickly: the last one of the list, and then its two sides.
    dialog.get_by_label("Size").focus()
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    for _side in ("width", "height"):
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type("512")
        page.keyboard.press("Tab")
    expect(dialog.locator(".recipe")).to_contain_text("512 \N{MULTIPLICATION SIGN} 512")
    tab_to(page, "Generate 4 images")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("list", name="Results, on their way")).to_be_visible()
    expect(dialog.get_by_text("Generating 4 images.")).to_be_visible()
    expect(results(page)).to_have_count(4, timeout=A_WHILE)
    expect(dialog.get_by_text("7 of 8 generations remaining today")).to_be_visible()
    again = dialog.get_by_role("button", name="Generate again")
    expect(again).to_be_focused()
    images = [image.get_attribute("src") for image in results(page).get_by_role("img").all()]
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("list", name="Results, on their way")).to_be_visible()
    expect(results(page)).to_have_count(4, timeout=A_WHILE)
    assert images != [
        image.get_attribute("src") for image in results(page).get_by_role("img").all()
    ]
    expect(dialog.get_by_text("6 of 8 generations remaining today")).to_be_visible()
    first, second = alice.generations.all()
    assert first.prompt == second.prompt == "a paper boat on a lake"
    assert (first.seed != second.seed, first.width, second.height) == (True, 512, 512)
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()


@pytest.mark.usefixtures("at_work")
def test_whoever_is_nobody_connects_and_keeps_what_was_typed(new_context, site, lora):
    context = new_context(reduced_motion="reduce")
    wallet = InjectedWallet()
    wallet.install(context)
    page = context.new_page()
    page.goto(f"{site}/loras")
    page.get_by_role("link", name="Generate with risoprnt").click()
    dialog = page.get_by_role("dialog", name="risoprnt")
    dialog.get_by_label("Prompt").fill("a moon jar")
    dialog.get_by_text("Advanced", exact=True).click()
    dialog.get_by_role("radio", name="crunchy 2.5").check(force=True)
    dialog.get_by_role("link", name="Connect wallet").click()
    page.get_by_role("button", name=wallet.info["name"]).click()
    expect(dialog.get_by_text("8 of 8 generations remaining today")).to_be_visible()
    expect(dialog.get_by_label("Prompt")).to_have_value("a moon jar")
    dialog.get_by_role("button", name="Generate 4 images").click()
    expect(dialog.get_by_role("list", name="Results, on their way")).to_be_visible()
    batch = Generation.objects.get()
    assert (batch.prompt, batch.scale) == ("a moon jar", 2.5)
    # Closed and opened again, it is still there.
    dialog.get_by_role("link", name="Close").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("link", name="Generate with risoprnt").click()
    expect(dialog.get_by_label("Prompt")).to_have_value("a moon jar")
    expect(results(page)).to_have_count(4, timeout=A_WHILE)


def test_what_is_typed_before_the_script_arrives_counts(page, lora):
    held = hold_first(page, "**/generate*.js")
    page.goto(f"/loras/{lora.pk}")
    page.get_by_role("link", name="Generate images").click()
    dialog = page.get_by_role("dialog", name="risoprnt")
    dialog.get_by_label("Prompt").fill("a paper boat")
    dialog.get_by_text("Advanced", exact=True).click()
    dialog.get_by_role("radio", name="2", exact=True).check(force=True)
    let_go(page, held)
    expect(dialog.get_by_text("12 / 500", exact=True)).to_be_visible()
    expect(dialog.get_by_role("button", name="Generate 2 images")).to_be_visible()


def test_loras_are_added_by_keyboard_with_a_strength_each_and_taken_out_again(
    page, alice, lora, axe
):
    for word, kind in (("NEONTUBE", "style"), ("MIRAKI", "character")):
        create_training(status="completed", trigger_word=word, kind=kind)
    page.goto(f"/loras/{lora.pk}")
    page.get_by_role("link", name="Generate images").click()
    dialog = page.get_by_role("dialog", name="risoprnt")
    dialog.get_by_label("Prompt").fill("a moon jar")
    dialog.get_by_text("Advanced", exact=True).click()
    for word in ("NEONTUBE", "MIRAKI"):
        search = dialog.get_by_label("Add a LoRA")
        search.fill(word.lower()[:5])
        search.press("Enter")  # It searches, and generates nothing.
        expect(dialog.get_by_role("link", name=word)).to_be_visible()
        tab_to(page, word)
        page.keyboard.press("Enter")
        expect(dialog.get_by_label(f"{word} strength")).to_be_focused()
        if word == "NEONTUBE":
            page.keyboard.press("ControlOrMeta+a")
            page.keyboard.type("0.7")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(dialog.get_by_label("NEONTUBE strength")).to_have_value("0.7")
    expect(dialog.get_by_label("Prompt")).to_have_value("a moon jar")
    expect(dialog.locator(".under")).to_contain_text("MIRAKI is put in front for you.")
    expect(dialog.locator(".under")).to_contain_text("in the style of risoprnt and NEONTUBE")
    dialog.get_by_role("link", name="Take MIRAKI out").press("Enter")
    expect(dialog.get_by_label("MIRAKI strength")).to_have_count(0)
    expect(dialog.get_by_label("Add a LoRA")).to_be_focused()
    assert not alice.generations.exists()
    dialog.get_by_role("button", name="Generate 4 images").click()
    expect(dialog.get_by_role("list", name="Results, on their way")).to_be_visible()
    [addition] = alice.generations.get().additions
    assert (addition.training.trigger_word, addition.scale) == ("NEONTUBE", 0.7)


def test_a_list_of_loras_that_comes_late_does_no_harm(page, lora):
    create_training(status="completed", trigger_word="NEONTUBE")
    late: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        late.append((route, route.fetch()))

    page.route(re.compile("additions.*q=$|additions.*q=nothing"), hold)
    dialog = open_advanced(page, lora)
    search = dialog.get_by_label("Add a LoRA")
    search.press_sequentially("nothing")
    wait_until(lambda: page.evaluate("1") and late, what="the answer that comes late")
    search.fill("neon")
    search.press("Enter")
    tab_to(page, "NEONTUBE")
    for route, answer in late:
        with suppress(Error):  # The page does not wait for it any more.
            route.fulfill(response=answer)
    with page.expect_response(re.compile("additions.*q=neon")):
        search.evaluate("field => field.form.requestSubmit()")  # What asks again takes no focus.
    page.wait_for_timeout(500)
    expect(dialog.get_by_role("link", name="NEONTUBE")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("NEONTUBE strength")).to_be_focused()


def test_typing_goes_on_while_images_are_drawn(page, alice, lora):
    batch = create_generation(training=lora, wallet=alice, status="generating", prompt="the first")
    page.goto(f"/loras/{lora.pk}")
    page.get_by_role("link", name="Generate images").click()
    prompt = page.get_by_role("dialog").get_by_label("Prompt")
    expect(prompt).to_have_value("the first")
    prompt.fill("the second")
    with page.expect_response(f"**/generations/{batch.pk}"):
        Generation.objects.filter(pk=batch.pk).update(
            status="failed", due_at=None, error="fal.ai refused.", is_counted=False
        )
    expect(page.get_by_text("The images did not arrive")).to_be_visible()
    expect(prompt).to_have_value("the second")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_what_goes_wrong_leaves_what_was_typed(page, strict, lora, settings, axe):
    page.goto(f"/loras/{lora.pk}")
    page.get_by_role("link", name="Generate images").click()
    dialog = page.get_by_role("dialog", name="risoprnt")
    dialog.get_by_role("button", name="Generate 4 images").click()
    expect(dialog.get_by_text("Write what the images should show.")).to_be_visible()
    assert axe(page) == []
    prompt = dialog.get_by_label("Prompt")
    prompt.fill("a" * 501)
    expect(dialog.locator(".over")).to_have_text("501 / 500")
    dialog.get_by_role("button", name="Generate 4 images").click()
    expect(dialog.get_by_text("The prompt has 501 characters.")).to_be_visible()
    prompt.fill("a moon jar")
    settings.MAINTENANCE = True
    dialog.get_by_role("button", name="Generate 4 images").click()
    expect(dialog.get_by_text("Back in a few minutes")).to_be_visible()
    expect(prompt).to_have_value("a moon jar")
    settings.MAINTENANCE = False
    dialog.get_by_role("button", name="Generate 4 images").click()
    expect(dialog.get_by_role("list", name="Results, on their way")).to_be_visible()
    strict.expect("422 (Unprocessable", "503 (Service Unavailable)")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_no_state_puts_up_a_barrier_or_runs_over_the_edge(page, alice, lora, axe, theme, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)
    query = "?prompt=a+moon+jar&scale=2.2&width=640&height=512"
    open_advanced(page, lora)
    assert axe(page) == []
    for _ in range(8):
        create_generation(training=lora, wallet=alice, status="failed", error="No.", sent_at=Now())
    for path in [
        f"/loras/{lora.pk}/generate{query}",
        "/generate",
        f"/generate?lora=lora:{lora.pk}",
    ]:
        page.goto(path)
        expect(page.locator("#account")).to_contain_text("Sign out")
        assert axe(page) == [], path
        main = "document.querySelector('main')"
        if query in path:
            said = page.get_by_text("That was the last of your 8 generations today")
            expect(said).to_be_visible()
        assert page.evaluate(f"{main}.scrollWidth - innerWidth") <= 0, path
    expect(page.get_by_text("The images did not arrive")).to_be_visible()
    expect(page.get_by_text("The next one comes free at")).to_be_visible()
    page.goto("/generations")
    assert axe(page) == []


def test_a_second_lora_does_not_take_the_place_of_one_that_is_being_added(page, lora):
    for word in ("NEONTUBE", "MIRAKI"):
        create_training(status="completed", trigger_word=word)
    dialog = open_advanced(page, lora)
    held = hold_first(page, "**/additions?add=*")
    dialog.get_by_label("Add a LoRA").focus()
    dialog.get_by_role("link", name="NEONTUBE").click()
    dialog.get_by_role("link", name="MIRAKI").click()
    page.wait_for_timeout(300)
    let_go(page, held)
    expect(dialog.get_by_label("NEONTUBE strength")).to_be_focused()
    dialog.get_by_label("Add a LoRA").focus()
    dialog.get_by_role("link", name="MIRAKI").click()
    expect(dialog.get_by_label("MIRAKI strength")).to_be_focused()
    expect(dialog.get_by_label("NEONTUBE strength")).to_be_visible()


def test_however_slow_the_answers_are_the_last_search_is_the_one_that_shows(page, lora):
    create_training(status="completed", trigger_word="NEONTUBE")
    held = hold_first(page, "**/generate?*")
    page.goto("/generate")
    search = page.get_by_label("Which LoRA?")
    for typed in ("x", "xy", "neon"):
        search.fill(typed)
        page.wait_for_timeout(400)  # Longer than the pause after which it searches.
    let_go(page, held)
    expect(page.get_by_role("link", name="risoprnt")).to_have_count(0)
    expect(page.get_by_role("link", name="NEONTUBE")).to_be_visible()


def test_a_lora_is_found_by_its_name(page, lora):
    page.goto("/generate")
    page.get_by_label("Which LoRA?").press_sequentially("prin")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/generate?lora=lora:{lora.pk}")
    expect(page.get_by_label("Prompt")).to_have_value(" in the style of risoprnt")


@pytest.mark.usefixtures("at_work")
def test_without_script_a_page_does_the_same(open_page, alice, lora, site):
    page = open_page("about:blank", java_script_enabled=False)
    client = Client()
    client.force_login(alice)
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    page.goto(f"{site}/generate?q=riso")
    page.get_by_role("link", name="risoprnt").click()
    page.get_by_label("Prompt").fill("a moon jar")
    page.get_by_role("button", name="Generate 4 images").click()
    # The page loads itself anew until the images are there.
    expect(results(page)).to_have_count(4, timeout=A_WHILE)
    assert page.url == f"{site}/generations/{Generation.objects.get().pk}"
    page.get_by_role("link", name="All your images").click()
    expect(page.get_by_role("heading", name="a moon jar")).to_be_visible()
    page.get_by_role("button", name="Favourite").first.click()
    expect(page.get_by_role("button", name="Favourite").first).to_have_attribute(
        "aria-pressed", "true"
    )
