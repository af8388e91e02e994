"""The benchmarks still run. How fast they say we are is for a quiet machine to say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.mark.parametrize(("name", "size"), [("mirroring", 1), ("fetching", 1), ("pictures", 4)])
def test_a_benchmark_runs_to_its_end(name: str, size: int) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), str(size)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    assert "memory grew by" in done.stdout or "all of it" in done.stdout
