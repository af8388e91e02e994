"""Loaded before Django's settings (`-p tests.environment`): an environment of the tests' own.

The embedded Postgres is started once by the process that was called, and used by all its workers.
"""

from __future__ import annotations

import os
import socket
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("TESTS_VAR_DIR", ROOT / "var" / "test"))
MAIN = "TESTS_ENVIRONMENT" not in os.environ

if MAIN:
    for name in (ROOT / ".env.example").read_text().split("\n"):
        # What a developer has set for the site must not reach the tests.
        if (setting := name.lstrip("# ").partition("=")[0]) != "DATABASE_URL":
            os.environ.pop(setting, None)
    os.environ |= {
        "TESTS_ENVIRONMENT": "1",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "ENV_FILE": os.devnull,
        # Playwright's synchronous API keeps a loop in the thread of the tests.
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    }
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    if "DATABASE_URL" not in os.environ:
        from loratrainer.embedded import database_url, start_postgres

        server = start_postgres(VAR_DIR)
        # Waiting for the disk is for what must outlive a power cut; nothing here must.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("SELECT pg_reload_conf();")
        os.environ["DATABASE_URL"] = database_url(VAR_DIR)

# Files, messages and the sandbox of one test process must not be another's.
os.environ["VAR_DIR"] = str(VAR_DIR / os.environ.get("PYTEST_XDIST_WORKER", "main"))
with socket.create_server(("127.0.0.1", 0)) as listener:
    os.environ["SANDBOX_PORT"] = str(listener.getsockname()[1])


def pytest_collection_finish() -> None:
    """Read the addresses while the settings are as they are: a test may take the wallet out."""
    import_module("loratrainer.urls")
