"""/admin: for admins to look and to use verbs; for everybody else it is not there."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from datasets.retouches import Retouch
from generations.models import ReportCard
from loratrainer.admin_site import ReadOnly
from payments.models import Entry
from tests.factories import create_generation, create_training, create_wallet, end_attempt
from tests.payments.refunding import create_refund
from trainings.models import Training
from wallets.models import Wallet

pytestmark = pytest.mark.django_db

MODELS = [*admin.site._registry]
LISTS = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in MODELS]


def test_what_there_is_to_see() -> None:
    assert sorted(LISTS) == [
        "/admin/datasets/dataset/",
        "/admin/datasets/retouch/",
        "/admin/generations/generatedimage/",
        "/admin/generations/generation/",
        "/admin/generations/reportcard/",
        "/admin/payments/entry/",
        "/admin/payments/quote/",
        "/admin/payments/refund/",
        "/admin/payments/transfer/",
        "/admin/trainings/training/",
        "/admin/wallets/wallet/",
    ]


@pytest.fixture
def anna(settings: Any) -> Wallet:
    """An admin, whom the settings spell in capitals of their own."""
    wallet = create_wallet()
    settings.ADMIN_WALLETS = [wallet.address.upper().replace("0X", "0x")]
    return wallet


@pytest.fixture
def as_anna(anna: Wallet) -> Client:
    client = Client()
    client.force_login(anna)
    return client


def act(client: Client, action: str, *rows: Any) -> str:
    """Use an action on some rows, and return the page that follows."""
    opts = rows[0]._meta
    response = client.post(
        reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"),
        {"action": action, "_selected_action": [row.pk for row in rows]},
        follow=True,
    )
    return response.content.decode()


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/login/", "/admin/x/y", *LISTS])
def test_o01_whoever_is_not_signed_in_is_led_to_the_wallets(client, path):
    response = client.get(path, follow=True)
    assert unquote(response.redirect_chain[-1][0]).startswith("/connect?next=/admin/")
    assert b"Connect a wallet" in response.content


@pytest.mark.parametrize("path", ["/admin/", "/admin/x/y", "/admin/jsi18n/", *LISTS])
def test_o01_for_other_wallets_nothing_is_there(client, path):
    client.force_login(create_wallet())
    session = client.session
    session["is_staff"] = session["is_superuser"] = True
    session.save()
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


def test_w26_a_wallet_that_looks_like_an_admins_is_none(anna):
    twin = create_wallet(address=f"{anna.address[:6]}{'0' * 32}{anna.address[-4:]}".lower())
    client = Client()
    client.force_login(twin)
    assert twin.short_address.lower() == anna.short_address.lower()
    assert client.get("/admin/").status_code == 404


def test_there_are_no_passwords(as_anna):
    assert as_anna.get("/admin/password_change/").status_code == 404
    assert "password" not in as_anna.get("/admin/").content.decode().lower()


@pytest.mark.parametrize("path", ["/admin/", *LISTS])
def test_every_list_opens_and_shows_rows(as_anna, anna, path):
    wallet = create_wallet(cents=400)
    training = create_training(wallet=wallet, status="completed")
    create_generation(training=training)
    create_refund()
    ReportCard.begin(training.pk)
    Retouch.objects.create(kind="caption", wallet=wallet, status="failed")
    page = as_anna.get(path).content.decode()
    assert anna.address in page
    assert "0 results" not in page or "quote" in path or "transfer" in path


def test_each_row_opens(as_anna, anna):
    training = create_training(wallet=create_wallet(cents=1), status="completed")
    batch = create_generation(training=training)
    rows = [training, training.dataset, training.wallet, batch, batch.images.first()]
    rows += [Entry.objects.get(), create_refund(), ReportCard.begin(training.pk)]
    rows.append(Retouch.objects.create(kind="cutout", wallet=training.wallet, status="failed"))
    for row in rows:
        opts = row._meta
        url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
        assert as_anna.get(url).status_code == 200, url


def test_lists_do_not_ask_more_when_they_grow(as_anna, django_assert_max_num_queries):
    for path in LISTS:
        for _number in range(3):
            batch = create_generation(training=create_training(wallet=create_wallet(cents=1)))
            ReportCard.begin(batch.training.pk)
        with django_assert_max_num_queries(9):
            as_anna.get(path)


def test_the_pages_keep_to_the_strict_policy(as_anna):
    create_training(status="completed")
    for path in ["/admin/", "/admin/trainings/training/"]:
        response = as_anna.get(path)
        policy = response["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "nonce" not in policy
        page = response.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=", page)
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)
        assert response["Cache-Control"].endswith("private")


@pytest.mark.parametrize("model", MODELS)
def test_o04_nothing_is_added_edited_or_deleted_by_hand(as_anna, model):
    row = {
        "training": lambda: create_training(status="completed"),
        "entry": lambda: Entry.objects.get(wallet=create_wallet(cents=5)),
        "wallet": create_wallet,
        "generation": create_generation,
        "refund": create_refund,
    }.get(str(model._meta.model_name), lambda: None)()
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert as_anna.post(reverse(f"{name}_add"), {}).status_code == 403
    if row is not None:
        before = model.objects.filter(pk=row.pk).values().get()
        form = {"cents": "9999", "status": "completed", "is_private": "on", "address": "0x0"}
        assert as_anna.post(reverse(f"{name}_change", args=[row.pk]), form).status_code == 403
        assert (
            as_anna.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code
            == 403
        )
        act(as_anna, "delete_selected", row)
        assert model.objects.filter(pk=row.pk).values().get() == before
    assert isinstance(admin.site._registry[model], ReadOnly)


def test_hiding_takes_a_lora_off_the_wall_for_its_owner_too(as_anna, anna):
    training = create_training(status="completed")
    assert "Hidden: 1 row." in act(as_anna, "hide", training)
    assert not Training.objects.public().exists()
    training.refresh_from_db()
    assert training.hidden_by == anna
    assert not training.can_be_shown_by(training.wallet)
    assert "Shown: 1 row." in act(as_anna, "show", training)
    assert Training.objects.public().get() == training


def test_who_did_what_is_kept_without_names(as_anna, anna):
    training = create_training(status="completed")
    act(as_anna, "hide", training)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (anna, str(training.pk), "Hidden")
    assert entry.object_repr == str(training.pk)


def test_failed_trainings_are_tried_again_and_others_are_left_alone(as_anna):
    failed = create_training(status="failed")
    completed = create_training(status="completed")
    page = act(as_anna, "retry", failed, completed)
    assert "Tried again: 1 row." in page
    assert "Not possible any more for 1 row." in page
    failed.refresh_from_db()
    completed.refresh_from_db()
    assert (failed.status, completed.status) == ("awaiting_payment", "completed")


def test_cancelling_gives_the_price_back(as_anna):
    wallet = create_wallet(cents=400)
    training = create_training(wallet=wallet)
    training.collect()
    assert Entry.objects.balance_of(wallet) == 0
    assert "Cancelled: 1 row." in act(as_anna, "cancel", training)
    assert Entry.objects.balance_of(wallet) == 400


def test_images_are_hidden_and_shown_and_the_count_follows(as_anna):
    batch = create_generation()
    image = batch.images.first()
    act(as_anna, "hide", image)
    act(as_anna, "hide", image)
    batch.training.refresh_from_db()
    assert batch.training.image_count == 3
    act(as_anna, "show", image)
    batch.training.refresh_from_db()
    assert batch.training.image_count == 4


def test_what_is_private_is_not_read_here(as_anna):
    training = create_training(
        status="completed",
        is_private=True,
        trigger_word="SECRETWD",
        name="Secret name",
        description="Secret description",
    )
    batch = create_generation(training=training, prompt="a secret prompt")
    again = create_training(wallet=training.wallet, parent=training, price_cents=0)
    entry = Entry.charge(create_wallet(cents=4), 4, "training:x:1", note=training.name)
    for row in (training, batch, batch.images.first(), training.dataset, again, entry):
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        urls = [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history")]
        for url in (reverse(f"{name}_changelist"), *urls):
            page = as_anna.get(url).content.decode()
            assert str(row.pk) in page
            assert "secret" not in page.lower(), url


def test_the_ledger_says_what_was_earned(as_anna):
    wallet = create_wallet(cents=1000)
    create_training(wallet=wallet).collect()
    page = as_anna.get("/admin/payments/entry/").content.decode()
    assert "paid back $0, earned with trainings $4, owed to wallets $6." in page


def test_the_ledger_says_what_was_paid_back(as_anna):
    create_refund(status="paid")
    create_refund().give_back("The wallet did not take it.")
    page = as_anna.get("/admin/payments/entry/").content.decode()
    assert "Paid in $8, paid back $4, earned with trainings $0, owed to wallets $4." in page


def test_a_refund_is_shown_without_what_was_signed(as_anna):
    refund = create_refund(note="The account lacks 0.1 ETH.")
    for page in ("changelist", "change"):
        args = [refund.pk] if page == "change" else []
        html = as_anna.get(reverse(f"admin:payments_refund_{page}", args=args)).content.decode()
        assert refund.note in html
        assert (refund.hash in html) is (page == "change")
        assert refund.wallet.address in html
        assert "$4" in html
        assert bytes(refund.raw).hex() not in html


def cells(page: str, *names: str) -> list[str]:
    """What a list says in the columns of these fields."""
    return [re.findall(rf'class="field-{name}[^"]*">([^<]*)', page)[0] for name in names]


def test_o03_a_training_shows_what_was_paid_what_it_cost_and_what_is_left(as_anna):
    wallet = create_wallet(cents=400)
    training = create_training(wallet=wallet, training_steps=700)
    path = "/admin/trainings/training/"
    columns = ("paid", "cost", "margin")
    assert cells(as_anna.get(path).content.decode(), *columns) == ["$0", "$0", "$0"]
    training.collect()
    end_attempt(training, number=1, status="failed")
    end_attempt(training, number=2, status="succeeded")
    assert cells(as_anna.get(path).content.decode(), *columns) == ["$4", "$1.40", "$2.60"]
    training.fail("It broke.")
    assert cells(as_anna.get(path).content.decode(), *columns) == ["$0", "$1.40", "-$1.40"]
    one = as_anna.get(f"{path}{training.pk}/change/").content.decode()
    assert "-$1.40" in one


def test_o03_what_was_charged_again_after_a_refund_is_paid_once(as_anna):
    training = create_training(wallet=create_wallet(cents=400))
    training.collect()
    training.fail("It broke.")
    training.retry()
    training.collect()
    page = as_anna.get("/admin/trainings/training/").content.decode()
    assert cells(page, "paid") == ["$4"]


def test_o03_a_trainer_that_the_settings_do_not_name_any_more_breaks_no_list(as_anna):
    end_attempt(create_training(status="completed", provider="gone"))
    page = as_anna.get("/admin/trainings/training/").content.decode()
    assert cells(page, "cost") == ["$0"]


def test_o02_what_people_wrote_is_text(as_anna):
    create_training(status="completed", name="<img src=x onerror=alert(1)>")
    page = as_anna.get("/admin/trainings/training/").content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img src=x" not in page
