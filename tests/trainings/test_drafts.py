"""What was typed on the train page, and whose it is."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from datasets.models import Dataset
from tests.factories import create_dataset, create_training
from trainings.drafts import LENGTH, Draft
from trainings.forms import TrainingForm
from wallets.models import Wallet

pytestmark = pytest.mark.django_db


def request_of(user: Wallet | None = None, session: SessionStore | None = None) -> Any:
    request: Any = RequestFactory().post("/draft")
    request.user = user or AnonymousUser()
    request.session = session if session is not None else SessionStore()
    return request


def begin(session: SessionStore) -> Draft:
    return Draft.objects.create(dataset=Dataset.begin(request_of(session=session)))


def test_what_was_typed_is_kept_as_it_was_typed(alice):
    draft = Draft(dataset=create_dataset(wallet=alice))
    draft.keep({"trigger_word": " two words ", "description": "a\r\nb", "training_steps": "many"})
    kept = Draft.objects.get(pk=draft.pk).typed
    assert kept == {
        "trigger_word": " two words ",
        "description": "a\r\nb",
        "training_steps": "many",
    }


def test_a_field_that_was_not_sent_stays_as_it_was(alice):
    draft = Draft(dataset=create_dataset(wallet=alice))
    draft.keep({"name": "Glaze tests", "kind": "product"})
    draft.keep({"name": ""})
    assert draft.typed == {"name": "", "kind": "product"}


def test_two_requests_of_one_page_do_not_undo_each_other(alice):
    dataset = create_dataset(wallet=alice)
    one, other = Draft(dataset=dataset), Draft(dataset=dataset)
    one.keep({"name": "Glaze tests"})
    other.keep({"kind": "product"})
    assert Draft.objects.get().typed == {"name": "Glaze tests", "kind": "product"}


def test_names_that_no_field_has_are_not_kept(alice):
    draft = Draft(dataset=create_dataset(wallet=alice))
    draft.keep({"price_cents": "0", "wallet": "1", "status": "completed", "fal-masks": "off"})
    assert draft.typed == {"fal-masks": "off"}


def test_what_is_far_too_long_is_cut_and_nul_is_left_out(alice):
    draft = Draft(dataset=create_dataset(wallet=alice))
    draft.keep({"name": "x" * 5000, "description": "a\0b"})
    draft.refresh_from_db()
    assert draft.typed == {"name": "x" * LENGTH, "description": "ab"}


def test_every_field_of_the_form_is_kept(alice):
    draft = Draft(dataset=create_dataset(wallet=alice))
    for alias in TrainingForm().providers:
        form = TrainingForm(typed={"provider": alias})
        draft.keep({name: f"typed {name}" for name in form.fields})
        assert set(form.fields) <= set(draft.typed)


def test_the_newest_draft_of_a_wallet_is_the_current_one(alice):
    create_dataset(wallet=alice)
    newer = create_dataset(wallet=alice)
    current = Draft.current(request_of(alice))
    assert current is not None
    assert current.dataset == newer


def test_a_draft_that_was_trained_with_is_no_draft_any_more(alice):
    create_training(wallet=alice)
    assert Draft.current(request_of(alice)) is None


def test_whoever_signs_in_keeps_what_their_browser_began(alice):
    session = SessionStore()
    begun = begin(session)
    begun.keep({"trigger_word": "KILNGLZ"})
    current = Draft.current(request_of(alice, session))
    assert current == begun
    assert current.dataset.wallet == alice
    # What that browser had asked for before is still answered.
    assert Draft.current(request_of(session=session)) == begun


def test_another_browser_has_no_part_in_it(alice):
    begin(SessionStore())
    assert Draft.current(request_of(session=SessionStore())) is None
    assert Draft.current(request_of(alice, SessionStore())) is None


def test_a_visit_alone_begins_nothing():
    assert Draft.current(request_of()) is None
    assert Dataset.objects.count() == 0


def test_training_again_begins_with_the_same_pictures_and_settings(alice):
    training = create_training(
        wallet=alice,
        provider="replicate",
        description="Cone 10",
        training_steps=1200,
        is_private=True,
        options={"rank": 32, "autocaption": False, "learning_rate": 0.0001},
    )
    draft = Draft.again(training)
    assert draft.parent == training
    assert draft.dataset.kind == "draft"
    assert draft.dataset.pictures.count() == 4
    form = TrainingForm(draft.typed, typed=draft.typed)
    assert form.is_valid(), form.errors
    same = ("name", "description", "kind", "trigger_word", "training_steps", "provider", "options")
    assert {name: form.choices()[name] for name in same} == {
        name: getattr(training, name) for name in same
    }
    assert form.choices()["is_private"]


def test_settings_of_a_trainer_that_is_gone_are_no_obstacle(alice):
    training = create_training(wallet=alice, provider="gone", options={"rank": 32})
    draft = Draft.again(training)
    assert TrainingForm(typed=draft.typed).alias == "fal"
