"""The floors of the house: a package imports only from the floors below it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FLOORS = [
    {"loratrainer"},
    {"providers", "wallets"},
    {"datasets", "payments"},
    {"trainings"},
    {"generations"},
    {"gallery"},
]
FLOOR = {package: number for number, packages in enumerate(FLOORS) for package in packages}
ROOT = Path(__file__).resolve().parent.parent
OURS = sorted(package for package in [*FLOOR, "sandbox"] if (ROOT / package).is_dir())
CLOCKS = {
    "timezone.now",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(source: str) -> set[str]:
    """The top-level packages that the source imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def wrong_imports(package: str, source: str) -> set[str]:
    """Which of our packages the source must not import, being part of this one."""
    others = imported(source) & {*FLOOR, "sandbox"} - {package}
    if package == "sandbox":
        return others
    return {other for other in others if FLOOR.get(other, 99) >= FLOOR[package]}


@pytest.mark.parametrize("package", OURS)
def test_imports_go_down_only(package: str) -> None:
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in modules(package)
        if (found := wrong_imports(package, path.read_text()))
    }
    assert wrong == {}


def test_an_import_that_goes_up_or_sideways_or_into_the_sandbox_is_found() -> None:
    assert wrong_imports("wallets", "from trainings.models import Training") == {"trainings"}
    assert wrong_imports("wallets", "def f():\n    import providers.fal") == {"providers"}
    assert wrong_imports("loratrainer", "import sandbox") == {"sandbox"}
    assert wrong_imports("sandbox", "from loratrainer import settings") == {"loratrainer"}
    assert wrong_imports("wallets", "from loratrainer.jobs import Job\nimport os") == set()


@pytest.mark.parametrize("package", OURS)
def test_no_module_is_longer_than_two(package: str) -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules(package)
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > 320
    }
    assert long == {}


def clocks_read(source: str) -> set[str]:
    """The clocks of this machine that the source reads."""
    return {
        name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute | ast.Name)
        for name in CLOCKS
        if ast.unparse(node).endswith(name)
    } | {
        "timezone.now"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.timezone"
    }


def test_only_the_clock_of_the_database_decides_about_rows() -> None:
    rows = [
        path
        for package in OURS
        for path in modules(package)
        if package != "sandbox" and path.name in {"jobs.py", "tasks.py", "models.py", "steps.py"}
    ]
    assert len(rows) >= 3
    read = {path: clocks_read(path.read_text()) for path in rows}
    assert {path: clocks for path, clocks in read.items() if clocks} == {}


def test_a_clock_of_the_machine_is_found() -> None:
    assert clocks_read("from django.utils import timezone\nx = timezone.now()") == {"timezone.now"}
    assert clocks_read("from django.utils.timezone import now") == {"timezone.now"}
    assert clocks_read("import datetime\nx = datetime.datetime.now(datetime.UTC)") == {
        "datetime.now"
    }
    assert clocks_read("from django.db.models.functions import Now\nx = Now()") == set()
