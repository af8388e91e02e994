from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from loratrainer.sessions import SessionStore
from loratrainer.tasks import sweep

pytestmark = pytest.mark.django_db


def begun(**content: object) -> SessionStore:
    session = SessionStore()
    session.update(content)
    session.save()
    return session


def test_a_session_that_nobody_was_signed_in_with_goes_on_twice_for_a_moment():
    session = begun(drafts="secret")
    before = session.session_key
    session.cycle_key()
    session.save()
    assert session.session_key != before
    assert session["drafts"] == "secret"
    assert SessionStore(before)["drafts"] == "secret"
    Session.objects.filter(session_key=before).update(expire_date=Now())
    assert "drafts" not in SessionStore(before)


def test_one_that_somebody_was_signed_in_with_is_gone_at_once():
    session = begun(_auth_user_id="1")
    before = session.session_key
    session.cycle_key()
    session.save()
    assert list(Session.objects.values_list("session_key", flat=True)) == [session.session_key]
    assert "_auth_user_id" not in SessionStore(before)


def test_one_that_was_never_kept_gets_its_first_key():
    session = SessionStore()
    session["drafts"] = "secret"
    session.cycle_key()
    session.save()
    assert SessionStore(session.session_key)["drafts"] == "secret"


def test_what_is_over_is_swept():
    over, young = begun(), begun()
    Session.objects.filter(session_key=over.session_key).update(
        expire_date=Now() - timedelta(seconds=1)
    )
    sweep()
    assert list(Session.objects.values_list("session_key", flat=True)) == [young.session_key]
