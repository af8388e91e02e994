"""Whoever owns a training hears how it ended: in the transaction that says so, and never twice."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.db.models.functions import Now
from django.utils import translation

from loratrainer.jobs import StaleJob
from tests.factories import WEIGHTS, create_training, create_wallet
from tests.loratrainer.test_job_races import race
from tests.wallets.destinations import create_browser, create_mailbox, create_webhook
from trainings.models import Training
from trainings.notices import announce
from trainings.states import Status
from wallets.models import Wallet
from wallets.notices import Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(settings: Any) -> Wallet:
    """Somebody who wants to hear in all three ways."""
    settings.MAIL_HOST = "mail.example"
    wallet = create_wallet(cents=400)
    create_browser(wallet)
    create_mailbox(wallet)
    create_webhook(wallet)
    create_webhook()  # Somebody else's.
    return wallet


def working(wallet: Wallet, status: str = Status.MIRRORING, **fields: Any) -> Training:
    """A paid training at work."""
    training = create_training(wallet=wallet, **fields)
    assert training.collect()
    Training.objects.filter(pk=training.pk).update(status=status)
    training.refresh_from_db()
    return training


def complete(training: Training) -> None:
    training.move(Status.COMPLETED, due_in=None, completed_at=Now(), **WEIGHTS)


def kinds(training: Training) -> list[str]:
    found = Notice.objects.filter(about=training.pk)
    return sorted(found.values_list("destination__kind", flat=True))


ALL = ["mail", "push", "webhook"]


def test_a_completed_training_is_told_in_every_way(alice, settings):
    settings.SITE_URL = "https://lora.example"
    training = working(alice)
    complete(training)
    assert kinds(training) == ALL
    for notice in Notice.objects.all():
        assert notice.event == "training.completed"
        assert notice.title == "KILNGLZ: Ready"
        assert notice.text == "The weights are in our storage, and verified."
        assert notice.url == f"https://lora.example/trainings/{training.pk}"
        assert notice.due_at is not None
        assert notice.body["type"] == "training.completed"
        assert notice.body["timestamp"] == training.history[-1]["at"]
        assert notice.body["data"] == {
            "id": str(training.pk),
            "status": "completed",
            "name": "Glaze tests",
            "trigger_word": "KILNGLZ",
            "training_url": f"https://lora.example/trainings/{training.pk}",
            "api_url": f"https://lora.example/api/loras/{training.pk}",
            "url": f"https://lora.example/loras/{training.pk}",
            "weights_url": f"https://lora.example/loras/{training.pk}/weights",
            "weights_size": WEIGHTS["weights_size"],
            "weights_sha256": WEIGHTS["weights_sha256"],
        }
        assert json.dumps(notice.body)


def test_a_failed_training_is_told_with_its_refund(alice):
    training = working(alice)
    training.fail("The trainer ran out of memory.")
    assert kinds(training) == ALL
    notice = Notice.objects.filter(about=training.pk)[0]
    assert notice.event == "training.failed"
    assert notice.title == "KILNGLZ: Training failed"
    assert "ran out of memory" in notice.text
    assert "$4 went back to your balance" in notice.text
    assert notice.body["data"]["error"] == "The trainer ran out of memory."
    assert notice.body["data"]["refunded_cents"] == 400


def test_what_nobody_paid_for_was_refunded_nothing(alice):
    training = working(alice, price_cents=0)
    training.fail("No.")
    notice = Notice.objects.filter(about=training.pk)[0]
    assert "Nothing was charged." in notice.text
    assert notice.body["data"]["refunded_cents"] == 0


def test_a_second_failure_after_a_second_try_is_told_too(alice):
    training = working(alice)
    training.fail("Once.")
    training.retry()
    assert training.collect()
    training.fail("Twice.")
    assert kinds(training) == sorted(ALL * 2)
    texts = Notice.objects.filter(destination__kind="mail").values_list("text", flat=True)
    assert [text[:5] for text in texts.order_by("number")] == ["Once.", "Twice"]


def test_the_same_end_is_not_told_twice_however_often_it_is_announced(alice):
    training = working(alice)
    complete(training)
    for _number in range(3):
        announce(training, Status.MIRRORING, refunded_cents=0)
    assert kinds(training) == ALL


def test_the_database_refuses_a_second_notice(alice):
    training = working(alice)
    complete(training)
    notice = Notice.objects.filter(about=training.pk)[0]
    same = {name: getattr(notice, name) for name in ("destination", "about", "event", "number")}
    with pytest.raises(IntegrityError, match="never_twice"), transaction.atomic():
        Notice.objects.create(**same)


@pytest.mark.parametrize("status", [Status.SUBMITTING, Status.TRAINING, Status.CANCELLED])
def test_what_is_no_end_or_its_owners_own_doing_is_not_told(alice, status):
    training = working(alice, Status.ARCHIVING)
    training.move(status, due_in=None if status == Status.CANCELLED else timedelta(0))
    assert kinds(training) == []


def test_what_was_never_paid_for_ends_in_silence(alice):
    training = create_training(wallet=alice)
    training.fail("No payment has arrived yet.")
    assert kinds(training) == []


def test_whoever_chose_nothing_hears_nothing():
    training = working(create_wallet(cents=400))
    complete(training)
    assert not Notice.objects.exists()


def test_of_what_was_rolled_back_nothing_is_told(alice):
    training = working(alice)
    with transaction.atomic():
        complete(training)
        assert kinds(training) == ALL
        transaction.set_rollback(True)
    assert kinds(training) == []


def test_a_move_that_came_too_late_tells_nothing(alice):
    training = working(alice)
    late = Training.objects.get(pk=training.pk)
    complete(training)
    with pytest.raises(StaleJob):
        late.fail("Too late.")
    assert set(Notice.objects.values_list("event", flat=True)) == {"training.completed"}


def test_if_the_database_cannot_take_it_now_it_has_not_happened(alice, monkeypatch):
    """The move and its notices are one transaction: neither is there without the other."""

    def broken(*args: Any, **options: Any) -> None:
        raise OperationalError("deadlock detected")

    training = working(alice)
    monkeypatch.setattr(Notice, "announce", broken)
    with pytest.raises(OperationalError, match="deadlock"):
        complete(training)
    assert Training.objects.get(pk=training.pk).status == Status.MIRRORING


@pytest.mark.parametrize("bug", [KeyError("name"), IntegrityError("broken")])
def test_a_bug_in_telling_keeps_nobody_from_what_they_paid_for(alice, monkeypatch, caplog, bug):
    def broken(*args: Any, **options: Any) -> None:
        raise bug

    monkeypatch.setattr(Notice, "announce", broken)
    training, other = working(alice), working(create_wallet(cents=400))
    complete(training)
    other.fail("No.")
    assert Training.objects.get(pk=training.pk).status == Status.COMPLETED
    assert Training.objects.get(pk=other.pk).status == Status.FAILED
    assert other.wallet.entries.total() == 400
    assert [type(record.exc_info[1]) for record in caplog.records if record.exc_info] == [
        type(bug)
    ] * 2


def test_it_is_told_in_the_language_of_the_job(alice):
    training = working(alice)
    with translation.override("ru"):
        complete(training)
    notice = Notice.objects.filter(about=training.pk)[0]
    assert notice.language == "ru"
    assert "Ready" not in notice.title


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_that_end_it_at_once_one_tells():
    for _round in range(10):
        training = working(listener())
        first, second = (Training.objects.get(pk=training.pk) for _number in range(2))

        def end(job: Training) -> bool:
            try:
                complete(job)
            except StaleJob:
                return False
            return True

        assert sum(race([lambda job=first: end(job), lambda job=second: end(job)])) == 1
        assert kinds(training) == ["webhook"]


@pytest.mark.django_db(transaction=True)
def test_announced_at_once_by_two_it_is_kept_once(alice):
    """The constraint alone: without it both would make their three."""
    training = working(alice)
    Training.objects.filter(pk=training.pk).update(
        status=Status.COMPLETED, due_at=None, completed_at=Now(), history=[MOVED], **WEIGHTS
    )
    training.refresh_from_db()

    def tell() -> None:
        announce(training, Status.MIRRORING, refunded_cents=0)

    race([tell, tell])
    assert kinds(training) == ALL


MOVED = {"at": "2026-11-29T12:00:00+00:00", "from": "mirroring", "to": "completed", "why": ""}


def listener() -> Wallet:
    """Somebody with a webhook, who can pay for one training."""
    wallet = create_wallet(cents=400)
    create_webhook(wallet)
    return wallet


def test_the_trainings_page_leads_to_the_notices_while_it_works(alice, client):
    client.force_login(alice)
    training = working(alice)
    page = f"/trainings/{training.pk}"
    assert 'href="/wallet/notices"' in client.get(page).content.decode()
    complete(training)
    assert 'href="/wallet/notices"' not in client.get(page).content.decode()
