"""A whole training whose files lie on S3: the archive, the weights, and the address of them."""

from __future__ import annotations

import hashlib
import zipfile
from io import BytesIO

import httpx
import pytest
import safetensors.numpy
from django.core.files.storage import default_storage
from django.test import Client

from datasets import archives
from tests.clouds import on_s3, s3
from tests.sandbox_process import SandboxProcess
from tests.trainings.test_steps import begin, drive, over, wallet
from tests.world import sandbox, sandbox_process, site
from trainings.own import filename
from trainings.states import Status
from wallets.models import Wallet

__all__ = ["on_s3", "s3", "sandbox", "sandbox_process", "site", "wallet"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("site")
def test_a_training_with_its_files_on_s3_ends_with_weights_that_anybody_can_take(
    wallet: Wallet, sandbox: SandboxProcess, on_s3: dict[str, str], client: Client
) -> None:
    training = drive(begin(wallet), lambda training: training.status == Status.TRAINING)
    attempt = training.attempt
    assert attempt is not None
    # What the trainer was told to fetch lies at S3, and can be read without an account.
    assert attempt.archive_url.startswith(on_s3["S3_ENDPOINT_URL"] + "/pictures/archives/")
    names = zipfile.ZipFile(BytesIO(httpx.get(attempt.archive_url).content)).namelist()
    assert names == [f"{number:03}.{end}" for number in range(1, 5) for end in ("png", "txt")]

    drive(training, over)
    assert (training.status, training.error) == (Status.COMPLETED, "")
    answer = client.get(f"/loras/{training.pk}/weights")
    assert answer.status_code == 302
    assert answer["Location"].startswith(on_s3["S3_ENDPOINT_URL"])
    taken = httpx.get(answer["Location"])
    name = filename(training, ".safetensors")
    assert taken.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert hashlib.sha256(taken.content).hexdigest() == training.weights_sha256
    assert safetensors.numpy.load(taken.content)

    archives.sweep()
    assert not default_storage.exists(attempt.archive)
