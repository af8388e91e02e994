"""What crawlers are told, as their own parser reads it."""

from __future__ import annotations

from urllib.robotparser import RobotFileParser

import pytest


@pytest.fixture
def rules(client, settings):
    settings.SITE_URL = "https://lora.example"
    response = client.get("/robots.txt")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    parser = RobotFileParser()
    parser.parse(response.content.decode().splitlines())
    return parser


@pytest.mark.parametrize(
    "path", ["/", "/loras", "/loras/6f1c", "/loras/feed.atom", "/licence", "/sitemaps/pages.xml"]
)
def test_what_is_public_may_be_read(rules, path):
    assert rules.can_fetch("AnyBot", path)


@pytest.mark.parametrize("path", ["/trainings", "/wallet", "/api/loras", "/loras/pinned", "/draft"])
def test_what_is_somebodys_own_may_not(rules, path):
    assert not rules.can_fetch("AnyBot", path)


def test_views_of_the_wall_may_not_but_the_wall_itself_may_whatever_the_parser(client):
    """Without the star, parsers that drop an empty query would lock the whole wall."""
    assert "Disallow: /loras?*" in client.get("/robots.txt").content.decode().splitlines()


def test_it_names_the_sitemap(rules):
    assert rules.site_maps() == ["https://lora.example/sitemap.xml"]


def test_it_may_be_kept_and_is_only_read(client):
    assert "public" in client.get("/robots.txt").headers["Cache-Control"]
    assert client.post("/robots.txt").status_code == 405


def test_the_licence_page_names_the_licence_of_the_base_model(client):
    page = client.get("/licence").content.decode()
    assert "FLUX.1 [dev] Non-Commercial License" in page
    assert client.post("/licence").status_code == 405


@pytest.mark.django_db
def test_every_page_leads_to_the_wall_the_api_the_licence_and_the_feed(client):
    page = client.get("/loras").content.decode()
    for address in ("/loras", "/", "/api/docs", "/licence", "/loras/feed.atom"):
        assert f'href="{address}"' in page
    assert '<a href="/loras" aria-current="page">' in page
