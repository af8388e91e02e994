"""Filling tables without their indexes: afterwards they are what they were."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from gallery.loading import without_indexes
from gallery.seeding import Seeding
from tests.factories import create_training
from trainings.indexes import Word
from trainings.models import Training
from wallets.models import Wallet

TABLES = ("trainings_training", "trainings_word", "datasets_dataset", "wallets_wallet")


def definitions() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = ANY(%s) ORDER BY 1", [list(TABLES)]
        )
        indexes = cursor.fetchall()
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
            " FROM pg_constraint WHERE conrelid::regclass::text = ANY(%s) ORDER BY 1, 2",
            [list(TABLES)],
        )
        return [*indexes, *cursor.fetchall()]


@pytest.mark.django_db(transaction=True)
def test_indexes_and_foreign_keys_are_made_again(monkeypatch):
    monkeypatch.setattr("gallery.seeding.MANY", 1)
    before = definitions()
    with transaction.atomic(), without_indexes(Training, Word):
        assert len(definitions()) < len(before) - 12
    assert definitions() == before
    create_training(status="completed", name="There before")
    Seeding(200).run()
    assert definitions() == before
    assert Training.objects.count() == 201
    assert set(Word.objects.values_list("training_id", flat=True)) == set(
        Training.objects.public().values_list("pk", flat=True)
    )


@pytest.mark.django_db(transaction=True)
def test_what_belongs_to_nobody_is_found_when_they_are_made_again():
    create_training(wallet=Wallet.objects.create(address="0x" + "11" * 20))
    before = definitions()
    with pytest.raises(IntegrityError), transaction.atomic(), without_indexes(Training):
        Training.objects.update(wallet_id=987_654_321)
    assert definitions() == before
