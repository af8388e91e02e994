from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import browser_type_launch_args
from tests.gates.site import Prepared, prepared
from tests.processes import free_port

__all__ = ["browser_type_launch_args"]


@pytest.fixture(scope="session")
def prepared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    with prepared(tmp_path_factory.mktemp("gates")) as made:
        yield made


@pytest.fixture(scope="session")
def site(prepared_site: Prepared) -> Iterator[str]:
    """The origin of the deployed site."""
    port = free_port()
    with prepared_site.served(f"http://127.0.0.1:{port}", port) as origin:
        yield origin


@pytest.fixture
def open_as(browser: Browser, site: str, prepared_site: Prepared) -> Iterator[Callable[..., Page]]:
    """`open_as("own")`: a page, not opened yet, of the person with things; `"public"`: of nobody.

    The policy of the site is off, so that a tool can be run in its pages.
    """
    context = browser.new_context(base_url=site, bypass_csp=True, reduced_motion="reduce")

    def open_as(who: str) -> Page:
        if who == "own":
            session = {"name": "sessionid", "value": prepared_site.session, "url": site}
            context.add_cookies([session])
        return context.new_page()

    yield open_as
    context.close()
