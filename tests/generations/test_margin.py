"""/admin/margin: what we were paid, what it cost, and what is left, month by month."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from generations.margin import measured
from generations.models import Generation, ReportCard
from payments.models import Entry
from tests.factories import create_generation, create_training, create_wallet, end_attempt
from wallets.models import Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(settings: Any) -> Wallet:
    wallet = create_wallet()
    settings.ADMIN_WALLETS = [wallet.address]
    return wallet


@pytest.fixture
def as_anna(anna: Wallet) -> Client:
    client = Client()
    client.force_login(anna)
    return client


def enter(kind: str, cents: int, *, ago: timedelta = timedelta(0)) -> None:
    """A line of the ledger, so long ago."""
    wallet = create_wallet()
    number = Entry.objects.count()
    Entry.objects.create(
        wallet=wallet, kind=kind, cents=cents, cause=f"test:{number}", created_at=Now() - ago
    )


def test_a_month_adds_up_to_the_cent():
    for cents in (-400, -400, -400):
        enter("charge", cents)
    enter("refund", 400)
    enter("adjustment", 9999)
    end_attempt(create_training(status="completed", training_steps=1500))
    slow = create_training(status="completed", provider="replicate", training_steps=1500)
    end_attempt(slow, took=timedelta(hours=2), ran_in=timedelta(seconds=1000))
    create_generation(training=slow, width=1024, height=1025, images_asked=3)
    found = measured()
    [sums] = found.months.values()
    assert (sums.charged_cents, sums.refunded_cents, sums.earned_cents) == (1200, 400, 800)
    assert (sums.trainings, sums.images) == (2, 3)
    assert sums.trainings_cost_cents == Decimal(300) + Decimal("152.5")
    assert sums.images_cost_cents == Decimal("10.5")
    assert sums.margin_cents == 800 - Decimal(463)
    assert found.total == sums
    assert found.trainers["fal"].cost_cents == 300
    assert found.trainers["replicate"].cost_cents == Decimal(163)


def test_a_megapixel_that_is_begun_is_whole():
    for width, height in ((1024, 1024), (512, 512), (1024, 1032), (1536, 1536)):
        create_generation(width=width, height=height, images_asked=1)
    assert measured().trainers["fal"].images_cost_cents == Decimal("3.5") * (1 + 1 + 2 + 3)


@pytest.mark.parametrize(
    ("status", "provider", "cents"),
    [
        ("failed", "fal", 0),
        ("cancelled", "fal", 0),
        ("failed", "replicate", Decimal("91.5")),
        ("cancelled", "replicate", Decimal("91.5")),
        ("not_found", "replicate", 0),
        ("refused", "replicate", 0),
        ("accepted", "replicate", 0),
    ],
)
def test_what_came_to_nothing_costs_what_the_service_asks_for_that(status, provider, cents):
    training = create_training(status="failed", provider=provider)
    order = end_attempt(training, status=status)
    total = measured().total
    assert (total.trainings, round(total.trainings_cost_cents, 2)) == (0, cents)
    order.refresh_from_db()
    if status != "accepted":
        job_id = "" if status in {"not_found", "refused"} else order.job_id
        order.job_id = job_id
        assert round(order.cost_cents, 2) == cents


def test_the_images_of_report_cards_cost_us_what_others_do():
    """Nobody's allowance pays for them, and the page says so."""
    lora = create_training(status="completed")
    cell = create_generation(training=lora, width=1024, height=1024, images_asked=1)
    Generation.objects.filter(pk=cell.pk).update(report_card=ReportCard.begin(lora.pk))
    assert measured().total.images_cost_cents == Decimal("3.5")


def test_unfinished_and_failed_batches_cost_nothing():
    create_generation(status="generating")
    create_generation(status="failed")
    assert measured().total.images == 0


def test_each_month_stands_alone_the_newest_first_and_years_ago_nowhere(as_anna):
    enter("charge", -400)
    enter("charge", -300, ago=timedelta(days=40))
    enter("charge", -200, ago=timedelta(days=800))
    assert [sums.charged_cents for _month, sums in sorted(measured().months.items())] == [300, 400]
    page = as_anna.get("/admin/margin").content.decode()
    assert page.index("<td>$4</td>") < page.index("<td>$3</td>") < page.index("<td>$7</td>")
    assert "$2</td>" not in page


def test_it_asks_as_much_however_much_there_is(django_assert_num_queries):
    for _number in range(4):
        enter("charge", -400)
        end_attempt(create_training(status="completed"))
        create_generation(training=create_training(status="completed", provider="replicate"))
    with django_assert_num_queries(3):
        measured()


def test_a_trainer_that_is_gone_is_named_and_not_guessed(as_anna):
    end_attempt(create_training(status="completed", provider="gone"))
    create_generation(training=create_training(status="completed", provider="lost"))
    assert measured().unknown == {"gone", "lost"}
    page = as_anna.get("/admin/margin").content.decode()
    assert "no longer name" in page
    assert as_anna.get("/admin/generations/generation/").status_code == 200


def test_an_empty_house_says_so(as_anna):
    page = as_anna.get("/admin/margin").content.decode()
    assert "Nothing was charged or trained in the last year." in page


def test_the_index_leads_there(as_anna):
    assert 'href="/admin/margin"' in as_anna.get("/admin/").content.decode()


def test_it_is_for_admins_and_for_reading(as_anna, client):
    assert as_anna.get("/admin/margin").status_code == 200
    assert as_anna.post("/admin/margin").status_code == 405
    assert client.get("/admin/margin").headers["Location"].startswith("/connect?")
    client.force_login(create_wallet())
    assert client.get("/admin/margin").status_code == 404
