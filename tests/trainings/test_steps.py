"""What a worker does for a training: on the sandbox, through the real SDKs, with real files."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import safetensors.numpy
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from PIL import Image

from datasets import decoding
from datasets.models import Dataset
from payments.models import Entry
from providers import get_provider
from tests.sandbox_process import SandboxProcess
from tests.world import sandbox, sandbox_process, site
from trainings.attempts import Attempt
from trainings.models import TooLate, Training
from trainings.states import Status
from wallets.models import Wallet

__all__ = ["sandbox", "sandbox_process", "site"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site")]

SUBMITS = {
    "fal": "/fal/queue/fal-ai/flux-lora-fast-training",
    "replicate": "/replicate/v1/models/*/versions/*/trainings",
}


def picture(colour: str) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((320, 300)).point(lambda v: v).save(
        file, "PNG"
    )
    image = Image.open(file).convert("RGB")
    Image.blend(image, Image.new("RGB", image.size, colour), 0.5).save(made := io.BytesIO(), "PNG")
    return made.getvalue()


def create_dataset(wallet: Wallet) -> Dataset:
    dataset = Dataset.objects.create(kind=Dataset.Kind.DRAFT, wallet=wallet)
    for colour in ("red", "green", "blue", "gold"):
        dataset.add_upload(decoding.develop(picture(colour)), name=f"{colour}.png")
    return dataset


@pytest.fixture
def wallet() -> Wallet:
    return Wallet.objects.create(address="0x" + "ab" * 20)


def begin(wallet: Wallet, *, paid_cents: int = 400, provider: str = "fal") -> Training:
    if paid_cents:
        Entry.objects.create(
            wallet=wallet, kind=Entry.Kind.ADJUSTMENT, cents=paid_cents, cause=f"test:{wallet.pk}"
        )
    return Training.begin(
        wallet,
        create_dataset(wallet),
        name="Kiln glazes",
        kind="style",
        trigger_word="KILNGLZ",
        provider=provider,
    )


def step(training: Training) -> Training:
    """Let a worker run one step, whether it is due or not."""
    Training.objects.filter(pk=training.pk, due_at__isnull=False).update(due_at=Now())
    job = Training.objects.claim(training.pk)
    assert job is not None, f"{training.status} cannot be claimed"
    job.advance()
    training.refresh_from_db()
    return training


def drive(training: Training, until: Callable[[Training], object], steps: int = 200) -> Training:
    for _ in range(steps):
        if until(training):
            return training
        step(training)
    raise AssertionError(f"still {training.status}: {training.note}")


def over(training: Training) -> bool:
    return training.is_over


def balance(wallet: Wallet) -> int:
    return Entry.objects.balance_of(wallet)


def orders(sandbox: SandboxProcess, training: Training) -> list[dict[str, Any]]:
    """What the sandbox accepted for this training: an independent witness."""
    names = [attempt.token for attempt in training.attempts.all()]
    return [entry for entry in sandbox.journal() if any(name in str(entry) for name in names)]


@pytest.mark.parametrize("provider", ["fal", "replicate", "replicate-fast"])
def test_a_paid_training_ends_with_verified_weights_in_our_storage(
    provider: str, wallet: Wallet, sandbox: SandboxProcess
) -> None:
    training = drive(begin(wallet, provider=provider), over)
    assert (training.status, training.error) == (Status.COMPLETED, "")
    with default_storage.open(training.weights) as file:
        content = file.read()
    assert len(content) == training.weights_size
    assert safetensors.numpy.load(content)
    assert training.weights_sha256
    assert training.tensors_sha256
    assert training.service == ("fal.ai" if provider == "fal" else "Replicate")
    assert default_storage.exists(training.config)
    assert default_storage.size(training.config) == training.config_size
    assert balance(wallet) == 0
    assert len(orders(sandbox, training)) == 1
    assert [line["to"] for line in training.history] == [
        "archiving",
        "submitting",
        "training",
        "mirroring",
        "completed",
    ]


def test_without_money_it_waits_and_a_deposit_wakes_it(wallet: Wallet) -> None:
    training = step(begin(wallet, paid_cents=399))
    assert (training.status, training.note) == (
        Status.AWAITING_PAYMENT,
        "No payment has arrived yet.",
    )
    Entry.objects.create(wallet=wallet, kind=Entry.Kind.ADJUSTMENT, cents=1, cause="the last cent")
    assert step(training).status == Status.ARCHIVING
    assert balance(wallet) == 0


def test_an_exempt_wallet_is_not_charged(wallet: Wallet, settings: Any) -> None:
    settings.QA_WALLETS = [wallet.address]
    training = step(begin(wallet, paid_cents=0))
    assert training.status == Status.ARCHIVING
    assert not Entry.objects.exists()


def test_a_training_that_fails_gives_the_price_back_once(
    wallet: Wallet, sandbox: SandboxProcess
) -> None:
    sandbox.script({"match": {"method": "POST", "path": SUBMITS["fal"]}, "do": "fail"})
    training = drive(begin(wallet), over)
    assert training.status == Status.FAILED
    assert training.error
    assert balance(wallet) == 400
    assert Entry.objects.filter(kind=Entry.Kind.REFUND).count() == 1


def test_a_retry_after_a_failure_costs_nothing_more(
    wallet: Wallet, sandbox: SandboxProcess
) -> None:
    sandbox.script({"match": {"method": "POST", "path": SUBMITS["fal"]}, "do": "fail"})
    training = drive(begin(wallet), over)
    training.retry()
    drive(training, over)
    assert (training.status, balance(wallet)) == (Status.COMPLETED, 0)
    assert [attempt.status for attempt in training.attempts.order_by("number")] == [
        "failed",
        "succeeded",
    ]
    with pytest.raises(TooLate):
        training.retry()


@pytest.mark.parametrize("provider", ["fal", "replicate"])
@pytest.mark.parametrize("fault", ["accept_then_500", "accept_then_reset"])
def test_an_order_that_was_accepted_without_an_answer_is_found_and_not_sent_again(
    provider: str, fault: str, wallet: Wallet, sandbox: SandboxProcess
) -> None:
    sandbox.script({"match": {"method": "POST", "path": SUBMITS[provider]}, "do": fault})
    training = drive(begin(wallet, provider=provider), over)
    assert training.status == Status.COMPLETED, training.error
    assert len(orders(sandbox, training)) == 1
    assert training.attempts.count() == 1


def test_a_worker_that_dies_between_order_and_commit_leaves_an_order_that_is_found(
    wallet: Wallet, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: Attempt, job_id: str) -> None:
        raise KeyboardInterrupt

    training = drive(begin(wallet), lambda training: training.status == Status.SUBMITTING)
    monkeypatch.setattr(Attempt, "accept", die)
    with pytest.raises(KeyboardInterrupt):
        step(training)
    monkeypatch.undo()
    Training.objects.filter(pk=training.pk).update(lease_ends_at=Now() - timedelta(seconds=1))
    drive(training, over)
    assert training.status == Status.COMPLETED
    assert len(orders(sandbox, training)) == 1


def test_an_order_that_never_arrived_is_sent_again_only_after_several_sure_answers(
    wallet: Wallet, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_provider("fal"), "listed_in", timedelta(seconds=1))
    sandbox.script({"match": {"method": "POST", "path": SUBMITS["fal"]}, "do": "reset"})
    training = drive(begin(wallet), lambda training: training.status == Status.SUBMITTING)
    step(training)
    looked = 0
    while training.status == Status.SUBMITTING:
        step(training)
        looked += 1
        assert looked < 200
    assert looked >= 3
    drive(training, over)
    assert training.status == Status.COMPLETED
    assert [attempt.status for attempt in training.attempts.order_by("number")] == [
        "not_found",
        "succeeded",
    ]
    assert len(orders(sandbox, training)) == 1


def test_a_provider_that_refuses_is_quoted_and_the_price_comes_back(
    wallet: Wallet, sandbox: SandboxProcess
) -> None:
    sandbox.script(
        {
            "match": {"method": "POST", "path": SUBMITS["fal"]},
            "do": "status",
            "status": 422,
            "body": {
                "detail": [{"loc": ["body", "steps"], "msg": "Too many steps", "type": "less_than"}]
            },
        }
    )
    training = drive(begin(wallet), over)
    assert training.status == Status.FAILED
    assert "Too many steps" in training.error
    assert balance(wallet) == 400
    assert orders(sandbox, training) == []


def test_a_cancelled_training_that_nobody_ordered_costs_nothing(
    wallet: Wallet, sandbox: SandboxProcess
) -> None:
    training = drive(begin(wallet), lambda training: training.status == Status.SUBMITTING)
    training.cancel()
    assert (training.status, balance(wallet)) == (Status.CANCELLED, 400)
    assert training.attempts.get().status == "cancelled"
    assert orders(sandbox, training) == []
    with pytest.raises(TooLate):
        training.cancel()


def test_a_training_cancelled_in_the_queue_costs_nothing(
    wallet: Wallet, sandbox: SandboxProcess
) -> None:
    sandbox.script(
        {
            "match": {"method": "POST", "path": SUBMITS["fal"]},
            "do": "pace",
            "queued": 60,
            "working": 60,
        }
    )
    training = drive(begin(wallet), lambda training: training.queue_position is not None)
    assert training.cancelling_refunds
    training.cancel()
    assert training.status == Status.TRAINING
    drive(training, over)
    assert (training.status, balance(wallet)) == (Status.CANCELLED, 400)


def test_weights_that_are_no_lora_fail_the_training_and_are_not_kept(
    wallet: Wallet, sandbox: SandboxProcess
) -> None:
    sandbox.script(
        {
            "match": {"path": "*.safetensors"},
            "do": "swap_file",
            "body": "<html>Not here</html>",
            "times": None,
        }
    )
    training = drive(begin(wallet), over)
    assert training.status == Status.FAILED
    assert training.error.startswith("The trainer")
    assert balance(wallet) == 400
    assert training.weights == ""


def test_weights_that_are_cut_off_are_fetched_again(
    wallet: Wallet, sandbox: SandboxProcess
) -> None:
    sandbox.script({"match": {"path": "*.safetensors"}, "do": "cut"})
    training = drive(begin(wallet), over)
    assert training.status == Status.COMPLETED, training.error
