"""Lighthouse, as on a phone with a slow connection: at least 99 of 100 in every category."""

from __future__ import annotations

from statistics import median
from typing import Any

import pytest

from tests.gates import node
from tests.gates.site import Prepared

LEAST = 99
RUNS = 3
"""A machine that does something else meanwhile looks slower; then the median of so many counts."""
TRIES = 6
"""A run whose trace has holes says nothing, and is done again."""


@pytest.mark.timeout(400)  # Many runs on a busy machine.
def test_what_everybody_sees_is_as_good_as_it_gets(site: str, prepared_site: Prepared) -> None:
    reports: dict[str, list[dict[str, Any]]] = {
        site + prepared_site.public[page]: [] for page in ("train", "wall", "LoRA")
    }
    for _try in range(TRIES):
        urls = [url for url, runs in reports.items() if worst(runs) < LEAST and len(runs) < RUNS]
        for url, report in node.run("lighthouse.mjs", *urls).items() if urls else ():
            if report.get("trouble") is None:
                reports[url].append(report)
    assert {url: runs for url, runs in reports.items() if worst(runs) < LEAST} == {}


def worst(runs: list[dict[str, Any]]) -> float:
    """The score of the worst category: of each the median; 0 without a run."""
    if not runs:
        return 0
    return min(median(run["scores"][name] for run in runs) for name in runs[0]["scores"])
