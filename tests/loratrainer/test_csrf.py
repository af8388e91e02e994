"""Who may change something: our own pages by the browser's word, everybody else by the token."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.test import Client

from tests.factories import create_wallet

pytestmark = pytest.mark.django_db
STALE = "a" * 64


@pytest.fixture
def visitor() -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(create_wallet())
    return client


def sign_out(visitor: Client, **headers: str) -> int:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return visitor.post("/disconnect", headers=names).status_code


def test_a_page_of_ours_needs_no_token(visitor):
    assert sign_out(visitor, Sec_Fetch_Site="same-origin") == 302


def test_a_page_of_ours_with_the_token_of_another_cookie_is_still_ours(visitor):
    visitor.cookies["csrftoken"] = "b" * 32
    assert sign_out(visitor, Sec_Fetch_Site="same-origin", X_CSRFToken=STALE) == 302


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "", "Same-Origin", "nonsense"])
def test_everything_else_is_asked_for_it(visitor, site):
    assert sign_out(visitor, Sec_Fetch_Site=site, X_CSRFToken=STALE) == 403


def test_a_browser_that_says_nothing_is_asked_for_it(visitor):
    assert sign_out(visitor) == 403
    assert sign_out(visitor, X_CSRFToken=STALE) == 403
    page = visitor.get("/wallet/keys").content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
    assert sign_out(visitor, X_CSRFToken=token) == 302


@pytest.mark.parametrize(("site", "is_ours"), [("same-origin", True), ("none", False)])
def test_views_that_look_for_themselves_follow_the_same_rule(visitor, site, is_ours):
    """Those that take long bodies, and the API."""
    headers = {"Sec-Fetch-Site": site}
    upload = visitor.post("/datasets/pictures", headers=headers)
    assert upload.status_code == (400 if is_ours else 403)
    removal = visitor.delete(f"/api/loras/{uuid4()}", headers=headers)
    assert removal.status_code == (404 if is_ours else 403)
