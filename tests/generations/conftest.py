from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import create_training, create_wallet
from tests.trainings.conftest import media
from trainings.models import Training
from wallets.models import Wallet

__all__ = ["media"]


@pytest.fixture
def alice(db: None) -> Wallet:
    return create_wallet()


@pytest.fixture
def as_alice(alice: Wallet) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def lora(db: None) -> Training:
    """A public one of somebody else."""
    return create_training(status="completed", kind="style")
