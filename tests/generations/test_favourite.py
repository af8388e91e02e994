"""/images/<id>/favourite: what somebody wants to find again."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.factories import create_generation, create_training

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def image(lora):
    return create_generation(training=lora, images=1).images.get()


def test_it_is_kept_once_and_taken_back(as_alice, alice, image):
    for on in ("1", "1"):
        as_alice.post(f"/images/{image.pk}/favourite", {"on": on})
    assert [liked.image for liked in alice.favourites.all()] == [image]
    for on in ("0", "0"):
        as_alice.post(f"/images/{image.pk}/favourite", {"on": on})
    assert not alice.favourites.exists()


def test_the_answer_is_the_button_or_the_page_it_stood_on(as_alice, image):
    url = f"/images/{image.pk}/favourite"
    body = as_alice.post(
        url, {"on": "1", "next": "/generations?q=x"}, headers=HTMX
    ).content.decode()
    assert 'aria-pressed="true"' in body
    assert 'value="/generations?q=x"' in body
    assert as_alice.post(url, {"next": "/generations?q=x"})["Location"] == "/generations?q=x"
    for elsewhere in ("https://evil.example", "//evil.example", ""):
        assert as_alice.post(url, {"next": elsewhere})["Location"] == "/generations"


def test_only_what_can_be_seen_and_only_by_somebody(client, as_alice, image):
    private = create_training(status="completed", is_private=True)
    secret = create_generation(training=private, images=1).images.get()
    for pk in (secret.pk, uuid4()):
        assert as_alice.post(f"/images/{pk}/favourite", {"on": "1"}).status_code == 404
    assert client.post(f"/images/{image.pk}/favourite").status_code == 302
    assert as_alice.get(f"/images/{image.pk}/favourite").status_code == 405
