"""The demo wallet exists on the sandbox's chain of a local installation, and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.core.checks import run_checks

from tests.environment import ROOT
from tests.processes import free_port
from tests.wallets.signing import sign_in
from wallets.demo import is_available

HTMX = {"HX-Request": "true"}


@pytest.fixture
def sandbox(settings: Any) -> Iterator[list[dict[str, Any]]]:
    """A sandbox that answers each request with its method; the requests that it heard."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer({"accounts": [{"name": "Ada", "address": "0x1"}]}, path="/sandbox/accounts")

        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer({"result": heard[-1]["method"]}, path="/sandbox/wallet")

        def answer(self, what: dict[str, Any], *, path: str) -> None:
            answer = json.dumps(what).encode()
            self.send_response(200 if self.path == path else 404)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    at_sandbox(settings, f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield heard
    server.shutdown()
    server.server_close()
    thread.join()


def at_sandbox(settings: Any, url: str) -> None:
    settings.SANDBOX_URL = url
    settings.CHAIN_RPC_URL = f"{url}/chain"
    settings.DEMO_WALLET = settings.LOCAL = True


def ask_wallet(client: Any, **request: Any) -> Any:
    return client.post("/sandbox/wallet", json.dumps(request), content_type="application/json")


def test_requests_are_passed_to_the_sandbox_and_answers_back(client, sandbox):
    request = {"method": "eth_accounts", "params": [], "account": 1}
    response = ask_wallet(client, **request)
    assert (response.status_code, response.json()) == (200, {"result": "eth_accounts"})
    assert sandbox == [request]


def test_the_accounts_of_the_sandbox_can_be_chosen_from(client, sandbox):
    assert client.get("/sandbox/wallet").json() == {"accounts": [{"name": "Ada", "address": "0x1"}]}


def test_a_form_of_another_site_is_not_passed_on(client, sandbox):
    response = client.post(
        "/sandbox/wallet", '{"method":"eth_accounts"}', content_type="text/plain"
    )
    assert response.status_code == 415
    cross_site = {"Sec-Fetch-Site": "cross-site"}
    response = client.post("/sandbox/wallet", "{}", "application/json", headers=cross_site)
    assert response.status_code == 403
    assert sandbox == []


def test_without_a_sandbox_the_wallet_says_that_it_is_disconnected(client, settings):
    at_sandbox(settings, f"http://127.0.0.1:{free_port()}")
    response = ask_wallet(client, method="eth_accounts", params=[])
    assert (response.status_code, response.json()["error"]["code"]) == (503, 4900)


def test_there_is_one_on_the_sandbox(client, settings):
    at_sandbox(settings, "http://127.0.0.1:42000")
    assert is_available()
    assert run_checks() == []
    assert "data-demo-wallet" in client.get("/connect").content.decode()


OTHER_CHAINS = [
    {"CHAIN_RPC_URL": "https://mainnet.base.org"},
    {"CHAIN_RPC_URL": "http://127.0.0.1:42000/chain.evil.example"},
    {"CHAIN_RPC_URL": "http://127.0.0.1:42000@evil.example/chain"},
    {"CHAIN_RPC_URL": ""},
    {"LOCAL": False},
]


@pytest.mark.django_db
@pytest.mark.parametrize("change", OTHER_CHAINS, ids=str)
def test_there_is_none_anywhere_else_even_if_the_setting_says_so(client, settings, change):
    sign_in(client)
    at_sandbox(settings, "http://127.0.0.1:42000")
    settings.TREASURY = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # Payments have rules as well.
    for name, value in change.items():
        setattr(settings, name, value)
    assert not is_available()
    assert [error.id for error in run_checks()] == ["wallets.E001"]
    assert ask_wallet(client, method="eth_accounts", params=[]).status_code == 404
    assert client.get("/sandbox/wallet").status_code == 404
    for path, headers in [("/connect", {}), ("/wallet", {}), ("/account", HTMX)]:
        page = client.get(path, headers=headers)
        assert page.status_code == 200
        assert "demo-wallet" not in page.content.decode()


def test_on_any_other_chain_its_address_is_not_even_routed():
    code = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        "from django.urls import resolve, Resolver404\n"
        "assert not settings.DEMO_WALLET\n"
        "try: print(resolve('/sandbox/wallet'))\n"
        "except Resolver404: print('nothing')"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "loratrainer.settings",
        "ENV_FILE": "/dev/null",
        "SECRET_KEY": "x" * 50,
        "CHAIN_RPC_URL": "https://mainnet.base.org",
        "DATABASE_URL": "postgresql://nobody@localhost/nothing",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "nothing\n"


def test_whoever_deploys_it_is_warned(settings):
    at_sandbox(settings, "http://127.0.0.1:42000")
    assert "wallets.W001" in [message.id for message in run_checks(include_deployment_checks=True)]
    settings.DEMO_WALLET = False
    assert "wallets.W001" not in {m.id for m in run_checks(include_deployment_checks=True)}
