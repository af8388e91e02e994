"""From a draft to a training."""

from __future__ import annotations

from typing import Any

import pytest

from datasets.models import Dataset
from tests.factories import create_dataset, create_training, create_wallet
from trainings.drafts import Draft
from trainings.models import Training
from trainings.views_start import begin, form_of

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
TYPED = {
    "trigger_word": "KILNGLZ",
    "kind": "product",
    "name": "Glaze tests",
    "training_steps": "1200",
    "provider": "fal",
    "visibility": "private",
    "fal-masks": "off",
}


@pytest.fixture(autouse=True)
def no_chain(settings: Any) -> None:
    """Nobody answers at this address, at once."""
    settings.CHAIN_RPC_URL = "http://127.0.0.1:9"


def test_a_good_draft_becomes_a_training_and_leads_to_its_page(as_alice, alice):
    dataset = create_dataset(wallet=alice)
    response = as_alice.post("/draft/start", TYPED | {"dataset": dataset.pk})
    training = alice.trainings.get()
    assert (response.status_code, response["Location"]) == (302, f"/trainings/{training.pk}")
    assert training.dataset == dataset
    assert training.status == "awaiting_payment"
    assert training.price_cents == 400
    assert training.options == {"masks": False}
    assert (training.name, training.training_steps, training.kind) == (
        "Glaze tests",
        1200,
        "product",
    )
    assert training.is_private
    dataset.refresh_from_db()
    assert dataset.is_frozen


def test_htmx_is_told_where_to_go(as_alice, alice):
    create_dataset(wallet=alice)
    response = as_alice.post("/draft/start", TYPED, headers=HTMX)
    assert response["HX-Redirect"] == f"/trainings/{alice.trainings.get().pk}"


def test_a_second_click_leads_to_the_training_of_the_first(as_alice, alice):
    dataset = create_dataset(wallet=alice)
    first = as_alice.post("/draft/start", TYPED | {"dataset": dataset.pk})
    second = as_alice.post("/draft/start", TYPED | {"dataset": dataset.pk})
    assert second["Location"] == first["Location"]
    assert alice.trainings.count() == 1
    assert Dataset.objects.count() == 1


def test_a_new_version_knows_its_parent(as_alice, alice):
    create_dataset(wallet=alice)
    as_alice.post("/draft/start", TYPED)
    parent = alice.trainings.get()
    Draft.again(parent)
    as_alice.post("/draft/start", TYPED)
    assert alice.trainings.newest().first().parent == parent


def test_what_belongs_to_us_cannot_be_typed(as_alice, alice):
    create_dataset(wallet=alice)
    forged = {"price_cents": "0", "status": "completed", "wallet": "1", "weights": "x"}
    as_alice.post("/draft/start", TYPED | forged)
    training = alice.trainings.get()
    assert (training.price_cents, training.status, training.weights) == (
        400,
        "awaiting_payment",
        "",
    )


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"trigger_word": "two words"}, "Use 2 to 24 letters, digits or underscores"),
        ({"trigger_word": "🔥"}, "Use 2 to 24 letters, digits or underscores"),
        ({"trigger_word": "../x"}, "Use 2 to 24 letters, digits or underscores"),
        ({"trigger_word": "x" * 200}, "Use 2 to 24 letters, digits or underscores"),
        ({"trigger_word": ""}, "A training needs a trigger word."),
        ({"training_steps": "150"}, "Choose 100 to 2,000 steps, in hundreds."),
        ({"provider": "another"}, "There is no such trainer."),
        ({"kind": ""}, "Say what is trained"),
        ({"name": "x" * 81}, "A name has at most 80 characters."),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_wrong_is_said_and_nothing_is_lost(as_alice, alice, typed, words, headers):
    dataset = create_dataset(wallet=alice)
    response = as_alice.post("/draft/start", TYPED | typed, headers=headers)
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert "Something in the settings is not right yet." in page
    assert page.startswith("<!doctype html>") is not bool(headers)
    assert alice.trainings.count() == 0
    assert Draft.objects.get(dataset=dataset).typed == TYPED | typed


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        (0, "Choose at least 4 pictures; you have chosen 0."),
        (3, "Choose at least 4 pictures; you have chosen 3."),
        (16, "Choose at most 15 pictures."),
    ],
)
def test_a_training_takes_four_to_fifteen_pictures(as_alice, alice, pictures, words):
    create_dataset(wallet=alice, pictures=pictures)
    response = as_alice.post("/draft/start", TYPED, headers=HTMX)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert alice.trainings.count() == 0


def test_a_trainer_that_needs_more_pictures_says_so(as_alice, alice, monkeypatch):
    create_dataset(wallet=alice)
    monkeypatch.setattr("providers.fal.FalFluxLora.fewest_pictures", 5)
    response = as_alice.post("/draft/start", TYPED, headers=HTMX)
    assert response.status_code == 422
    assert "needs at least 5 images; you have chosen 4." in response.content.decode()


def test_captions_that_are_still_on_their_way_come_with_the_start(as_alice, alice):
    dataset = create_dataset(wallet=alice)
    first, second, *_rest = dataset.pictures.all()
    second.caption = "written meanwhile"
    second.save()
    captions = {f"caption-{first.pk}": "a vase\r\non a table", f"caption-{second.pk}": ""}
    as_alice.post("/draft/start", TYPED | captions)
    assert alice.trainings.exists()
    kept = [picture.caption for picture in dataset.pictures.all()[:2]]
    assert kept == ["a vase\non a table", "written meanwhile"]


def test_a_caption_that_cannot_be_kept_begins_nothing(as_alice, alice):
    picture = create_dataset(wallet=alice).pictures.first()
    long = {f"caption-{picture.pk}": "x" * 1001}
    response = as_alice.post("/draft/start", TYPED | long, headers=HTMX)
    assert response.status_code == 422
    assert "A caption has at most 1000 characters." in response.content.decode()
    assert not alice.trainings.exists()


def test_whoever_is_signed_out_connects_first_and_loses_nothing(client):
    response = client.post("/draft/start", TYPED)
    assert (response.status_code, response["Location"]) == (302, "/connect?next=/")
    assert Draft.objects.get().typed == TYPED
    assert Training.objects.count() == 0


@pytest.mark.parametrize("named", ["theirs", "nonsense", "trained"])
def test_somebody_elses_draft_or_none_is_not_found(as_bob, alice, named):
    dataset = create_dataset(wallet=alice)
    trained = create_training(wallet=alice).dataset
    pk = {"theirs": dataset.pk, "trained": trained.pk}.get(named, named)
    for url in ("/draft/start", "/draft"):
        assert as_bob.post(url, TYPED | {"dataset": pk}).status_code == 404
    dataset.refresh_from_db()
    assert not dataset.is_frozen
    assert Training.objects.count() == 1


def test_the_draft_of_the_page_is_begun_and_not_a_newer_one(as_alice, alice):
    older, newer = create_dataset(wallet=alice), create_dataset(wallet=alice)
    as_alice.post("/draft", {"trigger_word": "OLDER", "dataset": older.pk}, headers=HTMX)
    as_alice.post("/draft/start", TYPED | {"dataset": older.pk})
    assert alice.trainings.get().dataset == older
    newer.refresh_from_db()
    assert not newer.is_frozen
    assert not Draft.objects.exists()


def test_of_two_tabs_at_the_same_moment_the_second_changes_nothing(as_alice, alice):
    """It has found the draft, and the other tab begins the training before it does."""
    dataset = create_dataset(wallet=alice)
    late = Draft.objects.create(dataset=Dataset.objects.get(pk=dataset.pk))
    as_alice.post("/draft/start", TYPED)
    form = form_of(late, TYPED)
    with pytest.raises(Exception, match="trained with"):
        begin(alice, late, form)
    assert alice.trainings.count() == 1


def test_without_the_chain_the_training_waits_and_the_page_offers_to_ask_again(as_alice, alice):
    create_dataset(wallet=alice)
    page = as_alice.post("/draft/start", TYPED, follow=True).content.decode()
    training = alice.trainings.get()
    assert training.quote is None
    assert 'hx-post="/quotes" hx-trigger="load, submit"' in page
    assert 'name="usd_cents" value="400"' in page
    assert 'name="purpose" value="Training Glaze tests"' in page


def test_an_exempt_wallet_is_asked_for_nothing(client, settings):
    wallet = create_wallet()
    settings.ADMIN_WALLETS = [wallet.address]
    client.force_login(wallet)
    create_dataset(wallet=wallet)
    page = client.post("/draft/start", TYPED, follow=True).content.decode()
    assert wallet.trainings.get().price_cents == 0
    assert "/quotes" not in page


def test_starting_is_no_reading(as_alice, alice):
    create_dataset(wallet=alice)
    assert as_alice.get("/draft/start").status_code == 405
    assert alice.trainings.count() == 0
