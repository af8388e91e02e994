"""What shared caches may keep, and what they never may."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.test import RequestFactory

from gallery.caching import FOR_EVERYBODY, for_everybody


@pytest.fixture
def request_(rf: RequestFactory):
    request = rf.get("/")
    request.session = SessionStore()
    return request


def test_what_is_the_same_for_everybody_may_be_kept(request_):
    response = for_everybody(lambda _request: HttpResponse("everybody"))(request_)
    assert response.headers["Cache-Control"] == FOR_EVERYBODY
    assert response.headers["ETag"]


@pytest.mark.django_db
def test_what_a_view_said_after_it_looked_who_asks_is_never_kept(request_):
    def view(request):
        return HttpResponse(f"you are {request.session.get('who')}")

    response = for_everybody(view)(request_)
    assert "Cache-Control" not in response.headers


@pytest.mark.parametrize("status", [302, 400, 404, 503])
def test_neither_is_an_error(request_, status):
    response = for_everybody(lambda _request: HttpResponse(status=status))(request_)
    assert "Cache-Control" not in response.headers


def test_what_a_view_says_itself_stays(request_):
    headers = {"Cache-Control": "no-store"}
    response = for_everybody(lambda _request: HttpResponse(headers=headers))(request_)
    assert response.headers["Cache-Control"] == "no-store"
