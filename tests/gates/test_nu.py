"""The Nu Html Checker finds no error in any page, nor in any fragment that the pages fetch."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import httpx

from tests.gates.site import ROOT, Prepared

VNU = ROOT / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
HTMX = "Attribute .hx-[a-z0-9:-]+. not allowed on element .*"
"""What it says of htmx's attributes: the standard wants them to begin with `data-`."""
FETCHED = re.compile(r'hx-get="(/[^"]*)"')
OF_FORM, WITH_ID = re.compile(r' form="([^"]+)"'), re.compile(r' id="([^"]+)"')
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def complaints(folder: Path) -> list[str]:
    """The errors in the HTML files of a folder, one line each."""
    command = ["java", "-Xss1m", "-jar", str(VNU), "--errors-only", "--format", "json"]
    command += ["--filterpattern", HTMX, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    return [
        f"{Path(error['url']).stem}: {error['message']} {error.get('extract', '')}"
        for error in json.loads(done.stderr)["messages"]
    ]


def page_around(fragment: str) -> str:
    """The least of a page in which a fragment stands: its list, and the forms that it lacks."""
    if fragment.lstrip().startswith("<li"):
        fragment = f"<ol>{fragment}</ol>"
    named = set(OF_FORM.findall(fragment)) - set(WITH_ID.findall(fragment))
    forms = "".join(f'<form id="{form}"></form>' for form in named)
    return f'<!doctype html><html lang="en"><title>A fragment</title>{fragment}{forms}</html>'


def save(folder: Path, name: str, html: str) -> None:
    """Write a file of that name."""
    (folder / f"{re.sub('[^a-z0-9]+', '-', name.lower())[:100]}.html").write_text(html)


def test_every_page_and_fragment_is_right(
    site: str, prepared_site: Prepared, tmp_path: Path
) -> None:
    for who, pages in (("public", prepared_site.public), ("own", prepared_site.own)):
        cookies = {"sessionid": prepared_site.session} if who == "own" else {}
        with httpx.Client(base_url=site, cookies=cookies, trust_env=False) as browser:
            fetched: dict[str, str] = {}
            for name, path in pages.items():
                html = browser.get(path).text
                assert html.startswith("<!doctype html>"), path
                save(tmp_path, f"{who} {name}", html)
                for address in FETCHED.findall(html.replace("&amp;", "&")):
                    # One of each kind: the wall alone has the same dialog twenty times.
                    fetched.setdefault(ID.sub("", address).partition("?")[0], address)
            for kind, address in fetched.items():
                answer = browser.get(address, headers={"HX-Request": "true"})
                assert answer.status_code == 200, address
                save(tmp_path, f"{who} fragment {kind}", page_around(answer.text))
    assert len(list(tmp_path.iterdir())) > 30
    assert complaints(tmp_path) == []


def test_a_wrong_page_is_found(tmp_path: Path) -> None:
    save(tmp_path, "wrong", page_around('<p id="twice"></p><p id="twice" hx-get="/"></p>'))
    (line,) = complaints(tmp_path)
    assert line.startswith("wrong: Duplicate ID")
