"""The addresses of weights and configs."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from django.test import Client

from datasets import storage
from tests.factories import create_training
from trainings.models import Training

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def stored(**fields: Any) -> Training:
    """A completed training whose files are really there."""
    training = create_training(status="completed", **fields)
    for name in (training.weights, training.config):
        if name:
            default_storage.save(name, ContentFile(name.encode()))
    return training


def test_everybody_can_take_a_public_lora_by_the_address_that_stays(client, settings):
    settings.SITE_URL = "http://testserver"
    training = stored()
    response = client.get(f"/loras/{training.pk}/weights", follow=True)
    assert b"".join(response.streaming_content) == training.weights.encode()
    assert response.redirect_chain[0][1] == 302
    name = f"KILNGLZ-flux-lora-{training.pk.hex[:8]}.safetensors"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'


def test_the_config_comes_likewise_under_its_own_suffix(client, settings):
    settings.SITE_URL = "http://testserver"
    training = stored(config="loras/of-tests/config.yaml", name="Ω")
    response = client.get(f"/loras/{training.pk}/config", follow=True)
    assert b"".join(response.streaming_content) == b"loras/of-tests/config.yaml"
    name = f"KILNGLZ-flux-lora-{training.pk.hex[:8]}-config.yaml"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'


def test_a_lora_without_a_config_has_none(client):
    training = stored(config="")
    assert client.get(f"/loras/{training.pk}/config").status_code == 404


@pytest.mark.parametrize("file", ["weights", "config"])
@pytest.mark.parametrize("hidden", [{"is_private": True}, {"hidden_at": Now()}])
def test_what_is_private_or_hidden_is_for_its_owner_alone(as_alice, as_bob, alice, file, hidden):
    training = stored(wallet=alice, **hidden)
    url = f"/loras/{training.pk}/{file}"
    assert as_alice.get(url).status_code == 302
    assert as_bob.get(url).status_code == 404
    assert Client().get(url).status_code == 404


@pytest.mark.parametrize("file", ["weights", "config"])
def test_what_is_deleted_is_gone_for_everybody(as_alice, as_bob, alice, file):
    training = stored(wallet=alice, deleted_at=Now())
    for visitor in (as_alice, as_bob, Client()):
        assert visitor.get(f"/loras/{training.pk}/{file}").status_code == 404


@pytest.mark.parametrize("status", ["awaiting_payment", "training", "mirroring", "failed"])
def test_what_is_not_completed_has_no_files(as_alice, alice, status):
    training = create_training(wallet=alice, status=status, weights="loras/early.safetensors")
    assert as_alice.get(f"/loras/{training.pk}/weights").status_code == 404


def test_a_storage_that_is_away_is_said(client, monkeypatch):
    def away(*args: Any, **kwargs: Any) -> str:
        raise storage.TryAgainLater("Our storage did not answer. We try again.")

    monkeypatch.setattr(storage, "signed_url", away)
    response = client.get(f"/loras/{stored().pk}/weights")
    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    assert "The file is out of reach" in response.content.decode()


@pytest.mark.parametrize("file", ["weights", "config"])
def test_files_are_only_read(as_alice, alice, file):
    url = f"/loras/{stored(wallet=alice).pk}/{file}"
    for method in ("post", "put", "delete"):
        assert getattr(as_alice, method)(url).status_code == 405
    assert as_alice.head(url).status_code == 302
