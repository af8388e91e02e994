"""The page of one training."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from payments.models import Quote
from tests.factories import create_training, create_wallet
from trainings.models import Training
from trainings.own import purpose_of
from trainings.states import Status

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
SINCE = timedelta(minutes=4)


def moved(*moves: tuple[str, str, str], ago: timedelta = SINCE) -> list[dict[str, str]]:
    at = (timezone.now() - ago).isoformat()
    return [{"at": at, "from": old, "to": new, "why": why} for old, new, why in moves]


PAID = ("awaiting_payment", "archiving", "")
PACKED = ("archiving", "submitting", "")
ACCEPTED = ("submitting", "training", "")


def create_quote(training: Training, **fields: Any) -> Quote:
    quote = {
        "status": "open",
        "wallet": training.wallet,
        "payer": training.wallet.address,
        "chain_id": 8453,
        "recipient": training.wallet.address,
        "purpose": purpose_of(training),
        "usd_cents": 400,
        "wei": 10**15,
        "rate_answer": 3400 * 10**8,
        "rate_decimals": 8,
        "rate_round": 1,
        "rate_updated_at": Now(),
        "expires_at": Now() + timedelta(minutes=15),
        "mark_block": 0,
        "mark_count": 0,
        "due_at": Now(),
    }
    return Quote.objects.create(**(quote | fields))


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_training_at_work_says_how_far_it_is(as_alice, alice):
    training = create_training(
        wallet=alice,
        status="training",
        percent=62,
        pictures=9,
        service="fal.ai",
        started_at=Now() - SINCE,
        heard_at=Now() - timedelta(seconds=4),
        due_at=Now() + timedelta(seconds=3),
        history=moved(PAID, PACKED, ACCEPTED),
        log="step 620/1000\n<b>loss</b> 0.2",
    )
    page = as_alice.get(f"/trainings/{training.pk}").content.decode()
    text = text_of(page)
    assert "Training, 62%" in text
    assert "Step 620 of 1,000. About 2 minutes left." in text
    assert "Paid $4" in text
    assert "Accepted by fal.ai" in text
    assert "620 / 1,000" in text
    assert "Last heard 4 s ago" in text
    assert "Next look in 3 s" in text
    assert "So far 4 min" in text
    assert "Usually 8 min" in text
    assert "You can close this page; it keeps going and lands in the gallery." in text
    assert 'class="strip dev p-62"' in page
    assert "&lt;b&gt;loss&lt;/b&gt; 0.2" in page
    assert 'hx-trigger="every 5s, deposited from:body"' in page
    assert f"/trainings/{training.pk}/cancel" in page


def test_it_asks_more_often_at_first(as_alice, alice):
    training = create_training(wallet=alice, status="archiving", started_at=Now())
    page = as_alice.get(f"/trainings/{training.pk}").content.decode()
    assert 'hx-trigger="every 2s, deposited from:body"' in page


def test_the_part_that_asks_again_is_no_whole_page(as_alice, alice):
    training = create_training(wallet=alice, status="training", log="a line", started_at=Now())
    response = as_alice.get(f"/trainings/{training.pk}", headers=HTMX)
    page = response.content.decode()
    assert page.strip().startswith('<div class="dev-page" id="progress"')
    assert '<pre class="mono" id="log"' in page
    assert "HX-Request" in response.headers["Vary"]
    assert "<h1>" not in page
    assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("position", "words"), [(0, "Next in the queue"), (2, "In the queue, 2 before it")]
)
def test_it_says_where_it_stands_in_the_queue(as_alice, alice, position, words):
    training = create_training(wallet=alice, status="training", queue_position=position, percent=0)
    page = as_alice.get(f"/trainings/{training.pk}").content.decode()
    assert words in page
    assert "<progress" not in page.partition('id="progress"')[2]


@pytest.mark.parametrize(
    ("percent", "ago", "words"),
    [
        (1, timedelta(minutes=1), "About 7 minutes left."),
        (1, timedelta(minutes=30), ""),
        (50, timedelta(minutes=9), "About 9 minutes left."),
        (99, timedelta(minutes=9), "About a minute left."),
    ],
)
def test_the_time_that_is_left_goes_by_the_trainers_own_pace(as_alice, alice, percent, ago, words):
    training = create_training(
        wallet=alice, status="training", percent=percent, history=moved(ACCEPTED, ago=ago)
    )
    text = text_of(as_alice.get(f"/trainings/{training.pk}").content.decode())
    assert words in text
    assert ("left." in text) is bool(words)


def test_while_it_waits_for_money_the_page_has_the_quote(as_alice, alice):
    training = create_training(wallet=alice)
    older = create_quote(training, created_at=Now() - timedelta(hours=1), usd_cents=400)
    newer = create_quote(training, usd_cents=150)
    page = as_alice.get(f"/trainings/{training.pk}").content.decode()
    assert f'hx-get="/quotes/{newer.pk}"' in page
    assert str(older.pk) not in page
    assert "Waiting for payment" in page


def test_the_quote_is_not_fetched_again_by_every_look_and_goes_when_it_is_paid(as_alice, alice):
    training = create_training(wallet=alice)
    create_quote(training)
    look = as_alice.get(f"/trainings/{training.pk}", headers=HTMX).content.decode()
    assert "payment" not in re.findall(r'id="(\w+)"', look)
    training.move(Status.ARCHIVING)
    look = as_alice.get(f"/trainings/{training.pk}", headers=HTMX).content.decode()
    assert '<div id="payment" hx-swap-oob="true"></div>' in look


def test_a_balance_that_is_enough_asks_for_no_price(as_alice, client):
    wallet = create_wallet(cents=400)
    client.force_login(wallet)
    training = create_training(wallet=wallet)
    assert "/quotes" not in client.get(f"/trainings/{training.pk}").content.decode()


def test_a_finished_training_hands_out_its_files(as_alice, alice, settings):
    settings.SITE_URL = "https://lora.example"
    training = create_training(wallet=alice, status="completed", history=moved(PAID))
    page = as_alice.get(f"/trainings/{training.pk}").content.decode()
    assert f'data-copy="https://lora.example/loras/{training.pk}/weights"' in page
    assert f'href="/loras/{training.pk}/weights" download' in page
    assert f'href="/loras/{training.pk}/config" download' in page
    assert training.weights_sha256 in page
    assert "Train another" in page
    assert f'action="/trainings/{training.pk}/again"' in page
    assert 'id="progress">' in page
    assert "/cancel" not in page


def test_a_config_is_called_by_its_name_and_left_out_where_there_is_none(as_alice, alice):
    yaml = create_training(wallet=alice, status="completed", config="loras/x/config.yaml")
    none = create_training(wallet=alice, status="completed", config="")
    assert "Config .yaml" in as_alice.get(f"/trainings/{yaml.pk}").content.decode()
    assert "Config" not in as_alice.get(f"/trainings/{none.pk}").content.decode()


@pytest.mark.parametrize(
    ("charges", "words"),
    [
        (1, "$4 went back to your balance: another try costs nothing more."),
        (0, "Nothing was charged."),
    ],
)
def test_a_failure_says_why_and_what_became_of_the_money(as_alice, alice, charges, words):
    training = create_training(
        wallet=alice, status="failed", error="The trainer sent a web page.", charges=charges
    )
    page = as_alice.get(f"/trainings/{training.pk}").content.decode()
    assert "The trainer sent a web page." in page
    assert words in page
    assert f'action="/trainings/{training.pk}/retry"' in page
    assert 'class="strip fail' in page
    assert "hx-trigger" not in page.partition('id="progress"')[2].partition("</div>")[0]


def test_every_try_stays_in_the_timeline(as_alice, alice):
    training = create_training(
        wallet=alice,
        status="archiving",
        history=moved(
            PAID,
            ("archiving", "failed", "Our storage was full."),
            ("failed", "awaiting_payment", "Tried again."),
            PAID,
        ),
    )
    text = text_of(as_alice.get(f"/trainings/{training.pk}").content.decode())
    assert re.search(r"Paid \$4 .*Failed .*Tried again\. .*Paid \$4 .*Packing the pictures", text)


def test_moments_of_another_day_have_their_day(as_alice, alice):
    history = moved(PAID, ago=timedelta(days=2))
    training = create_training(wallet=alice, status="archiving", history=history)
    page = as_alice.get(f"/trainings/{training.pk}").content.decode()
    assert f"{timezone.now() - timedelta(days=2):%d %b}" in page


def test_a_trainer_that_is_gone_from_the_settings_breaks_nothing(as_alice, alice):
    for status in Status.values:
        training = create_training(wallet=alice, status=status, provider="gone", percent=3)
        assert as_alice.get(f"/trainings/{training.pk}").status_code == 200


def test_an_exempt_wallet_reads_of_no_price(client, settings):
    wallet = create_wallet()
    settings.QA_WALLETS = [wallet.address]
    client.force_login(wallet)
    training = create_training(
        wallet=wallet, price_cents=0, status="failed", charges=1, history=moved(PAID)
    )
    text = text_of(client.get(f"/trainings/{training.pk}").content.decode())
    assert "Free for you" in text
    assert "Nothing was charged." in text


def test_what_its_owner_has_deleted_is_gone(as_alice, alice):
    training = create_training(wallet=alice, status="completed", deleted_at=Now())
    assert as_alice.get(f"/trainings/{training.pk}").status_code == 404


URLS = ["", "/cancel", "/retry", "/again"]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_stranger_finds_nothing(as_bob, url, method, headers):
    training = create_training(status="completed")
    response = getattr(as_bob, method)(f"/trainings/{training.pk}{url}", headers=headers)
    refused = {("get", "/retry"), ("get", "/again"), ("post", "")}
    assert response.status_code == (405 if (method, url) in refused else 404)
    assert "KILNGLZ" not in response.content.decode()


@pytest.mark.parametrize("url", ["/trainings", "/trainings/{pk}", "/trainings/{pk}/cancel"])
def test_whoever_is_signed_out_connects_first(url):
    url = url.format(pk=create_training().pk)
    response = Client().get(url)
    assert (response.status_code, response["Location"]) == (302, f"/connect?next={url}")
