"""The sandbox as one aiohttp application: a path for each outside world."""

from __future__ import annotations

from aiohttp import web

from sandbox import arena, chain, fal, faults, fetching, files, jobs, journal, replicate, webhooks
from sandbox.config import CONFIG, Config

WORLDS = (faults, journal, fetching, files, webhooks, jobs, fal, replicate, arena, chain)
"""In the order in which they need each other: what starts first is closed last."""


def create_app(config: Config) -> web.Application:
    """Build the application; its start-up makes the folders and starts the chain."""
    config.var.mkdir(parents=True, exist_ok=True)
    app = web.Application(
        middlewares=[faults.middleware, replicate.middleware], client_max_size=600 * 2**20
    )
    app[CONFIG] = config
    for world in WORLDS:
        world.add_routes(app)
    return app
