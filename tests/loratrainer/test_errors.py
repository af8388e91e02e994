from __future__ import annotations

from contextlib import closing

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from loratrainer import errors
from loratrainer.urls import (  # noqa: F401 - the error pages of the site
    handler400,
    handler403,
    handler404,
    handler500,
)
from loratrainer.urls import urlpatterns as site_urls


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("password=hunter2")


def without_database(request: HttpRequest) -> HttpResponse:
    raise OperationalError("password=hunter2")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("Only its owner can hide a LoRA.")


def suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("password=hunter2")


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


for view in (broken, without_database, forbidden, suspicious, form):
    view.login_required = False  # type: ignore[attr-defined]

urlpatterns = [
    *site_urls,
    path("broken", broken),
    path("away", without_database),
    path("forbidden", forbidden),
    path("suspicious", suspicious),
    path("form", form),
    path("healthz-extra", broken),
]

PAGES = [
    ("/broken", 500, "Something broke on our side"),
    ("/away", 503, "Our database did not answer"),
    ("/forbidden", 403, "Only its owner can hide a LoRA."),
    ("/suspicious", 400, "That request could not be read"),
    ("/nowhere", 404, "Nothing hangs here"),
]


@pytest.fixture
def client(settings):
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(("address", "status", "words"), PAGES)
def test_a_visitor_gets_a_whole_page(client, address, status, words):
    response = client.get(address)
    page = response.content.decode()
    assert response.status_code == status
    assert page.startswith("<!doctype html>")
    assert words in page
    assert f'aria-hidden="true">{status}</span>' in page
    assert "hunter2" not in page
    assert "Traceback" not in page


@pytest.mark.parametrize(("address", "status", "words"), PAGES)
def test_htmx_gets_a_note_that_fits_into_a_page(client, address, status, words):
    response = client.get(address, headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    page = response.content.decode()
    assert response.status_code == status
    assert words in page
    assert 'class="note"' in page
    assert "<html" not in page
    assert "HX-Request" in response.headers["Vary"]


def test_htmx_gets_a_dialog_where_it_wants_to_open_one(client):
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#modal"}
    page = client.get("/nowhere", headers=headers).content.decode()
    assert '<dialog class="panel"' in page
    assert "Nothing hangs here" in page
    assert "data-close" in page


def test_htmx_gets_a_page_when_it_restores_one(client):
    headers = {"HX-Request": "true", "HX-Request-Type": "full"}
    assert client.get("/nowhere", headers=headers).content.startswith(b"<!doctype html>")


@pytest.mark.django_db
def test_the_page_of_a_failure_asks_neither_database_nor_session(django_assert_num_queries):
    request = RequestFactory().get("/")  # Without a session, a user, or htmx.
    with django_assert_num_queries(0), connection.execute_wrapper(_refuse):
        for handler in (errors.server_error, errors.unavailable):
            page = handler(request).content.decode()
            assert "Try again" in page
            assert "hx-get" not in page, "the account corner would ask again"


def _refuse(*arguments):
    raise AssertionError("a query")


def test_a_form_that_is_too_old_says_so(settings):
    settings.ROOT_URLCONF = __name__
    response = Client(enforce_csrf_checks=True).post("/form")
    assert response.status_code == 403
    assert "This page was open for too long" in response.content.decode()


def test_an_address_of_another_site_is_no_address_here(client):
    response = client.get("/", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "That request could not be read" in response.content.decode()


@pytest.fixture
def during_maintenance(settings):
    settings.MAINTENANCE = True


@pytest.mark.usefixtures("during_maintenance")
@pytest.mark.parametrize("address", ["/", "/connect", "/nowhere", "/api/loras", "/healthz-extra"])
def test_during_maintenance_every_page_says_when_to_come_back(client, address):
    response = client.get(address)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) == 120
    assert response.headers["Cache-Control"] == "no-store"
    assert "Back in a few minutes" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("during_maintenance")
def test_during_maintenance_the_doorbells_and_the_static_files_answer(client):
    assert client.get("/healthz").status_code == 200
    assert client.post("/api/webhook/fal").status_code != 503
    with closing(client.get("/static/css/app.css")) as stylesheet:
        assert stylesheet.status_code == 200


def test_without_maintenance_nobody_is_turned_away(client, settings):
    assert settings.MAINTENANCE is False
    assert client.get("/").status_code == 200
