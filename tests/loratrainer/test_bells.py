"""What is told of what happens can break, and what has happened stays."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, OperationalError, transaction

from loratrainer.bells import ring
from tests.errands.models import Errand
from tests.factories import create_errand

pytestmark = pytest.mark.django_db

HERE = "tests.loratrainer.test_bells"
heard: list[object] = []


def listens(key: object) -> None:
    heard.append(key)


def breaks(key: object) -> None:
    Errand.objects.filter(pk=key).update(note="half done")
    raise KeyError(key)


def collides(key: object) -> None:
    create_errand(id=key)


def is_away(key: object) -> None:
    raise OperationalError("deadlock detected")


def test_one_that_breaks_is_undone_alone_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    heard.clear()
    errand = create_errand()
    with transaction.atomic():
        Errand.objects.filter(pk=errand.pk).update(done=1)
        ring([f"{HERE}.breaks", f"{HERE}.collides", f"{HERE}.listens"], errand.pk)
    errand.refresh_from_db()
    assert (errand.done, errand.note, heard) == (1, "", [errand.pk])
    messages = [record.exc_info and record.exc_info[0] for record in caplog.records]
    assert messages == [KeyError, IntegrityError]


def test_a_database_that_is_away_is_the_callers_to_know_so_that_all_is_tried_again() -> None:
    with pytest.raises(OperationalError, match="deadlock"):
        ring([f"{HERE}.is_away"], 1)
