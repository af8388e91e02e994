from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from django.template.loader import get_template

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MARKUP = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def test_the_style_page_includes_every_part(client):
    shown = {
        template.name
        for response in [client.get("/style")]
        for template in response.templates
        if template.name
    }
    assert {f"parts/{file.name}" for file in (ROOT / "templates" / "parts").iterdir()} <= shown


def test_the_style_page_exists_only_where_people_develop(client):
    assert client.get("/style").status_code == 200
    code = (
        "import django; django.setup(); from django.urls import get_resolver;"
        "names = get_resolver().reverse_dict; print('home' in names, 'style' in names)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            **os.environ,
            "SECRET_KEY": "x" * 50,
            "DJANGO_SETTINGS_MODULE": "loratrainer.settings",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split() == ["True", "False"]


def test_no_template_carries_what_the_policy_of_the_browser_forbids():
    """No inline style, no inline script, no code in attributes."""
    for file in TEMPLATES:
        markup = MARKUP.sub("", file.read_text())
        for tag in re.findall(r"<[a-z][^>]*>", markup):
            assert not re.search(r"\s(style|on[a-z]+|hx-on[^=]*)\s*=", tag), (file.name, tag)
            assert "js:" not in tag, (file.name, tag)
            assert "javascript:" not in tag, (file.name, tag)
            trigger = re.search(r'hx-trigger="([^"]*)"', tag)
            assert not trigger or "[" not in trigger[1], (file.name, tag)
        assert "<style" not in markup, file.name
        for attributes, inside in re.findall(r"<script([^>]*)>(.*?)</script>", markup, re.DOTALL):
            assert "src=" in attributes, file.name
            assert not inside.strip(), file.name


def test_every_part_says_what_it_takes():
    for file in (ROOT / "templates" / "parts").iterdir():
        head = file.read_text()[:400]
        assert re.search(r"\{% comment %\}.*?([Cc]ontext)", head, re.DOTALL), file.name
        get_template(f"parts/{file.name}")
