from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from datasets import decoding
from datasets.decoding import Decoders
from datasets.models import Dataset, Picture
from datasets.retouches import Retouch
from tests.datasets.photographs import jpeg
from tests.sandbox_process import SandboxProcess
from wallets.models import Wallet

ALICE = "0x" + "A1" * 20
BOB = "0x" + "B2" * 20


@pytest.fixture(scope="session", autouse=True)
def decoders() -> Iterator[None]:
    """No decoder is left behind."""
    yield
    Decoders.current.close()


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """A disk of the test's own."""
    folder = tmp_path / "media"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "datasets.storage.DiskStorage",
            "OPTIONS": {"location": str(folder), "base_url": None},
        }
    }
    return folder


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as process:
        yield process


@pytest.fixture
def arena_api(sandbox: SandboxProcess, settings: Any) -> Iterator[SandboxProcess]:
    """Are.na as the sandbox plays it, on its best behaviour before and after the test."""
    settings.ARENA_URL = f"{sandbox.url}/arena"
    settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"arena": [sandbox.url]}
    sandbox.clear_script()
    yield sandbox
    sandbox.clear_script()


@pytest.fixture
def fal(sandbox: SandboxProcess, settings: Any) -> Iterator[SandboxProcess]:
    """fal.ai as the sandbox plays it, which describes pictures and cuts them out."""
    options = {"key": "tests:secret", "url": f"{sandbox.url}/fal"}
    entry = {"BACKEND": "providers.fal_pictures.FalRetoucher", "OPTIONS": options}
    settings.RETOUCHERS = {"fal": entry}
    settings.FETCH_HOSTS = settings.FETCH_HOSTS | {"fal": [sandbox.url]}
    sandbox.clear_script()
    yield sandbox
    sandbox.clear_script()


@pytest.fixture
def alice(db: None) -> Wallet:
    return Wallet.objects.create(address=ALICE)


@pytest.fixture
def bob(db: None) -> Wallet:
    return Wallet.objects.create(address=BOB)


@pytest.fixture
def signed_in(client: Client, alice: Wallet) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


@pytest.fixture
def stranger(bob: Wallet) -> Client:
    """A browser in which somebody else has signed in."""
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def draft(alice: Wallet) -> Dataset:
    return Dataset.objects.create(kind="draft", wallet=alice)


@pytest.fixture
def upload() -> Callable[..., Picture]:
    """`upload(dataset, 3)`: keep a picture in it, another one for each seed."""

    def upload(dataset: Dataset, seed: int = 0, **options: Any) -> Picture:
        developed = decoding.develop(jpeg(seed, **options))
        return dataset.add_upload(developed, name=f"{seed}.jpg")

    return upload


@pytest.fixture
def work() -> Callable[[Dataset], Dataset]:
    """Run the steps of a dataset, as a worker would, until nothing is due at once."""

    def work(dataset: Dataset) -> Dataset:
        for _step in range(100):
            claimed = Dataset.objects.claim(dataset.pk)
            if claimed is None:
                break
            claimed.advance()
        dataset.refresh_from_db()
        return dataset

    return work


@pytest.fixture
def fulfil() -> Callable[[], None]:
    """Run the steps of all wishes, as workers would, until none is left or each only waits."""

    def fulfil(turns: int = 60) -> None:
        for _turn in range(turns):
            under_way = Retouch.objects.under_way()
            if not under_way.exists():
                return
            for retouch in under_way:
                retouch.hurry()
                if claimed := Retouch.objects.claim(retouch.pk):
                    claimed.advance()
            time.sleep(0.05)

    return fulfil
