"""axe-core finds no barrier on any page, in both themes, on a phone, a tablet and a desktop."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import barriers
from tests.gates.site import Prepared

OPENERS = {
    "LoRA": [("link", "Generate images"), ("link", "Connect")],
    "train": [("link", "What makes a good set"), ("link", "Connect wallet")],
}
"""What opens a dialog, by its role and name, on some of the pages that everybody sees."""


@pytest.mark.timeout(400)  # Six looks at every page.
@pytest.mark.parametrize("who", ["public", "own"])
def test_no_page_puts_up_a_barrier_or_runs_over_the_edge(
    who: str, open_as: Callable[[str], Page], prepared_site: Prepared
) -> None:
    page = open_as(who)
    found = {}
    for name, path in getattr(prepared_site, who).items():
        page.goto(path)
        found[name] = barriers(page)
        for role, opener in OPENERS.get(name, []) if who == "public" else []:
            page.get_by_role(role, name=opener, exact=True).first.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            found[f"{name}, {opener}"] = barriers(page)
            page.keyboard.press("Escape")
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_barrier_is_found(open_as: Callable[[str], Page]) -> None:
    page = open_as("public")
    page.goto("/rules")
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    page.evaluate("document.querySelector('main').style.width = '2000px'")
    page.evaluate("document.querySelector('h1').style.color = 'light-dark(black, #222)'")
    words = " ".join(barriers(page))
    assert "light, 390 px: button-name" in words
    assert "dark, 900 px: color-contrast" in words
    assert "1440 px: 560 pixels run over the edge" in words
