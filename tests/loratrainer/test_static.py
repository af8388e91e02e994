"""Static files carry their content in their names, and come from nowhere else."""

from __future__ import annotations

import hashlib
import re
from contextlib import closing
from pathlib import Path

import brotli
import pytest
from django.core.management import call_command
from django.test import override_settings

STATIC = Path(__file__).resolve().parent.parent.parent / "static"
HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "loratrainer.static.HashedStaticFilesStorage"},
}


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """What a production server would serve."""
    root = tmp_path_factory.mktemp("staticfiles")
    with override_settings(STATIC_ROOT=str(root), STORAGES=STORAGES, DEBUG=False):
        call_command("collectstatic", interactive=False, verbosity=0)
    return root


@pytest.fixture
def production(collected, settings):
    """A site that serves what was collected."""
    settings.STATIC_ROOT = str(collected)
    settings.STORAGES = STORAGES
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False


def only(root: Path, pattern: str) -> Path:
    (found,) = [file for file in root.glob(pattern) if HASHED.search(file.name)]
    return found


def test_every_font_and_picture_of_the_stylesheet_is_hashed(collected):
    sheet = only(collected, "css/app.*.css").read_text()
    addresses = re.findall(r'url\("?([^")]+)"?\)', sheet)
    assert len(addresses) >= 8
    for address in addresses:
        assert HASHED.search(address), address
        assert (collected / "css" / address).resolve().is_file(), address


def test_every_import_of_the_scripts_is_hashed(collected):
    imports = [
        (script, address)
        for script in collected.glob("js/*.js")
        if HASHED.search(script.name)
        for address in re.findall(r'(?:from|import)\s*\(?\s*"(\./[^"]+)"', script.read_text())
    ]
    assert any("wallet." in address for _, address in imports)
    for script, address in imports:
        assert HASHED.search(address), (script.name, address)
        assert (script.parent / address).is_file(), (script.name, address)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("address", ["/", "/style", "/nowhere"])
def test_pages_name_the_hashed_files(client, collected, address):
    page = client.get(address).content.decode()
    files = re.findall(r'/static/([^"#]+)', page)
    assert len(files) >= 6
    for file in files:
        assert HASHED.search(file), file
        assert (collected / file).is_file(), file


@pytest.mark.usefixtures("production")
@pytest.mark.django_db
def test_a_hashed_file_is_sent_packed_and_kept_for_ever(client, collected):
    sheet = only(collected, "css/app.*.css")
    accepted = {"Accept-Encoding": "gzip, br"}
    with closing(client.get(f"/static/css/{sheet.name}", headers=accepted)) as response:
        assert response.headers["Content-Encoding"] == "br"
        assert response.headers["Cache-Control"] == "max-age=315360000, public, immutable"


def test_text_is_compressed_beforehand(collected):
    sheet = only(collected, "css/app.*.css")
    packed = sheet.with_name(sheet.name + ".br")
    assert brotli.decompress(packed.read_bytes()) == sheet.read_bytes()
    assert sheet.with_name(sheet.name + ".gz").stat().st_size < sheet.stat().st_size / 3


def test_the_budgets_are_kept(collected):
    """Bytes over the wire, gzipped (fonts and pictures are packed already)."""

    def packed(pattern: str) -> int:
        return sum(
            file.with_name(file.name + ".gz").stat().st_size
            for file in collected.glob(pattern)
            if HASHED.search(file.name)
        )

    assert packed("css/app.*.css") <= 12_000
    assert packed("js/app.*.js") + packed("js/theme.*.js") + packed("vendor/*.js") <= 25_000
    latin = [STATIC / "fonts" / f"sheet-{name}.woff2" for name in ("text", "display", "mono")]
    assert sum(file.stat().st_size for file in latin) <= 50_000


def test_the_vendored_scripts_are_the_ones_that_the_note_names():
    note = (STATIC / "vendor" / "README.md").read_text()
    for script in (STATIC / "vendor").glob("*.js"):
        (sum_,) = re.findall(rf"`{re.escape(script.name)}`.*`([0-9a-f]{{64}})`", note)
        assert hashlib.sha256(script.read_bytes()).hexdigest() == sum_


def test_every_font_has_its_licence_beside_it():
    note = (STATIC / "fonts" / "README.md").read_text()
    for font in (STATIC / "fonts").glob("*.woff2"):
        assert f"`{font.name}`" in note
    for source in ("mona-sans", "martian-mono", "onest", "roboto-flex"):
        assert "SIL OPEN FONT LICENSE" in (STATIC / "fonts" / f"OFL-{source}.txt").read_text()


def test_nothing_is_fetched_from_another_host():
    for file in [*STATIC.rglob("*.css"), *STATIC.glob("js/*.js"), *STATIC.rglob("*.svg")]:
        text = file.read_text().replace("http://www.w3.org/", "")
        loads = re.findall(r'(?:url\(|from |import\(|fetch\(|src=)["\']?(https?://[^"\')]+)', text)
        assert loads == [], file.name
