"""The rules of a job, each where one worker suffices to see it."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Now

from loratrainer.jobs import MAX_CRASHES, PAUSES, StaleJob
from loratrainer.outcomes import GiveUp, TryAgainLater
from tests.errands.models import Errand
from tests.factories import create_errand

pytestmark = pytest.mark.django_db


def claim(errand: Errand) -> Errand:
    job = Errand.objects.claim(errand.pk)
    assert job is not None
    return job


def lapse(errand: Errand) -> None:
    """Let the lease run out."""
    Errand.objects.filter(pk=errand.pk).update(lease_ends_at=Now() - timedelta(seconds=1))


def make_due(errand: Errand) -> None:
    Errand.objects.filter(pk=errand.pk).update(due_at=Now())


def wait_of(errand: Errand) -> timedelta:
    """How long from its claim until the errand is due again."""
    errand.refresh_from_db()
    assert errand.due_at is not None
    return errand.due_at - errand.claimed_at


def test_a_job_walks_through_its_steps_and_ends() -> None:
    errand = create_errand()
    claim(errand).advance()
    claim(errand).advance()
    errand.refresh_from_db()
    assert (errand.status, errand.done, errand.due_at, errand.lease_ends_at) == (
        "completed",
        1,
        None,
        None,
    )
    assert not errand.is_working


def test_the_history_says_what_moved_when_and_why() -> None:
    errand = create_errand()
    claim(errand).advance()
    claim(errand).advance()
    errand.refresh_from_db()
    assert [(line["from"], line["to"], line["why"]) for line in errand.history] == [
        ("walking", "talking", ""),
        ("talking", "completed", "All said."),
    ]
    assert errand.history[0]["at"] < errand.history[1]["at"]


def test_a_job_that_is_not_due_cannot_be_claimed() -> None:
    later = create_errand()
    Errand.objects.filter(pk=later.pk).update(due_at=Now() + timedelta(seconds=5))
    over = create_errand(status="completed", due=False)
    assert Errand.objects.claim(later.pk) is None
    assert Errand.objects.claim(over.pk) is None
    assert Errand.objects.claim(123456789) is None


def test_a_claimed_job_cannot_be_claimed_again_until_its_lease_runs_out() -> None:
    errand = create_errand()
    first = claim(errand)
    assert Errand.objects.claim(errand.pk) is None
    lapse(errand)
    second = claim(errand)
    assert second.fence == first.fence + 1


def test_tries_rise_before_the_work() -> None:
    errand = create_errand()
    claim(errand)
    errand.refresh_from_db()
    assert errand.tries == 1


def test_a_worker_that_stalled_past_its_lease_cannot_write_any_more() -> None:
    errand = create_errand()
    stalled = claim(errand)
    lapse(errand)
    claim(errand)
    for write in (
        lambda: stalled.move("talking"),
        lambda: stalled.wait(timedelta(seconds=1)),
        stalled.renew,
        lambda: stalled.fail("late"),
    ):
        with pytest.raises(StaleJob):
            write()
    errand.refresh_from_db()
    assert (errand.status, errand.error) == ("walking", "")


def test_a_late_write_is_refused_even_when_the_job_came_back_to_the_same_status() -> None:
    errand = create_errand()
    stalled = claim(errand)
    lapse(errand)
    other = claim(errand)
    other.move("talking")
    other.move("walking")
    with pytest.raises(StaleJob):
        stalled.move("talking")


def test_a_step_that_finds_the_job_moved_leaves_it_alone(caplog: pytest.LogCaptureFixture) -> None:
    errand = create_errand()
    job = claim(errand)
    Errand.objects.filter(pk=errand.pk).update(
        status="cancelled", due_at=None, fence=F("fence") + 1
    )
    with caplog.at_level(logging.INFO):
        job.advance()
    errand.refresh_from_db()
    assert errand.status == "cancelled"
    assert f"Left alone: errands.Errand {errand.pk}" in caplog.text


def test_when_the_world_does_not_answer_the_pauses_grow_until_the_deadline() -> None:
    errand = create_errand(script={"again": "The provider did not answer."})
    for pause in [*PAUSES, PAUSES[-1], PAUSES[-1]]:
        job = claim(errand)
        job.advance()
        assert abs(wait_of(job) - pause) < timedelta(seconds=1)
        assert (job.status, job.note) == ("walking", "The provider did not answer.")
        make_due(errand)


def test_an_answer_starts_the_tries_anew() -> None:
    errand = create_errand(script={"again": "No answer."})
    for _ in range(3):
        claim(errand).advance()
        make_due(errand)
    job = claim(errand)
    job.wait(timedelta(seconds=3), note="Third in the queue")
    assert (job.tries, job.note) == (0, "Third in the queue")
    assert abs(wait_of(job) - timedelta(seconds=3)) < timedelta(seconds=1)


def test_past_the_deadline_the_job_fails_with_the_last_words_it_heard() -> None:
    errand = create_errand(script={"again": "The provider did not answer."})
    claim(errand).advance()
    Errand.objects.filter(pk=errand.pk).update(deadline_at=Now(), due_at=Now())
    claim(errand).advance()
    errand.refresh_from_db()
    assert (errand.status, errand.error) == ("failed", "The provider did not answer.")
    assert errand.due_at is None


def test_no_pause_goes_beyond_the_deadline() -> None:
    errand = create_errand(script={"again": "No answer."})
    Errand.objects.filter(pk=errand.pk).update(deadline_at=Now() + timedelta(seconds=2))
    job = claim(errand)
    job.advance()
    assert wait_of(job) <= timedelta(seconds=2)


def test_a_move_sets_the_deadline_by_the_database() -> None:
    errand = create_errand()
    job = claim(errand)
    job.move("talking", deadline_in=timedelta(hours=1))
    assert job.deadline_at is not None
    assert abs(job.deadline_at - job.claimed_at - timedelta(hours=1)) < timedelta(seconds=1)


def test_a_refusal_ends_the_job_in_its_words() -> None:
    errand = create_errand(script={"give_up": "The archive holds no pictures."})
    claim(errand).advance()
    errand.refresh_from_db()
    assert (errand.status, errand.error) == ("failed", "The archive holds no pictures.")
    assert errand.history[-1]["why"] == "The archive holds no pictures."


@pytest.mark.parametrize("script", [{"bug": True}, {"nothing": True}])
def test_a_bug_of_ours_waits_loudly_and_is_not_blamed_on_the_owner(
    script: dict[str, bool], caplog: pytest.LogCaptureFixture
) -> None:
    errand = create_errand(script=script)
    job = claim(errand)
    job.advance()
    assert (job.status, job.note) == ("walking", "Something broke on our side.")
    assert abs(wait_of(job) - PAUSES[0]) < timedelta(seconds=1)
    assert job.lease_ends_at is None
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_job_that_keeps_taking_its_workers_down_fails_instead() -> None:
    errand = create_errand()
    for _ in range(MAX_CRASHES):
        claim(errand)  # the worker dies here: nothing gives the lease back
        lapse(errand)
    claim(errand).advance()
    errand.refresh_from_db()
    assert (errand.status, errand.error) == ("failed", "Something broke on our side.")


def test_a_world_that_is_away_for_long_is_not_taken_for_a_poison_row() -> None:
    errand = create_errand(script={"again": "No answer."})
    for _ in range(MAX_CRASHES + 3):
        claim(errand).advance()
        make_due(errand)
    claim(errand)
    lapse(errand)
    job = claim(errand)
    job.advance()
    assert (job.status, job.crashes) == ("walking", 1)


def test_a_ring_during_a_step_is_not_lost() -> None:
    errand = create_errand()
    job = claim(errand)
    errand.hurry()
    job.wait(timedelta(minutes=10))
    assert Errand.objects.claim(errand.pk) is not None


def test_a_ring_makes_a_waiting_job_due_and_does_not_wake_an_ended_one() -> None:
    waiting, ended = create_errand(), create_errand(status="completed", due=False)
    claim(waiting).wait(timedelta(minutes=10))
    assert Errand.objects.claim(waiting.pk) is None
    waiting.hurry()
    ended.hurry()
    assert Errand.objects.claim(waiting.pk) is not None
    assert Errand.objects.claim(ended.pk) is None


def test_a_long_step_keeps_its_lease_by_renewing_it() -> None:
    errand = create_errand()
    job = claim(errand)
    Errand.objects.filter(pk=errand.pk).update(lease_ends_at=Now() + timedelta(seconds=1))
    job.renew(note="Half way")
    errand.refresh_from_db()
    assert errand.lease_ends_at is not None
    assert errand.lease_ends_at - job.claimed_at > timedelta(seconds=60)
    assert errand.note == "Half way"
    job.move("talking")


def test_what_must_happen_with_a_move_happens_in_its_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: Errand, old: str) -> None:
        raise RuntimeError(f"no refund after {old}")

    monkeypatch.setattr(Errand, "moved", refuse)
    errand = create_errand()
    with pytest.raises(RuntimeError, match="no refund after walking"):
        claim(errand).move("talking")
    errand.refresh_from_db()
    assert (errand.status, errand.history) == ("walking", [])


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (TryAgainLater("Not yet."), ("walking", "Not yet.", "", 0)),
        (ZeroDivisionError(), ("walking", "Something broke on our side.", "", 0)),
        (GiveUp("Never."), ("failed", "", "Never.", 1)),
    ],
)
def test_a_move_that_was_rolled_back_is_no_crash_and_no_move(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, expected: tuple[str, str, str, int]
) -> None:
    """Whatever the rest of the transaction says counts, as if nobody had moved anything."""

    def move_and_break(errand: Errand) -> None:
        with transaction.atomic():
            errand.move("talking", done=7)
            raise raised

    monkeypatch.setattr("tests.errands.steps.walk", move_and_break)
    errand = create_errand()
    claim(errand).advance()
    errand.refresh_from_db()
    assert (errand.status, errand.note, errand.error, len(errand.history)) == expected
    assert (errand.lease_ends_at, errand.done) == (None, 0)


def test_a_ring_during_a_step_that_breaks_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def ring_and_break(errand: Errand) -> None:
        Errand.objects.get(pk=errand.pk).hurry()
        raise TryAgainLater("Not yet.")

    monkeypatch.setattr("tests.errands.steps.walk", ring_and_break)
    errand = create_errand()
    claim(errand).advance()
    assert Errand.objects.claim(errand.pk) is not None


def test_every_kind_of_job_has_the_index_of_what_is_due() -> None:
    indexes: list[models.Index] = Errand._meta.indexes
    assert [index.name for index in indexes] == ["errand_due"]
