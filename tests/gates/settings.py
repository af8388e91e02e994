"""A deployment, as far as one machine goes; and the pages that no deployment has."""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import VAR_DIR

STATIC_ROOT = VAR_DIR / "staticfiles"
ROOT_URLCONF = "tests.gates.urls"
