"""The look in a real browser: pictures of it, barriers, themes, keyboard, motion, the CSP at work.

The pictures in `tests/screenshots` are the style page, cut along its sections. After a wanted
change renew them with `RENEW_SCREENSHOTS=1 pytest tests/e2e/test_look.py -k its_pictures`, look at
them, and commit them. A failure leaves `<name>.actual.png` and `<name>.diff.png` beside it.

To keep them small they have 6 bits for each colour, and photographs only where the design changes
them: in the strips (developing, fogged) and in the contact sheet (dimmed until picked).
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.usefixtures("no_demo_wallet")

SCREENSHOTS = Path(__file__).resolve().parent.parent / "screenshots"
WIDTHS = (390, 1440)
THEMES = ("light", "dark")
TOLERANCE = 8
"""Levels of 255 by which a pixel may differ before it counts."""
SHARE = 0.001
"""How many pixels may count."""
AT_REST = """async () => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    * { content-visibility: visible !important }
    .style > :not(#strips, #picking) img { visibility: hidden }
  `);
  document.adoptedStyleSheets = [sheet];
  const images = [...document.images];
  for (const image of images) image.loading = "eager";
  await Promise.all(images.map((image) => image.decode()));
  await document.fonts.ready;
}"""
SECTIONS = """() => [...document.querySelectorAll(".style > [id]")].map((section) => {
  const { top, bottom } = section.getBoundingClientRect();
  return [section.id, 0, Math.floor(top + scrollY), innerWidth, Math.ceil(bottom + scrollY)];
})"""


def picture_of(page: Page) -> tuple[Image.Image, dict[str, tuple[int, int, int, int]]]:
    """The whole page as it looks at rest, and where its sections lie."""
    page.evaluate(AT_REST)
    sections = {name: tuple(box) for name, *box in page.evaluate(SECTIONS)}
    png = page.screenshot(full_page=True, animations="disabled", caret="hide")
    return Image.open(io.BytesIO(png)).convert("RGB").point(lambda level: level & 0xFC), sections


def differing(actual: Image.Image, expected: Image.Image) -> tuple[float, Image.Image]:
    """The share of pixels that differ by more than the tolerance, and a picture of them."""
    red, green, blue = ImageChops.difference(actual, expected).split()
    worst = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    marked = worst.point(lambda level: 255 if level > TOLERANCE else 0)
    return marked.histogram()[255] / (marked.width * marked.height), marked


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_style_page_looks_like_its_pictures(open_page, theme, width):
    whole, sections = picture_of(open_page("/style", width=width, theme=theme))
    wrong = []
    for name, box in sections.items():
        actual = whole.crop(box)
        kept = SCREENSHOTS / f"{name}-{width}-{theme}.png"
        if os.environ.get("RENEW_SCREENSHOTS"):
            kept.parent.mkdir(exist_ok=True)
            actual.save(kept, optimize=True)
            continue
        expected = Image.open(kept).convert("RGB")
        share, marked = differing(actual, expected) if actual.size == expected.size else (1, actual)
        if share > SHARE:
            actual.save(kept.with_suffix(".actual.png"))
            marked.save(kept.with_suffix(".diff.png"))
            wrong.append(f"{kept.name}: {share:.2%} differs, {actual.size} for {expected.size}")
    kept_names = {file.name for file in SCREENSHOTS.glob(f"*-{width}-{theme}.png")}
    assert wrong == []
    assert kept_names == {f"{name}-{width}-{theme}.png" for name in sections}


def test_one_edge_in_another_colour_is_enough_to_look_different(open_page):
    page = open_page("/style", width=390)
    before, sections = picture_of(page)
    page.evaluate("document.querySelector('#notes .note').classList.add('calm')")
    after, _ = picture_of(page)
    share, _ = differing(after.crop(sections["notes"]), before.crop(sections["notes"]))
    assert share > SHARE


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


PAPER = "rgb(248, 246, 241)"
DARKROOM = "rgb(14, 13, 12)"


def test_the_theme_that_somebody_chose_is_there_before_the_first_paint(open_page):
    page = open_page("/")
    assert background(page) == PAPER
    page.get_by_role("button", name="Switch theme").click()
    assert background(page) == DARKROOM
    # The body's first element is parsed before anything is painted.
    page.add_init_script(
        """new MutationObserver((_, observer) => {
          if (!document.body) return;
          observer.disconnect();
          window.themeAtFirst = document.documentElement.dataset.theme;
        }).observe(document, { childList: true, subtree: true })"""
    )
    page.reload()
    assert page.evaluate("window.themeAtFirst") == "dark"
    assert background(page) == DARKROOM
    page.get_by_role("button", name="Switch theme").click()
    page.reload()
    assert background(page) == PAPER
    assert page.evaluate("localStorage.length") == 0


def test_the_system_decides_until_somebody_does(open_page):
    page = open_page("/", theme="dark")
    assert background(page) == DARKROOM
    page.emulate_media(color_scheme="light")
    assert background(page) == PAPER


def test_the_theme_changes_in_every_open_tab(open_page):
    page = open_page("/")
    other = page.context.new_page()
    other.goto("/style")
    page.get_by_role("button", name="Switch theme").click()
    expect(other.locator("html")).to_have_attribute("data-theme", "dark")


def test_what_is_smuggled_into_a_page_does_not_run(open_page, strict):
    page = open_page("/")
    page.evaluate(
        """() => {
          const html = `<style>main { display: none }</style>
            <p style="color: red" id="smuggled">x</p>
            <img src="/static/nothing.png" onerror="window.ran = 'onerror'">
            <base href="https://evil.example/"><iframe src="/style"></iframe>
            <object data="/style"></object>
            <form action="https://evil.example/" id="form"></form>`;
          document.querySelector("main").insertAdjacentHTML("beforeend", html);
          const script = document.createElement("script");
          script.textContent = "window.ran = 'inline'";
          document.body.append(script);
          document.getElementById("form").submit();
        }"""
    )
    # The tester's own `evaluate` is above the policy, so the page has to do it itself.
    page.evaluate("setTimeout('window.ran = `string`')")
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None
    assert page.locator("main").is_visible()
    assert page.evaluate("getComputedStyle(smuggled).color") != "rgb(255, 0, 0)"
    assert page.evaluate("document.baseURI").startswith(page.url)
    blocked = [problem for problem in strict.problems if "Content Security Policy" in problem]
    for directive in ("script-src", "style-src", "base-uri", "form-action"):
        assert any(directive in problem for problem in blocked), directive
    assert any("frame" in problem for problem in blocked)
    strict.problems.clear()


def test_the_keyboard_goes_from_the_skip_link_through_the_header(open_page):
    page = open_page("/")
    expect(page.locator("#account").get_by_role("link")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    rules = page.get_by_role("link", name="What makes a good set")
    expect(rules).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=2)).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(rules).to_be_focused()


def test_every_control_of_the_style_page_shows_where_the_focus_is(open_page):
    page = open_page("/style")
    page.evaluate("document.activeElement.blur()")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
              const here = document.activeElement;
              const shown = here.nextElementSibling?.matches(".seg span, .pick img")
                ? here.nextElementSibling : here;
              return [here.outerHTML.slice(0, 80), getComputedStyle(shown).outlineStyle];
            }"""
        )
        seen.add(name)
        assert outline != "none", name
    assert len(seen) > 40


MOVING = "document.getAnimations().filter((one) => one.playState === 'running').length"


def test_nothing_moves_for_those_who_asked_for_that(open_page):
    assert open_page("/style").evaluate(MOVING) == 0
    assert open_page("/style", reduced_motion="no-preference").evaluate(MOVING) > 0
