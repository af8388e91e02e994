"""/images/<id>: the page of one image that people share, and what is hidden and shown there."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from generations.models import AddedLora, Favourite, GeneratedImage
from tests.factories import create_generation, create_training, create_wallet
from trainings.models import Training
from wallets.models import Wallet

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def lora(alice: Wallet) -> Training:
    return create_training(wallet=alice, status="completed", kind="style")


@pytest.fixture
def image(lora: Training, as_bob: Client) -> GeneratedImage:
    """What Bob made with Alice's LoRA."""
    bob = as_bob.get("/wallet").wsgi_request.user
    full = "a moon jar in the style of KILNGLZ"
    batch = create_generation(training=lora, wallet=bob, full_prompt=full, seed=123456, scale=2.5)
    return batch.images.get(number=1)


@pytest.fixture
def as_admin(settings: Any) -> Client:
    wallet = create_wallet()
    settings.ADMIN_WALLETS = [wallet.address]
    client = Client()
    client.force_login(wallet)
    return client


def page_of(client: Client, image: GeneratedImage) -> str:
    response = client.get(f"/images/{image.pk}")
    assert response.status_code == 200
    return response.content.decode()


def tools_of(client: Client, image: GeneratedImage) -> str:
    return client.get(f"/images/{image.pk}/visitor", headers=HTMX).content.decode()


def test_it_says_what_it_is_and_how_it_was_made(client, image, lora, settings):
    page = page_of(client, image)
    for words in (
        *("a moon jar<span> in the style of KILNGLZ</span>", "123456", "2.5"),
        *(f'href="/loras/{lora.pk}"', "1024 × 1024", "JPEG, 229.1", "Copy link"),  # noqa: RUF001
        f'data-copy="{settings.SITE_URL}/images/{image.pk}"',
        image.generation.wallet.short_address,
    ):
        assert words in page, words
    others = image.generation.images.exclude(pk=image.pk)
    assert [f'href="/images/{other.pk}"' in page for other in others] == [True] * 3


def test_other_sites_are_told_what_to_show(client, image, settings):
    page = page_of(client, image)
    url = f"{settings.SITE_URL}/images/{image.pk}"
    assert f'<link rel="canonical" href="{url}">' in page
    for name, value in {
        "og:title": "a moon jar",
        "og:description": "Generated with KILNGLZ.",
        "og:url": url,
        "og:image": f"{url}/1024",
        "og:image:type": "image/jpeg",
        "og:image:width": "1024",
        "og:image:alt": "Generated: a moon jar",
    }.items():
        assert f'<meta property="{name}" content="{value}">' in page


def test_markup_in_a_prompt_is_text(client, image):
    words = "<script>alert(1)</script>\"'>{{7*7}}"
    image.generation.prompt = image.generation.full_prompt = words
    image.generation.save(update_fields=["prompt", "full_prompt"])
    page = page_of(client, image)
    assert "<script>alert" not in page
    assert "{{7*7}}" in page


def test_it_is_the_same_for_everybody_and_may_be_kept(client, as_bob, as_alice, image):
    answers = [visitor.get(f"/images/{image.pk}") for visitor in (client, as_bob, as_alice)]
    assert len({answer.content for answer in answers}) == 1
    assert all("s-maxage=30" in answer["Cache-Control"] for answer in answers)
    etag = answers[0]["ETag"]
    assert client.get(f"/images/{image.pk}", headers={"If-None-Match": etag}).status_code == 304


def test_a_hidden_one_is_there_for_those_it_concerns_and_is_not_offered_to_others(
    client, as_bob, as_alice, image
):
    image.hide(by=image.generation.wallet)
    assert client.get(f"/images/{image.pk}").status_code == 404
    for visitor in (as_bob, as_alice):
        page = page_of(visitor, image)
        assert "Hidden: others do not see this page." in page
        assert 'name="robots" content="noindex"' in page
        assert "og:image" not in page
        assert "Copy link" not in page
    response = as_bob.get(f"/images/{image.pk}")
    assert "public" not in response.get("Cache-Control", "")


@pytest.mark.parametrize("gone", ["is_private", "hidden_at", "deleted_at"])
def test_it_goes_with_its_lora(as_bob, client, image, lora, gone):
    Training.objects.filter(pk=lora.pk).update(**{gone: True if gone == "is_private" else Now()})
    for visitor in (as_bob, client):
        assert visitor.get(f"/images/{image.pk}").status_code == 404
        assert visitor.get(f"/images/{image.pk}/visitor", headers=HTMX).status_code == 404


def test_the_owner_of_a_private_lora_reads_that_others_do_not_see_it(as_alice, image, lora):
    Training.objects.update(is_private=True)
    assert "because they do not see its LoRA" in page_of(as_alice, image)


def test_all_its_loras_are_named_with_their_strengths(client, image):
    riso = create_training(status="completed", trigger_word="RISO")
    AddedLora.objects.create(generation=image.generation, training=riso, place=1, scale=0.75)
    page = page_of(client, image)
    assert f'href="/loras/{riso.pk}">RISO</a> <span class="mono">0.75' in page


@pytest.mark.parametrize("part", ["", "/visitor", "/delete"])
def test_there_is_none_without_an_image(as_alice, part):
    assert as_alice.get(f"/images/6f9619ff-8b86-d011-b42d-00c04fc964ff{part}").status_code == 404
    assert as_alice.get(f"/images/x{part}").status_code == 404


def test_reading_only(client, image):
    assert client.post(f"/images/{image.pk}").status_code == 405
    assert client.post(f"/images/{image.pk}/visitor").status_code == 405


def test_it_asks_no_more_the_more_there_is(client, image, django_assert_max_num_queries):
    for number in range(3):
        riso = create_training(status="completed", trigger_word=f"W{number}")
        AddedLora.objects.create(
            generation=image.generation, training=riso, place=number + 1, scale=1
        )
    with django_assert_max_num_queries(7):
        client.get(f"/images/{image.pk}")


# --- What a visitor can do with it ----------------------------------------------------------------


def test_each_visitor_is_offered_what_is_theirs_to_do(client, as_bob, as_alice, as_admin, image):
    stranger = Client()
    stranger.force_login(create_wallet())
    offers = {
        "favourite": [as_bob, as_alice, as_admin, stranger],
        "hide": [as_bob, as_alice, as_admin],
        "delete": [as_bob],
    }
    for verb, theirs in offers.items():
        for visitor in (client, as_bob, as_alice, as_admin, stranger):
            assert (f"/images/{image.pk}/{verb}" in tools_of(visitor, image)) == (visitor in theirs)
    assert "Share" not in tools_of(as_bob, image)
    assert "Stop sharing" in tools_of(as_bob, image)
    assert "Stop sharing" not in tools_of(as_alice, image)


def test_the_page_keeps_its_buttons_and_is_no_place_to_go_back_to_once_it_is_gone(as_bob, image):
    typed = {"on": "1", "next": f"/images/{image.pk}"}
    body = as_bob.post(f"/images/{image.pk}/favourite", typed, headers=HTMX).content.decode()
    assert 'aria-pressed="true"' in body
    for tools in (body, tools_of(as_bob, image)):
        assert "Stop sharing" in tools
        assert f'href="/images/{image.pk}/delete"' in tools


def test_without_htmx_the_part_leads_to_the_page(as_bob, image):
    assert as_bob.get(f"/images/{image.pk}/visitor")["Location"] == f"/images/{image.pk}"


def test_a_favourite_is_told(as_bob, image):
    assert 'aria-pressed="false"' in tools_of(as_bob, image)
    Favourite.objects.create(wallet=image.generation.wallet, image=image)
    assert 'aria-pressed="true"' in tools_of(as_bob, image)


@pytest.mark.parametrize(
    ("hider", "words", "refused"),
    [
        ("alice", "owner has hidden it.", "only they or an admin can show it again"),
        ("admin", "An admin has hidden it.", "only an admin can show it again"),
    ],
)
def test_whoever_made_it_cannot_show_what_somebody_above_has_hidden(
    request, as_bob, as_alice, as_admin, client, image, hider, words, refused
):
    by = {"alice": as_alice, "admin": as_admin}[hider]
    by.post(f"/images/{image.pk}/hide")
    tools = tools_of(as_bob, image)
    assert words in tools
    assert f"/images/{image.pk}/show" not in tools
    for step in ("show", "hide", "show"):  # Hiding it too must not make it the maker's to show.
        response = as_bob.post(f"/images/{image.pk}/{step}")
    assert response.status_code == 302
    response = as_bob.post(f"/images/{image.pk}/show")
    assert response.status_code == 403
    assert refused in response.content.decode()
    assert client.get(f"/images/{image.pk}").status_code == 404
    by.post(f"/images/{image.pk}/show")
    assert client.get(f"/images/{image.pk}").status_code == 200


def test_the_owner_of_the_lora_cannot_show_what_whoever_made_it_took_back(
    as_bob, as_alice, as_admin, client, image, lora
):
    as_bob.post(f"/images/{image.pk}/hide")
    response = as_alice.post(f"/images/{image.pk}/show")
    assert response.status_code == 403
    assert "Whoever made it has hidden it" in response.content.decode()
    page = as_alice.get(f"/loras/{lora.pk}/images").content.decode()
    assert "Whoever made it has hidden it." in page
    assert f"/images/{image.pk}/show" not in page
    assert client.get(f"/images/{image.pk}").status_code == 404
    as_admin.post(f"/images/{image.pk}/show")
    assert client.get(f"/images/{image.pk}").status_code == 200


# --- Deleting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_deleting_says_first_what_it_means(as_bob, image, headers):
    response = as_bob.get(f"/images/{image.pk}/delete", {"next": "/x?a=1&b"}, headers=headers)
    body = response.content.decode()
    assert "This cannot be taken back, and the generation still counts." in body
    assert 'name="next" value="/x?a=1&amp;b"' in body
    assert body.lstrip().startswith("<dialog") == bool(headers)
    image.refresh_from_db()
    assert image.deleted_at is None


def test_what_is_deleted_is_gone_from_every_address_at_once(as_bob, as_alice, client, image, lora):
    other = image.generation.images.get(number=2)
    response = as_bob.post(f"/images/{image.pk}/delete", {"next": "/generations?q=x"})
    assert response["Location"] == "/generations?q=x"
    for visitor in (as_bob, as_alice, client):
        for path in ("", "/320", "/1024", "/visitor"):
            assert visitor.get(f"/images/{image.pk}{path}").status_code == 404
    for verb in ("hide", "show", "delete", "favourite"):
        assert as_bob.post(f"/images/{image.pk}/{verb}").status_code == 404
    for page in (
        as_bob.get("/generations").content.decode(),
        client.get(f"/loras/{lora.pk}").content.decode(),
        client.get(f"/api/loras/{lora.pk}/generations").content.decode(),
        as_alice.get(f"/loras/{lora.pk}/images").content.decode(),
    ):
        assert str(image.pk) not in page
        assert str(other.pk) in page
    lora.refresh_from_db()
    assert lora.image_count == 3
    assert image.generation.is_counted


def test_when_all_of_a_batch_are_deleted_its_prompt_is_left_to_whoever_asked(as_bob, client, image):
    for one in image.generation.images.all():
        as_bob.post(f"/images/{one.pk}/delete")
    assert b"You deleted its images." in as_bob.get("/generations").content
    assert as_bob.get(f"/generations/{image.generation_id}").status_code == 200
    assert client.get(f"/generations/{image.generation_id}").status_code == 404


def test_nobody_else_deletes_it(as_alice, as_admin, client, image):
    for visitor in (as_alice, as_admin):
        assert visitor.get(f"/images/{image.pk}/delete").status_code == 404
        assert visitor.post(f"/images/{image.pk}/delete").status_code == 404
    assert client.post(f"/images/{image.pk}/delete")["Location"].startswith("/connect")
    image.refresh_from_db()
    assert image.deleted_at is None


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_it_leads_to_ones_own_images_and_never_away(as_bob, image, wanted):
    response = as_bob.post(f"/images/{image.pk}/delete", {"next": wanted})
    assert response["Location"] == "/generations"


@pytest.mark.parametrize("verb", ["delete", "hide", "show"])
def test_another_site_can_do_none_of_it(image, verb):
    client = Client(enforce_csrf_checks=True)
    client.force_login(image.generation.wallet)
    assert client.post(f"/images/{image.pk}/{verb}").status_code == 403
