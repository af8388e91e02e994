"""Two workers at once, on real Postgres with real threads.

Each race is run a second time with its guard taken out, and must then be lost: a race that cannot
be lost proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from loratrainer.jobs import StaleJob
from tests.errands.models import Errand
from tests.factories import create_errand

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 1000


def race[T](runners: list[Callable[[], T]]) -> list[T]:
    """Run the functions at the same moment, each in a thread with a connection of its own."""
    barrier = Barrier(len(runners))

    def run(runner: Callable[[], T]) -> T:
        try:
            connection.ensure_connection()
            barrier.wait()
            return runner()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(runners)) as pool:
        return list(pool.map(run, runners))


def claims_of(claim: Callable[[int], bool]) -> list[int]:
    """How many of two workers got each of the errands, which they claim in the same order."""
    pks = [errand.pk for errand in Errand.objects.bulk_create(_due_errands())]
    barrier = Barrier(2)

    def worker() -> list[bool]:
        got = []
        for pk in pks:
            barrier.wait()
            got.append(claim(pk))
        return got

    first, second = race([worker, worker])
    return [one + other for one, other in zip(first, second, strict=True)]


def _due_errands() -> list[Errand]:
    return [Errand(status="walking", due_at=Now()) for _ in range(ROUNDS)]


def test_of_two_workers_that_claim_a_job_exactly_one_wins_each_of_a_thousand_rounds() -> None:
    assert claims_of(lambda pk: Errand.objects.claim(pk) is not None) == [1] * ROUNDS


def test_without_the_condition_in_the_update_both_would_win() -> None:
    def look_then_take(pk: int) -> bool:
        if not Errand.objects.due().filter(pk=pk).exists():
            return False
        Errand.objects.filter(pk=pk).update(lease_ends_at=Now() + timedelta(minutes=1))
        return True

    assert max(claims_of(look_then_take)) == 2


def late_writes(write: Callable[[Errand], None]) -> int:
    """Let a stalled worker and the one that took over move the same job; count who succeeded."""
    succeeded = 0
    for _ in range(100):
        errand = create_errand()
        stalled = Errand.objects.claim(errand.pk)
        Errand.objects.filter(pk=errand.pk).update(lease_ends_at=Now() - timedelta(seconds=1))
        current = Errand.objects.claim(errand.pk)
        assert stalled is not None
        assert current is not None

        def attempt(job: Errand) -> bool:
            try:
                write(job)
            except StaleJob:
                return False
            return True

        wrote = race([lambda job=stalled: attempt(job), lambda job=current: attempt(job)])
        assert wrote[1], "The worker that holds the lease must be able to write"
        succeeded += sum(wrote)
    return succeeded


def test_of_a_stalled_worker_and_its_successor_only_the_successor_writes() -> None:
    assert late_writes(lambda job: job.wait(timedelta(minutes=1))) == 100


def test_without_the_fence_the_stalled_worker_would_write_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def write_without_fence(job: Errand, changes: dict[str, object]) -> None:
        rows = Errand.objects.filter(pk=job.pk, status=job.status)
        if rows.update(**changes) != 1:
            raise StaleJob

    monkeypatch.setattr(Errand, "_write", write_without_fence)
    assert late_writes(lambda job: job.wait(timedelta(minutes=1))) > 100


def test_an_owner_and_a_worker_that_move_a_job_at_once_do_not_both_succeed() -> None:
    for _ in range(50):
        errand = create_errand()
        worker = Errand.objects.claim(errand.pk)
        owner = Errand.objects.get(pk=errand.pk)
        assert worker is not None

        def moved(job: Errand, to: str) -> bool:
            try:
                job.move(to, due_in=None)
            except StaleJob:
                return False
            return True

        assert (
            sum(
                race(
                    [
                        lambda job=worker: moved(job, "talking"),
                        lambda job=owner: moved(job, "cancelled"),
                    ]
                )
            )
            == 1
        )
        errand.refresh_from_db()
        assert len(errand.history) == 1
        assert errand.fence == 2


def test_the_fence_that_a_worker_reads_is_its_own() -> None:
    """A claim whose read came after its transaction could see the fence of the next claim."""
    errand = create_errand()

    def steal() -> list[int]:
        fences = []
        for _ in range(200):
            Errand.objects.filter(pk=errand.pk).update(
                lease_ends_at=Now() - timedelta(seconds=1), due_at=Now()
            )
            if job := Errand.objects.claim(errand.pk):
                fences.append(job.fence)
        return fences

    fences = [fence for fences in race([steal, steal]) for fence in fences]
    assert len(fences) == len(set(fences))
    assert Errand.objects.filter(fence=F("fence")).get().fence == len(fences)
