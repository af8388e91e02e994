"""Base: a JSON-RPC address in front of a real EVM node, its accounts, and the demo wallet.

`POST /chain` takes what any client of Base sends, single or batch, and anvil's own methods too
(`anvil_mine`, `anvil_setBalance`, `anvil_reorg`, `evm_increaseTime` ...). The contracts are told in
`sandbox.chain_contracts`, the accounts in `sandbox.chain_accounts`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import ClientError, web

from sandbox import chain_wallet
from sandbox.chain_accounts import DEMO_ACCOUNTS, TREASURY
from sandbox.chain_node import CHAIN_ID, READY_WITHIN, Node
from sandbox.chain_wallet import Wallet
from sandbox.config import CONFIG

NODE = web.AppKey("node", Node)
WALLET = web.AppKey("wallet", Wallet)


def add_routes(app: web.Application) -> None:
    """Add the chain's paths; the node starts and stops with the application."""
    config = app[CONFIG]
    app[NODE] = Node(config.var / "chain", config.block_in)
    app[WALLET] = Wallet(app[NODE])
    app.cleanup_ctx.append(_running)
    app.router.add_post("/chain", rpc)
    app.router.add_get("/sandbox/accounts", accounts)
    app.router.add_post("/sandbox/wallet", wallet)


async def ready(app: web.Application) -> bool:
    """Say whether the chain answers."""
    return app[NODE].up.is_set()


async def rpc(request: web.Request) -> web.Response:
    """`POST /chain`: pass the request on to the node, waiting for it if it is just starting."""
    body = await request.read()
    node = request.app[NODE]
    try:
        await asyncio.wait_for(node.up.wait(), READY_WITHIN)
        answer = await node.forward(body)
    except (TimeoutError, ClientError):
        raise web.HTTPServiceUnavailable(text="The chain does not answer.") from None
    return web.Response(body=answer, content_type="application/json")


async def accounts(_: web.Request) -> web.Response:
    """`GET /sandbox/accounts`: the accounts of the demo wallet and who is paid; never a key."""
    listed = [{"name": account.name, "address": account.address} for account in DEMO_ACCOUNTS]
    return web.json_response(
        {"chain_id": CHAIN_ID, "accounts": listed, "treasury": TREASURY.address}
    )


async def wallet(request: web.Request) -> web.Response:
    """`POST /sandbox/wallet`: one request to the demo wallet, see `sandbox.chain_wallet`."""
    try:
        body = await request.json()
    except ValueError:
        raise web.HTTPBadRequest(text="The body must be JSON.") from None
    try:
        return web.json_response(await chain_wallet.answer(request.app[WALLET], body))
    except (TimeoutError, ClientError):
        raise web.HTTPServiceUnavailable(text="The chain does not answer.") from None


async def _running(app: web.Application) -> AsyncIterator[None]:
    try:
        await app[NODE].open()
        yield
    finally:
        await app[NODE].close()
