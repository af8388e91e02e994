"""The headers on every kind of answer."""

from __future__ import annotations

from contextlib import closing

import pytest
from django.test import Client

CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "report-uri": "/csp-report",
    "report-to": "csp",
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Reporting-Endpoints": 'csp="/csp-report"',
}
OFF = ("camera", "microphone", "geolocation", "payment", "usb", "serial", "hid", "midi")
ANSWERS = {
    "page": ("/", {}),
    "fragment": ("/account", {"HX-Request": "true"}),
    "error page": ("/nowhere", {}),
    "error fragment": ("/nowhere", {"HX-Request": "true"}),
    "stylesheet": ("/static/css/app.css", {}),
    "script": ("/static/js/app.js", {}),
    "picture": ("/static/img/favicon.svg", {}),
}


@pytest.fixture(params=ANSWERS.values(), ids=ANSWERS)
def answer(request, client, db):
    """One answer of each kind. A static file is closed even when the test fails."""
    address, headers = request.param
    with closing(client.get(address, headers=headers)) as response:
        yield response


def test_every_answer_carries_the_policy_of_the_site(answer):
    policy = dict(
        directive.strip().partition(" ")[::2]
        for directive in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy == CSP
    assert "unsafe" not in str(policy)


def test_every_answer_carries_the_other_headers(answer):
    assert HEADERS.items() <= dict(answer.headers).items()
    switched_off = answer.headers["Permissions-Policy"].split(", ")
    assert {f"{feature}=()" for feature in OFF} <= set(switched_off)


@pytest.mark.django_db
def test_what_is_for_one_person_is_kept_by_nobody(client):
    response = client.get("/account", headers={"HX-Request": "true"})
    assert response.headers["Cache-Control"] == "private, no-store"


def test_what_is_for_everybody_may_be_kept_for_a_moment(client):
    assert client.get("/").headers["Cache-Control"] == "public, max-age=30"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_changes_nothing_here(client, site):
    response = client.post("/connect/challenge", headers={"Sec-Fetch-Site": site})
    assert response.status_code == 403
    assert "It came from another site." in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin"}])
def test_this_site_and_programs_get_past_that_guard(headers):
    response = Client().post("/connect/challenge", headers=headers)
    assert response.status_code == 400
    assert "another site" not in response.content.decode()


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_everybody_may_link_here(client, site):
    assert client.get("/", headers={"Sec-Fetch-Site": site}).status_code == 200
