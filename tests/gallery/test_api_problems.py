"""Whatever goes wrong below /api/ is said as a problem in words (RFC 9457), whoever says it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from gallery.api_problems import WORDS
from tests.factories import create_training, create_wallet
from tests.gallery.api import PROBLEM, Program, refusal
from trainings.models import Training

pytestmark = pytest.mark.django_db

METHODS = ["get", "post", "put", "patch", "delete"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path", ["/api/", "/api/x", "/api/loras/", "/api/loras/x/y", "/api/v1/loras"]
)
def test_an_address_that_there_is_not(method, path):
    client = Client(enforce_csrf_checks=True)
    assert refusal(getattr(client, method)(path))["status"] == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "OPTIONS", "FOO", "DELETE", "GETX"])
def test_a03_a_method_that_there_is_not(client, method):
    response = client.generic(method, "/api/loras")
    assert refusal(response)["status"] == 405
    assert set(response["Allow"].split(", ")) == {"GET", "POST"}


def test_a03_no_header_makes_another_method_of_it(client):
    training = create_training(status="completed")
    headers = {
        "X-HTTP-Method-Override": "DELETE",
        "X-HTTP-Method": "DELETE",
        "X-Method-Override": "DELETE",
    }
    response = Program(training.wallet).client.post(
        f"/api/loras/{training.pk}", {"_method": "DELETE"}, headers=headers
    )
    assert refusal(response)["status"] == 405
    assert Training.objects.get().deleted_at is None


def test_a04_no_other_site_is_let_in(client):
    evil = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    asked = client.options("/api/loras", headers=evil)
    read = client.get("/api/loras", headers=evil)
    for response in (asked, read):
        assert not [name for name in response.headers if name.startswith("Access-Control-")]
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert refusal(asked)["status"] == 405


def test_a04_what_a_browser_sends_from_another_site_is_refused():
    training = create_training(status="completed")
    client = Client(enforce_csrf_checks=True)
    client.force_login(training.wallet)
    response = client.delete(f"/api/loras/{training.pk}", headers={"Sec-Fetch-Site": "cross-site"})
    assert refusal(response)["status"] == 403
    assert Training.objects.get().deleted_at is None


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/api/loras", "application/json"),
        ("/api/loras", "application/x-www-form-urlencoded"),
        ("/api/loras", "text/plain"),
        ("/api/loras/{pk}/generations", "multipart/form-data; boundary=x"),
        ("/api/loras/{pk}/generations", "text/plain"),
        ("/api/loras/{pk}/generations", ""),
    ],
)
def test_a_type_that_is_not_read(path, content_type):
    training = create_training(status="completed")
    response = Program(training.wallet).client.post(
        path.format(pk=training.pk),
        b"{}",
        content_type=content_type,
        headers={"Idempotency-Key": "one"},
    )
    assert refusal(response)["status"] == 415
    assert response["Accept-Post"] in {"multipart/form-data", "application/json"}


@pytest.mark.parametrize(
    ("path", "content_type", "length"),
    [
        ("/api/loras", "multipart/form-data; boundary=x", 15 * 10_000_000 + 100_001),
        ("/api/loras/{pk}/generations", "application/json", 100_001),
    ],
)
def test_what_says_to_be_too_long_is_not_read(path, content_type, length):
    training = create_training(status="completed")
    response = Program(training.wallet).client.generic(
        "POST",
        path.format(pk=training.pk),
        b"x",
        content_type=content_type,
        CONTENT_LENGTH=str(length),
        headers={"Idempotency-Key": "one"},
    )
    assert refusal(response)["status"] == 413


def test_a09_a_thousand_fields_or_parameters_are_refused(client):
    many = {f"field-{number}": "x" for number in range(1000)}
    wallet = create_wallet(cents=400)
    response = Program(wallet).client.post("/api/loras", many, headers={"Idempotency-Key": "one"})
    assert refusal(response)["status"] == 400
    assert refusal(client.get("/api/loras", many))["status"] in (400, 422)


def test_a_form_that_is_cut_off_is_refused():
    response = Program(create_wallet(cents=400)).client.generic(
        "POST",
        "/api/loras",
        b"--x\r\nContent-Disposition: form-data; name=",
        content_type="multipart/form-data; boundary=x",
        headers={"Idempotency-Key": "one"},
    )
    assert refusal(response)["status"] in (400, 422)
    response = Program(create_wallet(cents=400)).client.generic(
        "POST",
        "/api/loras",
        b"x",
        content_type="multipart/form-data; boundary=" + "x" * 300,
        headers={"Idempotency-Key": "one"},
    )
    assert refusal(response)["status"] in (400, 422)


def test_our_bug_says_nothing_of_itself(client, monkeypatch):
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("gallery.api_loras.visible", broken)
    client.raise_request_exception = False
    response = client.get(f"/api/loras/{create_training().pk}")
    assert refusal(response)["status"] == 500
    assert b"secret" not in response.content


def test_maintenance(client, settings):
    settings.MAINTENANCE = True
    response = client.get("/api/loras")
    assert refusal(response)["status"] == 503
    assert int(response["Retry-After"]) > 0


def test_a_host_that_is_not_ours(client):
    assert refusal(client.get("/api/loras", headers={"Host": "evil.example"}))["status"] == 400


def test_problems_are_not_kept_by_caches(client):
    for response in (client.get("/api/x"), client.get("/api/loras?x=1"), client.put("/api/loras")):
        assert response["Cache-Control"] == "no-store"


def test_pages_and_webhooks_keep_their_own_errors(client):
    assert client.get("/nothing")["Content-Type"].startswith("text/html")
    webhook = client.post("/api/webhook/fal/unknown")
    assert (webhook.status_code, webhook["Content-Type"]) != (404, PROBLEM)


def test_every_status_of_the_document_has_words(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    statuses = {
        int(status)
        for methods in paths.values()
        for operation in methods.values()
        for status in operation["responses"]
    }
    assert {status for status in statuses if status >= 400} <= set(WORDS)


def test_words_are_json_in_any_language(client):
    response = client.get("/api/x", headers={"Accept-Language": "ru"})
    assert json.loads(response.content)["title"]
