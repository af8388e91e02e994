"""`python -m sandbox`: listens until it is told to stop."""

from __future__ import annotations

from aiohttp import web

from sandbox.app import create_app
from sandbox.config import Config

if __name__ == "__main__":
    config = Config.from_environment()
    web.run_app(
        create_app(config),
        host="127.0.0.1",
        port=config.port,
        print=None,
        access_log=None,
        # Whoever waits for an answer or a stream then is cut off; jobs lose nothing.
        shutdown_timeout=0.5,
    )
