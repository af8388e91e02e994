"""The sitemap: an index of days, and the LoRAs of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import create_training, create_wallet

pytestmark = pytest.mark.django_db

NAMES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
NOON = datetime(2026, 11, 14, 12, tzinfo=UTC)
SITE = "https://lora.example"


@pytest.fixture(autouse=True)
def address(settings):
    settings.SITE_URL = SITE


def entries(client, url: str) -> dict[str, str | None]:
    """Addresses, and when each changed last."""
    response = client.get(url)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/xml"
    root = ElementTree.fromstring(response.content)
    return {
        child.findtext("s:loc", namespaces=NAMES): child.findtext("s:lastmod", namespaces=NAMES)
        for child in root
    }


def hang(at: datetime, **fields):
    return create_training(status="completed", completed_at=at, **fields)


def test_the_index_names_each_day_that_has_loras(client):
    for at in (NOON, NOON + timedelta(hours=3), NOON - timedelta(days=40)):
        hang(at)
    hang(NOON - timedelta(days=2), is_private=True)
    assert entries(client, "/sitemap.xml") == {
        f"{SITE}/sitemaps/pages.xml": None,
        f"{SITE}/sitemaps/2026-11-14.xml": "2026-11-14T15:00:00+00:00",
        f"{SITE}/sitemaps/2026-10-05.xml": "2026-10-05T12:00:00+00:00",
    }


def test_a_day_has_its_loras_and_no_others(client):
    midnight = NOON.replace(hour=0)
    inside = [hang(at) for at in (midnight, NOON, midnight + timedelta(hours=23, minutes=59))]
    for at in (midnight - timedelta(seconds=1), midnight + timedelta(days=1)):
        hang(at)
    assert set(entries(client, "/sitemaps/2026-11-14.xml")) == {
        f"{SITE}/loras/{lora.pk}" for lora in inside
    }


def test_every_address_of_the_index_is_there_and_so_is_what_it_names(client):
    hang(NOON)
    for url in entries(client, "/sitemap.xml"):
        for page in entries(client, url.removeprefix(SITE)):
            assert client.get(page.removeprefix(SITE) or "/").status_code == 200, page


@pytest.mark.parametrize(
    "fields",
    [{"is_private": True}, {"hidden_at": NOON}, {"deleted_at": NOON}],
    ids=str,
)
def test_what_is_not_public_is_nowhere_in_it_even_for_its_owner(client, fields):
    owner = create_wallet()
    hang(NOON, wallet=owner, **fields)
    client.force_login(owner)
    assert list(entries(client, "/sitemap.xml")) == [f"{SITE}/sitemaps/pages.xml"]
    assert client.get("/sitemaps/2026-11-14.xml").status_code == 404


@pytest.mark.parametrize(
    "day", ["2026-11-13", "2026-13-01", "yesterday", "0000-00-00", "9999-12-31", "2026-11-14T00"]
)
def test_a_day_without_loras_is_not_found(client, day):
    hang(NOON)
    assert client.get(f"/sitemaps/{day}.xml").status_code == 404


def test_more_loras_ask_no_more_questions(client):
    def questions(url: str) -> int:
        with CaptureQueriesContext(connection) as context:
            entries(client, url)
        return len(context)

    for days in range(5):
        hang(NOON - timedelta(days=days))
    assert questions("/sitemap.xml") == 1
    assert questions("/sitemaps/2026-11-14.xml") == 1
    assert questions("/sitemaps/pages.xml") == 0


def test_it_may_be_kept(client):
    hang(NOON)
    for url in ("/sitemap.xml", "/sitemaps/pages.xml", "/sitemaps/2026-11-14.xml"):
        response = client.get(url)
        assert "public" in response.headers["Cache-Control"]
        assert not response.cookies
        assert client.post(url).status_code == 405
