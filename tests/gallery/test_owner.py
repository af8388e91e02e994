"""What an owner can do with a LoRA and its images, and an admin."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from django.test import Client

from tests.factories import create_generation, create_training, create_wallet
from trainings.exhibits import NotOver, NotYours
from trainings.models import Training
from wallets.models import Wallet

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
ACTS = ["private", "public", "hide", "show", "delete"]


@pytest.fixture
def lora(alice: Wallet) -> Training:
    return create_training(wallet=alice, status="completed")


@pytest.fixture
def admin(settings: Any) -> Client:
    wallet = create_wallet()
    settings.ADMIN_WALLETS = [wallet.address]
    client = Client()
    client.force_login(wallet)
    return client


def act(client: Client, lora: Training, name: str) -> Any:
    response = client.post(f"/loras/{lora.pk}/{name}")
    lora.refresh_from_db()
    return response


# --- Name and description -------------------------------------------------------------------------


def test_a_lora_can_be_called_something_else(as_alice, lora):
    typed = {"name": " Winter glazes ", "description": "Iron & ash."}
    response = as_alice.post(f"/loras/{lora.pk}/edit", typed)
    assert (response.status_code, response.headers["Location"]) == (302, f"/loras/{lora.pk}")
    lora.refresh_from_db()
    assert (lora.name, lora.description) == ("Winter glazes", "Iron & ash.")
    assert "Winter glazes. Iron &amp; ash." in as_alice.get(f"/loras/{lora.pk}").content.decode()


def test_in_a_dialog_it_leads_to_the_page_too(as_alice, lora):
    response = as_alice.post(f"/loras/{lora.pk}/edit", {"name": "Other"}, headers=HTMX)
    assert response.headers["HX-Redirect"] == f"/loras/{lora.pk}"


def test_the_form_begins_with_what_is_said_now(as_alice, lora):
    page = as_alice.get(f"/loras/{lora.pk}/edit").content.decode()
    assert 'value="Glaze tests"' in page
    assert f'action="/loras/{lora.pk}/hide"' in page  # Everything can be done without script.
    dialog = as_alice.get(f"/loras/{lora.pk}/edit", headers=HTMX).content.decode()
    assert dialog.strip().startswith("<dialog")
    assert 'value="Glaze tests"' in dialog


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": ""}, "A LoRA needs a name."),
        ({"name": "   "}, "A LoRA needs a name."),
        ({}, "A LoRA needs a name."),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"name": "x", "description": "y" * 501}, "at most 500 characters"),
        ({"name": "nul\x00nul"}, "Null characters are not allowed."),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_cannot_be_kept_is_said_and_what_was_typed_stays(
    as_alice, lora, typed, words, headers
):
    response = as_alice.post(f"/loras/{lora.pk}/edit", typed, headers=headers)
    assert response.status_code == 422
    page = response.content.decode()
    assert words in page
    assert typed.get("description", "") in page
    lora.refresh_from_db()
    assert lora.name == "Glaze tests"


def test_only_name_and_description_can_be_changed_by_the_form(as_alice, lora):
    """Z06."""
    typed = {"name": "x", "price_cents": 0, "status": "failed", "wallet": 1, "trigger_word": "EVIL"}
    as_alice.post(f"/loras/{lora.pk}/edit", typed)
    before = [lora.price_cents, lora.status, lora.wallet_id, lora.trigger_word]
    lora.refresh_from_db()
    assert [lora.price_cents, lora.status, lora.wallet_id, lora.trigger_word] == before


# --- Who sees it ----------------------------------------------------------------------------------


def test_private_and_public_again(as_alice, client, lora):
    assert act(as_alice, lora, "private").headers["Location"] == f"/loras/{lora.pk}"
    assert lora.is_private
    assert client.get(f"/loras/{lora.pk}").status_code == 404
    act(as_alice, lora, "public")
    assert client.get(f"/loras/{lora.pk}").status_code == 200


def test_hidden_and_shown_again(as_alice, client, lora, alice):
    act(as_alice, lora, "hide")
    assert lora.hidden_by == alice
    assert client.get(f"/loras/{lora.pk}").status_code == 404
    act(as_alice, lora, "show")
    assert lora.hidden_by is None
    assert client.get(f"/loras/{lora.pk}").status_code == 200


def test_what_an_admin_hid_only_an_admin_shows_again(as_alice, admin, client, lora):
    act(admin, lora, "hide")
    response = act(as_alice, lora, "show")
    assert response.status_code == 403
    assert "only an admin can show it again" in response.content.decode()
    act(as_alice, lora, "hide")  # Hiding it once more must not make it the owner's to show.
    assert act(as_alice, lora, "show").status_code == 403
    assert client.get(f"/loras/{lora.pk}").status_code == 404
    assert "An admin has hidden it." in as_alice.get(f"/loras/{lora.pk}/edit").content.decode()
    act(admin, lora, "show")
    assert client.get(f"/loras/{lora.pk}").status_code == 200


def test_an_admin_can_show_what_its_owner_hid(as_alice, admin, client, lora):
    act(as_alice, lora, "hide")
    act(admin, lora, "show")
    assert client.get(f"/loras/{lora.pk}").status_code == 200


def test_an_admin_neither_sees_nor_touches_what_is_private(as_alice, admin, lora):
    act(as_alice, lora, "private")
    for name in ("hide", "show", "public", "delete", "edit"):
        assert act(admin, lora, name).status_code == 404


@pytest.mark.parametrize("name", [*ACTS, "edit"])
def test_a_stranger_can_do_none_of_it(as_bob, client, lora, name):
    before = Training.objects.filter(pk=lora.pk).values().get()
    assert act(as_bob, lora, name).status_code == 404
    assert act(client, lora, name).headers["Location"].startswith("/connect")
    assert Training.objects.filter(pk=lora.pk).values().get() == before


@pytest.mark.parametrize("name", ["private", "public", "hide", "show"])
def test_looking_changes_nothing(as_alice, lora, name):
    """X04."""
    assert as_alice.get(f"/loras/{lora.pk}/{name}").status_code == 405


@pytest.mark.parametrize("name", ACTS)
def test_another_site_can_do_none_of_it(alice, lora, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(f"/loras/{lora.pk}/{name}").status_code == 403


@pytest.mark.parametrize("name", [*ACTS, "edit"])
def test_a_lora_that_is_not_there_is_not_found(as_alice, name):
    assert as_alice.post(f"/loras/{uuid4()}/{name}").status_code == 404


# --- Deleting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_deleting_says_first_what_it_breaks(as_alice, lora, settings, headers):
    page = as_alice.get(f"/loras/{lora.pk}/delete", headers=headers).content.decode()
    assert "The address of its weights stops working" in page
    assert f"{settings.SITE_URL}/loras/{lora.pk}/weights" in page
    assert "This cannot be taken back" in page
    lora.refresh_from_db()
    assert lora.deleted_at is None


def test_what_is_deleted_is_gone_for_everybody_and_stays_in_the_books(as_alice, client, lora):
    response = act(as_alice, lora, "delete")
    assert response.headers["Location"] == "/trainings"
    assert lora.deleted_at
    for visitor in (as_alice, client):
        assert visitor.get(f"/loras/{lora.pk}").status_code == 404
        assert visitor.get(f"/loras/{lora.pk}/weights").status_code == 404
    assert str(lora.pk) not in as_alice.get("/trainings").content.decode()
    moment = lora.deleted_at
    assert act(as_alice, lora, "delete").status_code == 404
    assert lora.deleted_at == moment


def test_what_is_at_work_cannot_be_removed(alice):
    training = create_training(wallet=alice, status="training")
    with pytest.raises(NotOver):
        training.remove()
    training.refresh_from_db()
    assert training.deleted_at is None


@pytest.mark.parametrize("status", ["failed", "cancelled", "completed"])
def test_what_is_over_can(alice, status):
    training = create_training(wallet=alice, status=status)
    training.remove()
    first = training.deleted_at
    training.remove()
    assert training.deleted_at == first is not None


def test_the_verb_refuses_whoever_did_not_hide_it(alice, settings):
    admin = create_wallet()
    settings.ADMIN_WALLETS = [admin.address]
    lora = create_training(wallet=alice, status="completed")
    lora.hide(by=admin)
    with pytest.raises(NotYours):
        lora.show(by=alice)
    assert lora.hidden_at


# --- Single images --------------------------------------------------------------------------------


@pytest.fixture
def batch(lora: Training, as_bob: Client) -> Any:
    """Images that Bob made with Alice's LoRA."""
    bob = as_bob.get("/wallet").wsgi_request.user
    return create_generation(training=lora, wallet=bob)


def test_an_image_is_hidden_by_whose_lora_it_is_and_by_who_made_it(
    as_alice, as_bob, admin, client, lora, batch
):
    for hider, image in zip((as_alice, as_bob, admin), batch.images.all(), strict=False):
        response = hider.post(f"/images/{image.pk}/hide")
        assert response.headers["Location"] == f"/loras/{lora.pk}/images"
        assert f"/images/{image.pk}/" not in client.get(f"/loras/{lora.pk}").content.decode()
    lora.refresh_from_db()
    assert lora.image_count == 1


def test_and_shown_again(as_alice, client, lora, batch):
    image = batch.images.all()[0]
    as_alice.post(f"/images/{image.pk}/hide")
    as_alice.post(f"/images/{image.pk}/hide")
    as_alice.post(f"/images/{image.pk}/show", {"next": "/generations?q=x"})
    lora.refresh_from_db()
    assert lora.image_count == 4
    assert f"/images/{image.pk}/" in client.get(f"/loras/{lora.pk}").content.decode()


@pytest.mark.parametrize("verb", ["hide", "show"])
def test_nobody_else_can(client, lora, batch, verb):
    image = batch.images.all()[0]
    stranger = Client()
    stranger.force_login(create_wallet())
    assert stranger.post(f"/images/{image.pk}/{verb}").status_code == 404
    assert client.post(f"/images/{image.pk}/{verb}").headers["Location"].startswith("/connect")
    assert stranger.get(f"/images/{image.pk}/{verb}").status_code == 405
    image.refresh_from_db()
    assert image.hidden_at is None


def test_the_images_of_a_lora_that_became_private_are_its_owners_alone(as_bob, as_alice, batch):
    Training.objects.update(is_private=True)
    image = batch.images.all()[0]
    assert as_bob.post(f"/images/{image.pk}/hide").status_code == 404
    assert as_alice.post(f"/images/{image.pk}/hide").status_code == 302


@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        ("/generations?q=x", "/generations?q=x"),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("/\\evil.example", None),
        ("", None),
    ],
)
def test_it_leads_back_to_where_one_was_and_never_away(as_alice, lora, batch, wanted, leads):
    response = as_alice.post(f"/images/{batch.images.all()[0].pk}/hide", {"next": wanted})
    assert response.headers["Location"] == (leads or f"/loras/{lora.pk}/images")


def test_the_page_of_images_has_all_of_them_hidden_ones_too(as_alice, admin, as_bob, lora, batch):
    hidden = batch.images.all()[0]
    hidden.hide(by=lora.wallet)
    for visitor in (as_alice, admin):
        page = visitor.get(f"/loras/{lora.pk}/images").content.decode()
        assert f'action="/images/{hidden.pk}/show"' in page
        assert page.count("/hide") == 3
    assert as_bob.get(f"/loras/{lora.pk}/images").status_code == 404


def test_older_images_are_on_the_next_page(as_alice, lora):
    for _batch in range(13):
        create_generation(training=lora, images=1, created_at=Now())
    page = as_alice.get(f"/loras/{lora.pk}/images").content.decode()
    assert page.count("/hide") == 12
    before = page.partition("?before=")[2][:36]
    page = as_alice.get(f"/loras/{lora.pk}/images", {"before": before}).content.decode()
    assert page.count('class="frame"') == 1
    assert as_alice.get(f"/loras/{lora.pk}/images", {"before": "x"}).status_code == 404
