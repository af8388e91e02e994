"""The texts that are to be translated, and the files that hold their translations.

`make words` (`python -m tests.words`) takes up new texts in `locale/*/LC_MESSAGES/*.po`, drops
what is gone, and writes what the site reads: the `.mo` files, and `static/js/words.<language>.js`
for the scripts. GNU gettext would do most of it, but is one more thing to install.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
PACKAGES = [
    *("loratrainer", "providers", "wallets", "datasets"),
    *("payments", "trainings", "generations", "gallery"),
]
DEVELOPMENT = {"loratrainer/specimens.py", "templates/style.html", "loratrainer/run.py"}
"""Seen by developers only, and therefore English."""

ARGUMENTS = {
    "gettext": ("text",),
    "gettext_lazy": ("text",),
    "gettext_noop": ("text",),
    "ngettext": ("text", "plural"),
    "ngettext_lazy": ("text", "plural"),
    "pgettext": ("context", "text"),
    "pgettext_lazy": ("context", "text"),
    "npgettext": ("context", "text", "plural"),
    "npgettext_lazy": ("context", "text", "plural"),
}
LITERAL = r"""[uU]?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
TEMPLATE_CALL = re.compile(rf"\b(_|n?p?gettext)\(((?:{LITERAL}(?:,\s*)?)+)", re.DOTALL)
SCRIPT_CALL = re.compile(r'\bgettext\(\s*("(?:[^"\\]|\\.)*")')


class Text(NamedTuple):
    """What is looked up in a catalogue."""

    text: str
    plural: str = ""
    context: str = ""


def texts_of_python(source: str) -> Iterator[Text]:
    """Texts in calls of Django's functions, under whatever name they were imported."""
    tree = ast.parse(source)
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            arguments = ARGUMENTS.get(names.get(node.func.id, ""), ())
            given = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            if arguments and len(given) >= len(arguments):
                yield Text(**dict(zip(arguments, given, strict=False)))


def texts_of_template(source: str) -> Iterator[Text]:
    """Texts in `{% translate %}`, `{% blocktranslate %}` and `_("...")`."""
    for call in TEMPLATE_CALL.finditer(templatize(source)):
        arguments = ARGUMENTS["gettext" if call[1] == "_" else call[1]]
        given = [ast.literal_eval(literal) for literal in re.findall(LITERAL, call[2])]
        yield Text(**dict(zip(arguments, given, strict=False)))


def texts_of_script(source: str) -> Iterator[Text]:
    """Texts in calls of `gettext` of `static/js/app.js`."""
    for call in SCRIPT_CALL.finditer(source):
        yield Text(json.loads(call[1]))


def collect() -> dict[str, dict[Text, set[str]]]:
    """By catalogue, "django" and "djangojs": every text, and the files that it stands in."""
    python = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    found = {
        "django": [
            *_texts(python, texts_of_python),
            *_texts((ROOT / "templates").rglob("*.*"), texts_of_template),
        ],
        "djangojs": _texts((ROOT / "static" / "js").glob("*.js"), texts_of_script),
    }
    return {name: _gathered(places) for name, places in found.items()}


def _texts(paths, reader) -> list[tuple[Text, str]]:
    named = {str(path.relative_to(ROOT)): path for path in sorted(paths)}
    return [
        (text, name)
        for name, path in named.items()
        if name not in DEVELOPMENT and "/migrations/" not in name
        for text in reader(path.read_text())
    ]


def _gathered(places: list[tuple[Text, str]]) -> dict[Text, set[str]]:
    gathered: dict[Text, set[str]] = {}
    plurals = {(text.text, text.context) for text, _ in places if text.plural}
    for text, place in places:
        # A text that also has a plural is one entry with it.
        if text.plural or (text.text, text.context) not in plurals:
            gathered.setdefault(text, set()).add(place)
    return gathered


def key(entry: polib.POEntry) -> Text:
    """What an entry of a catalogue translates."""
    return Text(entry.msgid, entry.msgid_plural or "", entry.msgctxt or "")


def script_of(catalogue: polib.POFile) -> str:
    """The script that gives the other scripts their words."""
    words = {entry.msgid: entry.msgstr for entry in catalogue if entry.msgstr}
    told = json.dumps(words, ensure_ascii=False, indent=2, sort_keys=True)
    return f"// Written by `make words`.\nglobalThis.words = {told};\n"


def update(path: Path, texts: dict[Text, set[str]]) -> polib.POFile:
    """Bring a catalogue to these texts; translations stay with theirs."""
    catalogue = polib.pofile(str(path), wrapwidth=100)
    known = {key(entry): entry for entry in catalogue if not entry.obsolete}
    catalogue.clear()
    for text in sorted(texts, key=lambda text: (min(texts[text]), text)):
        entry = known.get(text) or polib.POEntry(
            msgid=text.text,
            msgid_plural=text.plural,
            msgctxt=text.context or None,
            msgstr_plural={0: "", 1: "", 2: ""} if text.plural else {},
        )
        entry.occurrences = [(place, "") for place in sorted(texts[text])]
        catalogue.append(entry)
    catalogue.save()
    return catalogue


def main() -> None:
    """Bring every catalogue up to date, and say what is left to translate."""
    found = collect()
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        catalogue = update(path, found[path.stem])
        catalogue.save_as_mofile(str(path.with_suffix(".mo")))
        if path.stem == "djangojs":
            language = path.parent.parent.name
            (ROOT / "static" / "js" / f"words.{language}.js").write_text(script_of(catalogue))
        for entry in catalogue.untranslated_entries():
            print(f"{path.relative_to(ROOT)}: {entry.msgid}")


if __name__ == "__main__":
    main()
