"""Who hides an image, who shows it again, and that it is counted once whoever does it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from datasets.folders import TemporaryFolder
from generations.images import Hider
from generations.models import Favourite, GeneratedImage, Generation
from tests.factories import create_generation, create_image, create_training, create_wallet
from trainings.exhibits import NotYours
from trainings.models import Training
from wallets.models import Wallet

pytestmark = pytest.mark.django_db

ROLES = ("maker", "owner", "admin")


@pytest.fixture
def people(settings: Any) -> dict[str, Wallet]:
    found = {role: create_wallet() for role in (*ROLES, "stranger")}
    settings.ADMIN_WALLETS = [found["admin"].address]
    return found


@pytest.fixture
def image(people: dict[str, Wallet]) -> GeneratedImage:
    lora = create_training(status="completed", wallet=people["owner"])
    batch = create_generation(training=lora, wallet=people["maker"], images=1)
    return batch.images.get()


def counted(image: GeneratedImage) -> int:
    return Training.objects.get(pk=image.generation.training_id).image_count


@pytest.mark.parametrize(("hider", "shower"), list(product(ROLES, ROLES)))
def test_each_undoes_their_own_and_an_admin_everything(
    hider: str, shower: str, people: dict[str, Wallet], image: GeneratedImage
) -> None:
    image.hide(by=people[hider])
    assert (image.hidden_as(), counted(image)) == ([hider], 0)
    if shower in {hider, "admin"}:
        assert image.held_by(people[shower]) is None
        image.show(by=people[shower])
        assert (image.hidden_as(), image.hidden_at, counted(image)) == ([], None, 1)
    else:
        assert image.held_by(people[shower]) == hider
        with pytest.raises(NotYours):
            image.show(by=people[shower])
        assert (image.hidden_as(), counted(image)) == ([hider], 0)


def test_what_two_have_hidden_stays_hidden_until_both_have_shown_it(people, image):
    image.hide(by=people["maker"])
    image.hide(by=people["owner"])
    assert image.hidden_as() == [Hider.MAKER, Hider.OWNER]
    assert counted(image) == 0
    image.show(by=people["maker"])
    assert (image.hidden_as(), counted(image)) == ([Hider.OWNER], 0)
    assert image.hidden_at == image.hidden_by_owner_at
    image.show(by=people["owner"])
    assert (image.hidden_at, counted(image)) == (None, 1)


def test_an_admin_is_named_while_they_hide_it_and_undoes_all_of_it(people, image):
    for role in ROLES:
        image.hide(by=people[role])
    assert image.hiding_admin == people["admin"]
    assert [image.held_by(people[role]) for role in ROLES] == [Hider.ADMIN, Hider.ADMIN, None]
    image.show(by=people["admin"])
    assert (image.hidden_as(), image.hiding_admin, counted(image)) == ([], None, 1)


def test_hiding_it_once_more_makes_it_nobody_elses_to_show(people, image):
    image.hide(by=people["admin"])
    since = image.hidden_by_admin_at
    image.hide(by=people["admin"])
    assert image.hidden_by_admin_at == since
    image.hide(by=people["maker"])
    image.show(by=people["maker"])
    assert image.hidden_as() == [Hider.ADMIN]


def test_a_stranger_neither_hides_nor_shows(people, image):
    with pytest.raises(NotYours):
        image.hide(by=people["stranger"])
    image.hide(by=people["maker"])
    with pytest.raises(NotYours):
        image.show(by=people["stranger"])
    assert image.hidden_as() == [Hider.MAKER]


def test_showing_what_nobody_hides_changes_nothing(people, image):
    image.show(by=people["owner"])
    assert (image.hidden_at, counted(image)) == (None, 1)


def test_the_database_keeps_an_admin_only_with_the_moment(people, image):
    row = GeneratedImage.objects.filter(pk=image.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.update(hiding_admin=people["admin"])
    with pytest.raises(IntegrityError), transaction.atomic():
        row.update(hidden_by_admin_at=None, hiding_admin=people["admin"])
    row.update(hidden_by_admin_at=Now(), hiding_admin=people["admin"])


def test_a_deleted_image_is_gone_and_counted_out_once(people, image):
    Favourite.objects.create(wallet=people["stranger"], image=image)
    image.remove()
    moment = image.deleted_at
    image.remove()
    assert moment
    assert (image.deleted_at, counted(image)) == (moment, 0)
    for wallet in people.values():
        assert not GeneratedImage.objects.visible_to(wallet).exists()
        assert not Generation.objects.visible_to(wallet).exists()
    assert not Favourite.objects.exists()
    assert TemporaryFolder.objects.get().name == image.thumbnails
    assert not TemporaryFolder.objects.expired().exists()


def test_what_is_hidden_and_then_deleted_is_counted_out_once(people, image):
    image.hide(by=people["maker"])
    image.remove()
    image.show(by=people["maker"])
    assert counted(image) == 0
    assert not GeneratedImage.objects.visible_to(people["maker"]).exists()


def test_a_filtered_image_cannot_be_deleted(people, image):
    other = create_image(
        generation=image.generation, number=2, is_filtered=True, file="", thumbnails="", sha256=""
    )
    other.remove()
    assert (other.deleted_at, counted(image)) == (None, 1)
    assert not TemporaryFolder.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False])
def test_two_who_hide_it_at_the_same_moment_count_it_out_once(
    guarded: bool, people: dict[str, Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    lora = create_training(status="completed", wallet=people["owner"])
    batch = create_generation(training=lora, wallet=people["maker"], images=48)
    if not guarded:
        monkeypatch.setattr("generations.images.lock", lambda row: None)

    def hide(pk: Any, wallet: Wallet) -> None:
        try:
            GeneratedImage.objects.get(pk=pk).hide(by=wallet)
        finally:
            connection.close()

    for image in batch.images.all()[:12]:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda role, pk=image.pk: hide(pk, people[role]), ROLES))
    lora.refresh_from_db()
    assert (lora.image_count == 36) == guarded
