from __future__ import annotations

import pytest

from tests.factories import create_training
from tests.trainings.conftest import media
from trainings.models import Training

__all__ = ["media"]


@pytest.fixture
def lora(db: None) -> Training:
    """A public one of somebody else."""
    return create_training(status="completed", kind="style")
