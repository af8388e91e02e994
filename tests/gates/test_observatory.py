"""MDN's HTTP Observatory gives the site its best grade, as it is deployed: with HTTPS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.gates import node
from tests.gates.site import Prepared
from tests.gates.tls import certificate, terminator
from tests.processes import free_port

RESULTS = {
    "content-security-policy": "csp-implemented-with-no-unsafe-default-src-none",
    "redirection": "redirection-to-https",
    "strict-transport-security": "hsts-implemented-max-age-at-least-six-months",
    "x-frame-options": "x-frame-options-implemented-via-csp",
    "cross-origin-resource-policy": "corp-implemented-with-same-origin",
    "referrer-policy": "referrer-policy-private",
}


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure_site(prepared_site: Prepared, trusted: Path) -> Iterator[str]:
    """The host and port where the deployed site is reached by HTTPS, and by HTTP."""
    port, web = free_port(), free_port()
    host = f"localhost:{port}"
    with (
        prepared_site.served(f"https://{host}", web),
        terminator(port, to=web, certificate=trusted),
    ):
        yield host


def test_the_observatory_gives_its_best_grade(secure_site: str, trusted: Path) -> None:
    answer = node.run("observatory.mjs", secure_site, NODE_EXTRA_CA_CERTS=str(trusted))
    failed = {name: test for name, test in answer["tests"].items() if not test["pass"]}
    assert failed == {}
    results = {name: answer["tests"][name]["result"] for name in RESULTS}
    assert results == RESULTS
    assert (answer["scan"]["grade"], answer["scan"]["statusCode"]) == ("A+", 200)


def test_cookies_never_leave_https(secure_site: str, trusted: Path) -> None:
    """The front page that the scanner looks at sets none; the page to sign in does."""
    trust = ssl.create_default_context(cafile=str(trusted))
    with httpx.Client(verify=trust, trust_env=False) as browser:
        page = browser.get(f"https://{secure_site}/connect")
    (cookie,) = page.headers.get_list("Set-Cookie")
    name, *flags = cookie.split("; ")
    assert name.startswith("__Host-csrftoken=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(flags)
