"""Where settings come from: the environment, and the file `.env` for what is not set there."""

from __future__ import annotations

from pathlib import Path

from environs import Env

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env(eager=True)
env.read_env(env.str("ENV_FILE", str(BASE_DIR / ".env")), recurse=False)

LOCAL = not env.str("SECRET_KEY", "")
"""Whether this is a local installation: a deployment is told by its SECRET_KEY."""
VAR_DIR = Path(env.str("VAR_DIR", "") or BASE_DIR / "var")
