"""`manage.py seed`: a believable wall, on a local installation only."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from datasets.models import Dataset
from gallery.management.commands import seed
from trainings.models import Training
from wallets.models import Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> None:
    disk = {
        "BACKEND": "datasets.storage.DiskStorage",
        "OPTIONS": {"location": str(tmp_path), "base_url": None},
    }
    settings.STORAGES = settings.STORAGES | {"default": disk}


def test_it_hangs_so_many_and_some_are_not_public(client):
    call_command("seed", loras=1500, stdout=StringIO())
    assert Training.objects.count() == 1500
    public = Training.objects.public()
    assert 1300 < public.count() < 1450
    assert set(public.values_list("kind", flat=True)) == {"style", "character", "product"}
    assert 100 < Wallet.objects.count() < 200
    assert public.exclude(channel="").count() > 500
    assert public.filter(image_count=0).exists()
    assert public.filter(image_count__gt=50).exists()
    newest, oldest = public.latest("completed_at"), public.earliest("completed_at")
    assert (newest.completed_at - oldest.completed_at).days > 600
    for training in Training.objects.all()[:20]:
        training.full_clean(exclude=["weights_sha256"])
    assert client.get("/loras").status_code == 200


def test_a_second_time_adds_others():
    for number in (1, 2):
        call_command("seed", loras=30, stdout=StringIO())
        assert Training.objects.count() == 30 * number


@pytest.mark.usefixtures("media")
def test_with_pictures_the_strip_and_the_weights_are_there(client, monkeypatch):
    monkeypatch.setattr("gallery.seed_pictures.SETS", 1)
    call_command("seed", loras=3, pictures=True, stdout=StringIO())
    for lora in Training.objects.public():
        assert lora.dataset.kind == Dataset.Kind.TRAINING
        assert lora.picture_count == lora.dataset.pictures.chosen().count() >= 4
        strip = client.get(f"/loras/{lora.pk}/strip", headers={"Accept": "image/avif"})
        assert strip.headers["Content-Type"] == "image/avif"
        weights = client.get(f"/loras/{lora.pk}/weights")
        assert weights.status_code == 302


@pytest.mark.parametrize(("debug", "local"), [(False, False)])
def test_where_real_loras_are_it_refuses(settings, monkeypatch, debug, local):
    settings.DEBUG = debug
    monkeypatch.setattr(seed, "LOCAL", local)
    with pytest.raises(CommandError, match="no local installation"):
        call_command("seed", loras=1)
    assert not Training.objects.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"loras": 0}, "at least one"), ({"loras": 5001, "pictures": True}, "at most")],
)
def test_numbers_that_make_no_sense_are_refused(options, words):
    with pytest.raises(CommandError, match=words):
        call_command("seed", **options)
    assert not Training.objects.exists()
