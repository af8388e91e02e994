"""8 batches in any 24 hours by the database's clock, whoever asks at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Count, F
from django.db.models.functions import Now

from generations import allowance
from generations.models import Generation, LimitReached, allowance_of
from tests.factories import create_generation, create_training, create_wallet
from trainings.models import Training
from wallets.models import Wallet

HANDS = 24
"""How many requests are under way at the same moment, each with a connection of its own."""
MOMENT = timedelta(seconds=2)


@pytest.fixture
def lora(transactional_db: None) -> Training:
    return create_training(status="completed")


def begin(lora: Training, wallet: Wallet | None = None, **choices: Any) -> Generation:
    return Generation.begin(wallet or lora.wallet, lora, **({"prompt": "a jar"} | choices))


def used(lora: Training, number: int, *, ago: timedelta = timedelta(0), **fields: Any) -> None:
    for _ in range(number):
        batch = create_generation(training=lora, images=0, **fields)
        Generation.objects.filter(pk=batch.pk).update(created_at=Now() - ago)


def test_a_new_wallet_has_all_places(lora: Training) -> None:
    assert allowance_of(lora.wallet) == allowance.Allowance(left=8, total=8, free_at=None)


def test_each_batch_takes_a_place_and_the_ninth_is_refused(lora: Training) -> None:
    batches = [begin(lora) for _ in range(8)]
    now = allowance_of(lora.wallet)
    assert (now.left, now.free_at) == (0, batches[0].created_at + timedelta(hours=24))
    with pytest.raises(LimitReached) as limit:
        begin(lora)
    assert limit.value.free_at == now.free_at
    assert Generation.objects.count() == 8


def test_the_ninth_wish_that_is_one_of_the_eight_is_answered(lora: Training) -> None:
    wish = uuid4()
    begin(lora, request_id=wish)
    used(lora, 7)
    assert begin(lora, request_id=wish).request_id == wish


def test_g02_a_place_comes_free_after_exactly_24_hours(lora: Training) -> None:
    used(lora, 7)
    used(lora, 1, ago=timedelta(hours=24) - MOMENT)
    with pytest.raises(LimitReached):
        begin(lora)
    Generation.objects.update(created_at=F("created_at") - 2 * MOMENT)
    begin(lora)
    with pytest.raises(LimitReached):
        begin(lora)


def test_g10_exempt_wallets_have_no_limit_and_use_no_places(lora: Training, settings: Any) -> None:
    settings.ADMIN_WALLETS = [lora.wallet.address]
    for _ in range(20):
        begin(lora)
    assert allowance_of(lora.wallet).is_unlimited
    settings.ADMIN_WALLETS = []
    assert allowance_of(lora.wallet).left == 8


def test_a_place_that_was_given_back_can_be_used_again(lora: Training) -> None:
    batches = [begin(lora) for _ in range(8)]
    batches[3].not_ordered("The order never arrived.")
    assert allowance_of(lora.wallet).left == 1
    begin(lora)
    with pytest.raises(LimitReached):
        begin(lora)


def test_a_failure_after_the_order_gives_nothing_back(lora: Training) -> None:
    batch = begin(lora)
    batch.renew(sent_at=Now())
    batch.fail("fal.ai could not do it.")
    assert allowance_of(lora.wallet).left == 7


def test_g16_removing_the_lora_frees_no_place(lora: Training) -> None:
    used(lora, 8)
    Training.objects.update(deleted_at=Now())
    with pytest.raises(LimitReached):
        begin(create_training(wallet=lora.wallet, status="completed"))


def test_g15_a_clock_that_jumps_back_frees_no_place(lora: Training) -> None:
    # Seen after the jump, the batches lie in the future.
    used(lora, 8, ago=timedelta(hours=-2))
    with pytest.raises(LimitReached):
        begin(lora)


def test_a_lower_limit_waits_for_as_many_places_as_it_takes(lora: Training, settings: Any) -> None:
    for hours in (3, 2, 1):
        used(lora, 1, ago=timedelta(hours=hours))
    settings.GENERATIONS_PER_DAY = 2
    second = Generation.objects.order_by("created_at")[1]
    now = allowance_of(lora.wallet)
    assert (now.left, now.free_at) == (0, second.created_at + timedelta(hours=24))


def at_once(calls: list[Callable[[], object]]) -> None:
    """Make the calls in order, `HANDS` of them at a time."""

    def work(mine: list[Callable[[], object]]) -> None:
        try:
            for call in mine:
                with suppress(LimitReached):
                    call()
        finally:
            connection.close()

    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(work, [calls[hand::HANDS] for hand in range(HANDS)]))


def begun_by(lora: Training, wallets: int) -> set[int]:
    """How many batches each of the wallets got, after sixty requests at the same moment."""
    askers = [create_wallet() for _ in range(wallets)]
    at_once([lambda each=each: begin(lora, each) for each in askers for _ in range(60)])
    counted = Wallet.objects.filter(generations__isnull=False).annotate(n=Count("generations"))
    assert len(counted) == wallets
    return {wallet.n for wallet in counted}


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generations.models.nudge", lambda batch: None)


@pytest.mark.usefixtures("silence")
def test_g03_a_hundred_wallets_that_ask_sixty_times_at_once_get_eight_each(lora: Training) -> None:
    assert begun_by(lora, wallets=100) == {8}


@pytest.mark.usefixtures("silence")
def test_without_the_lock_they_would_get_more(
    lora: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "take_turn", lambda wallet: None)
    assert max(begun_by(lora, wallets=5)) > 8


def test_g08_one_wish_sent_sixty_times_at_once_is_one_batch(lora: Training) -> None:
    wish = uuid4()
    at_once([lambda: begin(lora, request_id=wish) for _ in range(60)])
    assert Generation.objects.get().request_id == wish
    assert allowance_of(lora.wallet).left == 7
