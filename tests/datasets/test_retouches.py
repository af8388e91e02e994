"""Wishes for pictures: one of a kind at a time, and so many for a wallet in any 24 hours."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from datasets import retouches
from datasets.models import Dataset, NotReady
from datasets.retouches import KEPT_FOR, LimitReached, Retouch, places_left
from tests.factories import create_dataset
from wallets.models import Wallet

pytestmark = pytest.mark.django_db
HANDS = 16
Kind = Retouch.Kind


@pytest.fixture
def dataset(alice: Wallet) -> Dataset:
    return create_dataset(pictures=4, wallet=alice)


def begin(dataset: Dataset, kind: Kind = Kind.CAPTION) -> int:
    with dataset.editing():
        return Retouch.begin(dataset.wallet, kind, list(dataset.pictures.all()))


def test_each_picture_has_a_wish_of_one_moment(dataset):
    assert begin(dataset) == 4
    wishes = Retouch.objects.under_way().captions().of(dataset)
    assert wishes.count() == 4
    assert len(set(wishes.values_list("created_at", flat=True))) == 1
    assert all(wish.status == "submitting" and wish.is_working for wish in wishes)


def test_what_is_under_way_is_not_wished_twice(dataset):
    begin(dataset)
    assert begin(dataset) == 0
    assert begin(dataset, Kind.CUTOUT) == 4
    assert Retouch.objects.count() == 8


def test_the_database_keeps_to_one_wish_of_a_kind_at_a_time(dataset):
    begin(dataset)
    wish = Retouch.objects.first()
    wish.pk = None
    with pytest.raises(IntegrityError, match="one_wish_of_a_kind_at_a_time"), transaction.atomic():
        wish.save(force_insert=True)


def test_the_rest_are_the_chosen_pictures_without_caption(dataset):
    first, second, third, fourth = dataset.pictures.all()
    dataset.write_captions({first.pk: "a jar"})
    dataset.choose([first.pk, second.pk, third.pk])
    assert dataset.describe_rest(dataset.wallet) == (2, 2)
    assert dataset.describe_rest(dataset.wallet) == (0, 0)
    asked = set(Retouch.objects.values_list("picture", flat=True))
    assert asked == {second.pk, third.pk}
    assert fourth.pk not in asked


def test_the_limit_is_of_any_24_hours(dataset, settings):
    settings.RETOUCHES_PER_DAY = 3
    assert dataset.describe_rest(dataset.wallet) == (3, 4)
    with pytest.raises(LimitReached, match="may ask for 3 automatic captions"):
        dataset.describe_rest(dataset.wallet)
    Retouch.objects.update(created_at=F("created_at") - timedelta(hours=24))
    assert dataset.describe_rest(dataset.wallet) == (1, 1)


def test_no_wish_at_all_reaches_no_limit(dataset, settings):
    settings.RETOUCHES_PER_DAY = 4
    begin(dataset)
    assert begin(dataset) == 0


def test_exempt_wallets_have_no_limit(dataset, settings):
    settings.RETOUCHES_PER_DAY = 1
    settings.QA_WALLETS = [dataset.wallet.address]
    assert places_left(dataset.wallet) is None
    assert begin(dataset) == 4


def test_what_surely_was_not_ordered_gives_its_place_back(dataset, settings):
    settings.RETOUCHES_PER_DAY = 4
    begin(dataset)
    sent, unsent, *_rest = Retouch.objects.all()
    sent.renew(sent_at=Now())
    sent.fail("fal.ai could not do it.")
    unsent.not_ordered("fal.ai refused the order.")
    assert places_left(dataset.wallet) == 1


def test_whoever_removes_the_pictures_has_used_the_places(dataset, settings):
    settings.RETOUCHES_PER_DAY = 4
    begin(dataset)
    wallet = dataset.wallet
    dataset.pictures.first().remove()
    assert places_left(wallet) == 0
    dataset.remove()
    assert places_left(wallet) == 0
    assert set(Retouch.objects.values_list("picture", flat=True)) == {None}


def test_what_is_over_is_swept_when_neither_limit_nor_page_needs_it(dataset):
    begin(dataset)
    over, young, *_working = Retouch.objects.all()
    for wish in (over, young):
        wish.fail("no")
    old = Retouch.objects.exclude(pk=young.pk)
    old.update(created_at=Now() - KEPT_FOR)
    retouches.sweep()
    assert not Retouch.objects.filter(pk=over.pk).exists()
    assert Retouch.objects.count() == 3


def test_a_set_whose_captions_are_on_their_way_is_not_ready(dataset):
    begin(dataset)
    with pytest.raises(NotReady, match="Captions or cut-outs are still being made"):
        dataset.check_ready()
    for wish in Retouch.objects.all():
        wish.fail("no")
    dataset.check_ready()


def begun_at_once(wallet: Wallet, sets: list[Dataset]) -> int:
    """How many wishes the wallet gets that asks for all its sets at the same moment."""

    def ask(dataset: Dataset) -> None:
        try:
            with suppress(LimitReached):
                dataset.describe_rest(wallet)
        finally:
            connection.close()

    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(ask, sets))
    return Retouch.objects.count()


@pytest.fixture
def sets(
    transactional_db: None, alice: Wallet, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> list[Dataset]:
    settings.RETOUCHES_PER_DAY = 10
    monkeypatch.setattr(retouches, "nudge", lambda wish: None)
    return [create_dataset(pictures=4, wallet=alice) for _place in range(HANDS)]


def test_many_sets_at_once_keep_to_the_limit(alice, sets):
    assert begun_at_once(alice, sets) == 10


def test_without_the_lock_they_would_not(alice, sets, monkeypatch):
    monkeypatch.setattr(retouches, "take_turn", lambda wallet: None)
    assert begun_at_once(alice, sets) > 10


def test_one_button_pressed_many_times_at_once_is_pressed_once(alice, sets):
    assert begun_at_once(alice, [Dataset.objects.get(pk=sets[0].pk) for _ in range(HANDS)]) == 4
