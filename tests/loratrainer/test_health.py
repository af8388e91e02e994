"""Whether the process lives, and whether the site can work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.db.models.functions import Now
from django.test import Client

from loratrainer.models import Pulse, PulseQuerySet


def test_a_living_process_says_so_without_asking_the_database(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_a_site_whose_worker_sweeps_is_ready(client: Client) -> None:
    Pulse.feel("sweep")
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("swept", [False, True])
def test_a_site_without_a_worker_is_not_ready(client: Client, swept: bool) -> None:
    if swept:
        Pulse.feel("sweep")
        Pulse.objects.update(felt_at=Now() - timedelta(minutes=1))
    response = client.get("/readyz")
    assert (response.status_code, response.content) == (503, b"No worker has swept lately.\n")


def test_a_site_without_a_database_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: PulseQuerySet, within: timedelta) -> None:
        raise DatabaseError("connection refused")

    monkeypatch.setattr(PulseQuerySet, "recent", away)
    response = client.get("/readyz")
    assert (response.status_code, response.content) == (503, b"The database does not answer.\n")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_other_methods_are_refused(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
