"""A real browser, watched: whatever it complains about fails the test.

`page`, `context` and `new_context` are pytest-playwright's own, with that watch. `open_page` opens
a page of the live server in a given width and theme, `axe` looks for barriers, and `strict.expect`
names the complaints that a test provokes on purpose.

No test calls Playwright's `wait_for_function`: it evaluates its text within the page, where the
site's policy forbids that. `expect` waits, and so does `tests.processes.wait_until`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Request, Route, expect

from tests.processes import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
expect.set_options(timeout=20_000)  # A busy machine answers late; that is no failure.
HEIGHTS = {390: 844, 900: 1000, 1440: 900}
THEMES: dict[Literal["light", "dark"], list[str]] = {
    "light": AXE_RULES,
    "dark": ["color-contrast", "link-in-text-block"],
}
"""What is asked in each: the second theme differs from the first in its colours alone."""
LAY_OUT = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { content-visibility: visible !important }");
  document.adoptedStyleSheets = [sheet];
}"""
"""Also what nobody has scrolled to yet."""


@pytest.fixture(scope="session")
def base_url(live_server: Any) -> str:
    """`page.goto("/style")` means the live server."""
    return str(live_server.url)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    return {
        **browser_type_launch_args,
        **({"executable_path": chromium} if chromium else {}),
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--font-render-hinting=none",
            # The same grey text everywhere: no colours at the edges of letters.
            "--disable-lcd-text",
        ],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "en-GB", "timezone_id": "UTC"}


class Strict:
    """What browsers complained about while a test ran."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.problems: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        context.on(
            "console",
            lambda message: (
                self.problems.append(f"console: {message.text}")
                if message.type in {"error", "warning"}
                else None
            ),
        )
        context.on("weberror", lambda error: self.problems.append(f"error: {error.error}"))
        context.on("request", self._at_home)

    def _at_home(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.problems.append(f"request to another origin: {request.url}")
        elif request.url == f"{self.origin}/csp-report":
            self.problems.append(f"policy: {request.post_data}")

    def expect(self, *parts: str) -> None:
        """Take out the complaints with these parts; one part that none of them has is a failure."""
        for part in parts:
            rest = [problem for problem in self.problems if part not in problem]
            assert len(rest) < len(self.problems), f"nobody complained about {part!r}"
            self.problems = rest


@pytest.fixture
def strict(base_url: str) -> Iterator[Strict]:
    watched = Strict(base_url)
    yield watched
    assert watched.problems == []


@pytest.fixture
def new_context(
    new_context: Callable[..., BrowserContext], strict: Strict
) -> Callable[..., BrowserContext]:
    def watched_context(**options: Any) -> BrowserContext:
        context = new_context(**options)
        strict.watch(context)
        return context

    return watched_context


@pytest.fixture
def open_page(
    new_context: Callable[..., BrowserContext],
) -> Callable[..., Page]:
    """`open_page("/connect", width=390, theme="dark")`: in a browser that is new each time.

    Other options go to Playwright's `new_context`, for example `java_script_enabled=False`.
    """

    def open_page(path: str, *, width: int = 1440, theme: str = "light", **options: Any) -> Page:
        context = new_context(
            viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            color_scheme=theme,
            **{"reduced_motion": "reduce", **options},
        )
        page = context.new_page()
        page.goto(path)
        return page

    return open_page


@pytest.fixture
def more_urls(settings: Any) -> None:
    """The addresses of `tests.e2e.pages`: a page that breaks, a dialog, a toast, a poll."""
    settings.ROOT_URLCONF = "tests.e2e.pages"


@pytest.fixture
def no_demo_wallet(settings: Any) -> None:
    """Without the demo wallet: it asks the sandbox, which most tests do not start."""
    settings.DEMO_WALLET = False


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """The barriers that axe-core finds on a page as it is, one line for each element."""

    def axe(page: Page) -> list[str]:
        page.evaluate(AXE.read_text())
        return violations(page, AXE_RULES)

    return axe


def violations(page: Page, rules: list[str]) -> list[str]:
    """Ask axe-core, which the page has loaded, for one line for each element with a barrier."""
    result = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules
    )
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def barriers(page: Page) -> list[str]:
    """What axe-core finds in each theme and width, and what runs over the edge, a line for each."""
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE.read_text())
    page.evaluate(LAY_OUT)
    found = []
    for theme, rules in THEMES.items():
        page.emulate_media(color_scheme=theme)
        for width, least in HEIGHTS.items():
            page.set_viewport_size({"width": width, "height": least})
            # As high as the page, or a bar at the edge of the window lies over some link.
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": width, "height": height})
            found += [f"{theme}, {width} px: {line}" for line in violations(page, rules)]
            if (over := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
                found.append(f"{theme}, {width} px: {over} pixels run over the edge")
    return found


def close_tab(page: Page) -> None:
    """Close it as people do: what it waits for ends with it.

    When Playwright closes a page it lets go of the requests that it holds, which may still arrive.
    """
    page.goto("about:blank")
    page.close()


def hold_first(page: Page, url: str) -> list[Route]:
    """Let the first request for an address wait, which is in the list then; others go on."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route(url, hold)
    return held


def let_go(page: Page, held: list[Route]) -> None:
    """Let what is held go on, as soon as it is here."""
    wait_until(lambda: page.evaluate("1") and held, what="the request that is held")
    with suppress(Error):  # The page may not wait for it any more.
        held[0].continue_()
