"""The Atom feed of the wall."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from tests.factories import create_training, create_wallet

pytestmark = pytest.mark.django_db

ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.fixture(autouse=True)
def address(settings):
    settings.SITE_URL = "https://lora.example"


def read(client):
    response = client.get("/loras/feed.atom")
    assert response.status_code == 200
    return ElementTree.fromstring(response.content)


def text(element, path):
    return element.findtext(path, namespaces=ATOM)


def test_an_entry_says_what_the_lora_is(client):
    wallet = create_wallet()
    lora = create_training(
        status="completed",
        wallet=wallet,
        image_count=12,
        picture_count=9,
        completed_at=datetime(2026, 11, 14, 12, 30, tzinfo=UTC),
    )
    feed = read(client)
    assert text(feed, "a:title") == "New LoRAs on LoRA Trainer"
    assert text(feed, "a:id") == "https://lora.example/loras"
    links = {link.get("rel"): link.get("href") for link in feed.findall("a:link", namespaces=ATOM)}
    assert links == {
        "alternate": "https://lora.example/loras",
        "self": "https://lora.example/loras/feed.atom",
    }
    [entry] = feed.findall("a:entry", namespaces=ATOM)
    assert text(entry, "a:title") == "KILNGLZ"
    assert text(entry, "a:id") == f"urn:uuid:{lora.pk}"
    assert text(entry, "a:updated") == "2026-11-14T12:30:00+00:00"
    assert text(entry, "a:author/a:name") == wallet.address
    assert text(entry, "a:summary") == (
        "Glaze tests · Product · 12 generated · 1000 steps · 9 images"
    )
    [link] = entry.findall("a:link", namespaces=ATOM)
    assert link.get("href") == f"https://lora.example/loras/{lora.pk}"


def test_it_has_the_newest_twenty(client):
    for number in range(22):
        create_training(status="completed", trigger_word=f"N{number}")
    titles = [text(entry, "a:title") for entry in read(client).findall("a:entry", namespaces=ATOM)]
    assert titles == [f"N{number}" for number in reversed(range(2, 22))]


@pytest.mark.parametrize(
    "fields",
    [
        {"is_private": True},
        {"hidden_at": datetime(2026, 11, 1, tzinfo=UTC)},
        {"deleted_at": datetime(2026, 11, 1, tzinfo=UTC)},
        {"status": "failed"},
    ],
    ids=str,
)
def test_what_is_not_public_is_not_in_it_even_for_its_owner(client, fields):
    wallet = create_wallet()
    create_training(**{"status": "completed", "wallet": wallet} | fields)
    client.force_login(wallet)
    assert read(client).findall("a:entry", namespaces=ATOM) == []


def test_no_name_can_break_it_or_put_anything_into_it(client):
    create_training(status="completed", name="Bell \x07 <script>alert(1)</script> & Co")
    [entry] = read(client).findall("a:entry", namespaces=ATOM)
    summary = text(entry, "a:summary")
    assert summary.startswith("Bell  &lt;script&gt;alert(1)&lt;/script&gt; &amp; Co · ")


def test_it_may_be_kept_and_is_not_sent_twice(client):
    create_training(status="completed")
    response = client.get("/loras/feed.atom")
    assert response.headers["Content-Type"].startswith("application/atom+xml")
    assert "public" in response.headers["Cache-Control"]
    assert not response.cookies
    again = client.get("/loras/feed.atom", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_the_wall_tells_browsers_of_it(client):
    page = client.get("/loras").content.decode()
    assert 'rel="alternate" type="application/atom+xml"' in page
    assert 'href="/loras/feed.atom"' in page


def test_it_is_only_read(client):
    assert client.post("/loras/feed.atom").status_code == 405
