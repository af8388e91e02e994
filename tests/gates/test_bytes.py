"""What a first visit of the wall costs somebody: bytes as they go over the wire."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Browser

WITHOUT_PICTURES = 100_000
STRIPS_ABOVE_THE_FOLD = 60_000
IN_VIEW = """(images) => images
  .filter((image) => image.getBoundingClientRect().top < innerHeight)
  .map((image) => image.src)"""


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
def test_a_first_visit_of_the_wall_is_light(
    site: str, browser: Browser, width: int, height: int
) -> None:
    context = browser.new_context(base_url=site, viewport={"width": width, "height": height})
    page = context.new_page()
    answers: dict[str, dict[str, Any]] = {}
    sizes: Counter[str] = Counter()
    wire = context.new_cdp_session(page)
    wire.on("Network.responseReceived", lambda event: answers.update({event["requestId"]: event}))
    wire.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: int(event["encodedDataLength"])}),
    )
    wire.send("Network.enable")
    page.goto("/loras")
    page.wait_for_load_state("networkidle")
    in_view = set(page.locator(".strip img:not([src^=data])").evaluate_all(IN_VIEW))
    context.close()

    strips = others = 0
    for request_id, size in sizes.items():
        answer = answers[request_id]
        if answer["response"]["url"] in in_view:
            strips += size
        elif answer["type"] != "Image":
            others += size
    assert in_view
    assert 5_000 < strips < STRIPS_ABOVE_THE_FOLD
    assert 20_000 < others < WITHOUT_PICTURES
