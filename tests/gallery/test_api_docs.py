"""What the documentation of the API says."""

from __future__ import annotations

import re

import pytest

from gallery.api_docs import openapi

pytestmark = pytest.mark.django_db


def test_the_page_names_every_operation_and_every_problem(client):
    response = client.get("/api/docs")
    page = response.content.decode()
    assert response.status_code == 200
    for path, methods in openapi()["paths"].items():
        for method in methods:
            assert f"<b>{method.upper()}</b> {path}<" in page
    for status in (400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503):
        assert f'id="problem-{status}"' in page


def test_its_links_lead_somewhere_on_it(client):
    page = client.get("/api/docs").content.decode()
    targets = set(re.findall(r'href="#([^"]+)"', page)) - {"main"}
    assert targets
    assert targets <= set(re.findall(r'id="([^"]+)"', page))


def test_it_is_the_same_for_everybody_and_asks_nobody_else(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/api/docs")
    assert "public" in response["Cache-Control"]
    again = client.get("/api/docs", headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search(r'(src|href)="https?://(?!localhost)', response.content.decode())


def test_the_openapi_document_says_where_a_key_is_needed(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    assert paths["/api/loras"]["get"].get("security") is None
    assert {} in paths["/api/loras/{pk}"]["get"]["security"]
    assert paths["/api/loras"]["post"]["security"] == [{"Key": []}, {"Session": []}]


def test_problems_are_described_as_what_they_are(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    described = {
        media_type
        for methods in paths.values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        for media_type in answer.get("content", {})
        if int(status) >= 400
    }
    assert described == {"application/problem+json"}
