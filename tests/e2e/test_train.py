"""From pictures to weights in a real browser: a real worker and beat, a real chain, the real SDKs.

Only the addresses of the outside worlds are the sandbox's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy
from django.test import Client
from playwright.sync_api import APIResponse, BrowserContext, Error, Page, Route, expect

from datasets.decoding import Decoders
from payments.models import Entry
from tests.datasets.photographs import jpeg
from tests.e2e.conftest import close_tab
from tests.e2e.injected_wallet import InjectedWallet
from tests.e2e.test_pay import PayingWallet
from tests.factories import create_dataset, create_training, create_wallet
from tests.payments.chain_node import ChainNode
from tests.processes import wait_until
from tests.sandbox_process import SandboxProcess
from tests.world import at_work, sandbox, sandbox_process, site
from trainings.drafts import Draft
from trainings.models import Training
from wallets.models import Wallet

__all__ = ["at_work", "sandbox", "sandbox_process", "site"]

pytestmark = [
    pytest.mark.usefixtures("no_demo_wallet"),
    pytest.mark.django_db(transaction=True),
]

STRIP = Path(__file__).resolve().parents[2] / "static" / "img" / "style" / "strip-glaze.avif"
A_WHILE = 60_000
"""In milliseconds; a busy machine takes its time for a whole training."""


@pytest.fixture(scope="module", autouse=True)
def decoders() -> Iterator[None]:
    """No decoder is left behind."""
    yield
    Decoders.current.close()


class Payer(PayingWallet):
    """Pays what it is asked for, unless its owner changes the amount."""

    pays_half = False

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["method"] == "eth_sendTransaction" and self.pays_half:
            (asked,) = request["params"]
            half = asked | {"value": hex(int(asked["value"], 16) // 2)}
            request = request | {"params": [half]}
        return super().answer(request)


@pytest.fixture
def wallet(sandbox: SandboxProcess) -> Payer:
    return Payer(ChainNode(sandbox))


@pytest.fixture
def page(new_context: Callable[..., BrowserContext], wallet: Payer, site: str) -> Page:
    """The front page, in a new browser with a wallet where nobody is signed in."""
    context = new_context(reduced_motion="reduce", accept_downloads=True)
    wallet.install(context)
    page = context.new_page()
    page.goto(site)
    return page


def files(tmp_path: Path, number: int) -> list[Path]:
    paths = [tmp_path / f"picture-{seed}.jpg" for seed in range(number)]
    for seed, path in enumerate(paths):
        path.write_bytes(jpeg(seed, (600, 520)))
    return paths


def upload(page: Page, tmp_path: Path, number: int) -> None:
    page.get_by_role("radio", name="Upload").check()
    page.locator("input[type=file]").set_input_files(files(tmp_path, number))
    expect(page.locator("#sheet input:checked")).to_have_count(number, timeout=A_WHILE)


def connect(page: Page, wallet: InjectedWallet) -> None:
    page.locator("#ticket").get_by_role("link", name="Connect wallet").click()
    page.get_by_role("dialog").get_by_role("button", name=wallet.info["name"]).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def start(page: Page) -> Training:
    """Order what the page says, and arrive at the page of the training."""
    page.locator("#ticket").get_by_role("button", name="Pay $4 and train").click()
    page.wait_for_url("**/trainings/*")
    return Training.objects.get(pk=page.url.rpartition("/")[2])


def pay(page: Page, label: str = "Pay $4") -> None:
    # Until its script has arrived the button does nothing.
    page.locator("pay-quote:defined").get_by_role("button", name=label, exact=True).click()


def expect_good_weights(page: Page, training: Training, tmp_path: Path) -> None:
    """The page says that it is ready, and the file that it hands out is what it says."""
    expect(page.locator("#progress .status")).to_have_text("Ready", timeout=A_WHILE)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download .safetensors").click()
    path = tmp_path / "weights.safetensors"
    started.value.save_as(path)
    name = started.value.suggested_filename
    assert name == f"{training.trigger_word}-flux-lora-{training.pk.hex[:8]}.safetensors"
    assert safetensors.numpy.load_file(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    expect(page.locator("#progress")).to_contain_text(sha256)
    training.refresh_from_db()
    assert Entry.objects.balance_of(training.wallet) == 0
    assert page.get_by_role("button", name="Copy URL").get_attribute("data-copy") == (
        f"{page.url.partition('/trainings')[0]}/loras/{training.pk}/weights"
    )


@pytest.mark.usefixtures("at_work")
def test_from_an_arena_channel_to_the_weights(page, wallet, tmp_path, axe, sandbox):
    page.get_by_label("Channel link").fill("https://www.are.na/kiln-room/glaze-tests/")
    page.get_by_role("button", name="Load images").click()
    expect(page.get_by_text("Glaze tests", exact=True)).to_be_visible(timeout=A_WHILE)
    ticket = page.locator("#ticket")
    expect(ticket.locator("img").first).to_be_visible(timeout=A_WHILE)
    chosen = page.locator("#sheet input:checked")
    expect(chosen).to_have_count(15)
    chosen.last.uncheck()
    expect(ticket).to_contain_text("Images14")
    page.get_by_label("Trigger word").fill("KILNGLZ")
    page.get_by_role("radio", name="Product").check()
    page.get_by_label("Caption for image 1").first.fill("a teal vase")
    expect(ticket.get_by_role("heading")).to_have_text("KILNGLZ")
    connect(page, wallet)
    expect(ticket).to_contain_text(wallet.short)
    expect(page.get_by_text("Loading from Are.na")).to_have_count(0, timeout=A_WHILE)
    assert axe(page) == []

    training = start(page)
    assert axe(page) == []
    expect(page.locator("#progress")).to_contain_text("Waiting for payment")
    pay(page)
    expect_good_weights(page, training, tmp_path)
    assert (training.name, training.trigger_word, training.kind) == (
        *("Glaze tests", "KILNGLZ", "product"),
    )
    assert training.dataset.pictures.count() == 14
    assert training.dataset.pictures.filter(caption="a teal vase").exists()
    assert len(wallet.asked) == 1
    assert "eth_sign" not in wallet.calls
    assert axe(page) == []


@pytest.mark.usefixtures("at_work")
def test_from_an_upload_to_the_weights_by_replicate(page, wallet, tmp_path):
    upload(page, tmp_path, 5)
    page.get_by_label("Trigger word").fill("ohwx")
    page.get_by_role("radio", name="Replicate, thorough").check()
    page.get_by_text("Advanced settings").click()
    page.get_by_label("Rank").fill("8")
    expect(page.locator("#differences")).to_have_text("Rank: 8")
    connect(page, wallet)
    training = start(page)
    assert training.options == {"rank": 8}
    pay(page)
    expect_good_weights(page, training, tmp_path)
    assert training.service == "Replicate"
    with page.expect_download() as started:
        page.get_by_role("link", name="Config .yaml").click()
    name = started.value.suggested_filename
    assert name == f"ohwx-flux-lora-{training.pk.hex[:8]}-config.yaml"


@pytest.mark.usefixtures("at_work")
def test_the_tab_closes_before_the_hash_reaches_the_server(page, wallet, tmp_path):
    upload(page, tmp_path, 4)
    page.get_by_label("Trigger word").fill("TABGONE")
    connect(page, wallet)
    training = start(page)
    told: list[str] = []

    def lose(route: Route) -> None:
        told.append(route.request.post_data or "")
        # The tab is gone before the request is; so nobody answers it.

    page.route("**/quotes/*/sent", lose)
    pay(page)
    wait_until(lambda: page.evaluate("1") and wallet.asked and told, what="the transaction")
    context = page.context
    close_tab(page)
    assert training.quote is not None
    assert not training.quote.hints.exists()

    later = context.new_page()
    later.goto(f"/trainings/{training.pk}")
    expect_good_weights(later, training, tmp_path)
    assert len(wallet.asked) == 1


@pytest.mark.usefixtures("at_work")
def test_too_little_is_paid_and_then_the_rest(page, wallet, tmp_path):
    upload(page, tmp_path, 4)
    page.get_by_label("Trigger word").fill("HALFPAID")
    connect(page, wallet)
    wallet.pays_half = True
    training = start(page)
    pay(page)
    quote = page.locator("pay-quote")
    expect(quote).to_contain_text("of $4 arrived", timeout=A_WHILE)
    training.refresh_from_db()
    assert training.status == "awaiting_payment"
    assert 0 < Entry.objects.balance_of(training.wallet) < 400
    wallet.pays_half = False
    quote.get_by_role("button", name="Pay the rest").click()
    missing = 400 - Entry.objects.balance_of(training.wallet)
    pay(page, f"Pay ${missing / 100:.2f}".removesuffix(".00"))
    expect_good_weights(page, training, tmp_path)
    assert len(wallet.asked) == 2


def typed(name: str) -> str:
    """What the server has kept of a field."""
    return str(Draft.objects.get().typed.get(name, ""))


def test_what_is_still_being_typed_when_the_page_is_left_is_kept(page, tmp_path):
    page.get_by_label("Trigger word").fill("K")
    expect(page.locator("#leaving")).to_have_attribute("hx-trigger", "beforeunload from:window")
    page.get_by_label("Description").press_sequentially("Cone 10, reduction")
    page.goto("/rules")
    wait_until(lambda: typed("description") == "Cone 10, reduction")


def test_a_caption_that_is_on_its_way_begins_with_the_training(page, wallet, tmp_path):
    upload(page, tmp_path, 4)
    connect(page, wallet)
    page.get_by_label("Trigger word").fill("KILNGLZ")
    page.route("**/caption", lambda _route: None)
    page.get_by_label("Caption for image 1").fill("a teal vase")
    page.locator("#ticket").get_by_role("button", name="Pay $4 and train").click()
    page.wait_for_url("**/trainings/*")
    assert Training.objects.get().dataset.pictures.first().caption == "a teal vase"


@pytest.mark.parametrize("held", ["the draft before", "the draft behind", "the ticket"])
def test_a_refusal_stays_whatever_is_on_its_way(page, wallet, tmp_path, strict, held):
    upload(page, tmp_path, 3)
    connect(page, wallet)
    expect(page.locator("#ticket")).to_contain_text(wallet.short)
    late: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        late.append((route, route.fetch()))

    page.route("**/draft/ticket?*" if held == "the ticket" else "**/draft", hold)
    page.get_by_label("Trigger word").fill("KILNGLZ")
    if held == "the draft before":
        page.get_by_label("Name", exact=True).focus()
    if held == "the ticket":
        page.evaluate("document.dispatchEvent(new Event('signed-in'))")
    if held != "the draft behind":
        wait_until(lambda: page.evaluate("1") and late, what="the answer that comes late")
    page.locator("#ticket").get_by_role("button", name="Pay $4 and train").click()
    alert = page.locator("#ticket").get_by_role("alert")
    expect(alert).to_contain_text("Choose at least 4 pictures")
    for route, answer in late:
        with suppress(Error):  # The page does not wait for it any more.
            route.fulfill(response=answer)
    page.wait_for_timeout(1_000)
    expect(alert).to_contain_text("Choose at least 4 pictures")
    assert typed("trigger_word") == "KILNGLZ"
    wait_until(lambda: page.evaluate("1") and strict.problems, what="the refusal")
    strict.expect("422")


def test_what_is_typed_survives_reload_signing_in_and_errors(page, wallet, tmp_path, strict):
    upload(page, tmp_path, 3)
    page.get_by_label("Trigger word").fill("two words")
    page.get_by_label("Description").fill("Cone 10, reduction")
    page.get_by_label("Caption for image 2").first.fill("a low bowl")
    page.get_by_role("slider", name="Steps").fill("1500")
    page.get_by_label("Name", exact=True).fill("Glaze tests")
    expect(page.locator("#steps-hint")).to_contain_text("500 steps for each image")
    expect(page.locator("#trigger-hints")).to_contain_text("without spaces")
    page.get_by_label("Description").focus()
    wait_until(lambda: page.evaluate("1") and typed("name") == "Glaze tests")
    page.reload()
    expect(page.get_by_label("Trigger word")).to_have_value("two words")
    connect(page, wallet)
    expect(page.get_by_label("Description")).to_have_value("Cone 10, reduction")
    ticket = page.locator("#ticket")
    ticket.get_by_role("button", name="Pay $4 and train").click()
    expect(ticket.get_by_role("alert")).to_contain_text("Something in the settings is not right")
    expect(page.locator("#settings .err")).to_have_text(
        "Use 2 to 24 letters, digits or underscores, without spaces."
    )
    page.get_by_label("Trigger word").fill("KILNGLZ")
    ticket.get_by_role("button", name="Pay $4 and train").click()
    expect(ticket.get_by_role("alert")).to_contain_text("Choose at least 4 pictures")
    wait_until(lambda: page.evaluate("1") and len(strict.problems) == 2, what="two refusals")
    strict.expect("422")
    expect(page.get_by_role("slider", name="Steps")).to_have_value("1500")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Glaze tests")
    page.reload()
    expect(page.get_by_label("Caption for image 2").first).to_have_value("a low bowl")
    assert not Training.objects.exists()
    assert Wallet.objects.get().datasets.count() == 1


@pytest.fixture
def signed_in(new_context: Callable[..., BrowserContext], live_server: Any) -> Page:
    """A page that is not opened yet, in a browser where somebody with a balance is signed in.

    Every picture is the same one: the rows of these tests have no files.
    """
    context = new_context(reduced_motion="reduce")
    for images in ("**/strip?*", "**/pictures/*/160?*"):
        context.route(images, lambda route: route.fulfill(path=STRIP))
    client = Client()
    client.force_login(create_wallet(cents=4000))
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return context.new_page()


def test_a_bar_follows_over_the_pages_until_the_training_is_over(signed_in, axe):
    training = create_training(wallet=Wallet.objects.get(), status="training", percent=62)
    signed_in.goto("/rules")
    bar = signed_in.get_by_role("complementary", name="Training in progress")
    expect(bar).to_contain_text("KILNGLZ Training, 62%")
    assert axe(signed_in) == []
    signed_in.goto(f"/trainings/{training.pk}")
    expect(signed_in.get_by_text("Step 620 of 1,000.")).to_be_visible()
    expect(bar).to_have_count(0)
    signed_in.goto("/wallet")
    expect(bar).to_be_visible()
    training.fail("The trainer was away.")
    toast = signed_in.locator("#toasts")
    expect(toast).to_contain_text("KILNGLZ: Training failed.", timeout=A_WHILE)
    expect(bar).to_have_count(0)
    toast.get_by_role("link", name="View").click()
    expect(signed_in.get_by_text("The trainer was away.")).to_be_visible()


def test_the_page_of_a_training_lives_and_keeps_the_log_open(signed_in):
    training = create_training(wallet=Wallet.objects.get(), status="training", log="step 1")
    signed_in.goto(f"/trainings/{training.pk}")
    signed_in.locator("summary").click()
    log = signed_in.locator("#log")
    expect(log).to_have_text("step 1")
    progress = signed_in.locator("#progress")
    progress.evaluate("(node) => { node.isTheSame = true; }")
    training.renew(percent=50, log="step 1\nstep 2")
    expect(log).to_have_text("step 1\nstep 2", timeout=A_WHILE)
    expect(log).to_be_visible()
    expect(progress.locator("progress")).to_have_attribute("value", "50")
    training.fail("The trainer was away.")
    expect(progress.locator(".status")).to_have_text("Training failed", timeout=A_WHILE)
    assert progress.evaluate("(node) => node.isTheSame && !node.hasAttribute('hx-get')")
    signed_in.get_by_role("button", name="Try again").click()
    expect(progress).to_contain_text("Waiting for payment")


def test_cancelling_asks_first_and_keeps_what_is_kept(signed_in, axe):
    training = create_training(wallet=Wallet.objects.get())
    signed_in.goto(f"/trainings/{training.pk}")
    cancel = signed_in.get_by_role("link", name="Cancel", exact=True)
    cancel.click()
    dialog = signed_in.get_by_role("dialog")
    expect(dialog).to_contain_text("Nothing has been charged.")
    assert axe(signed_in) == []
    dialog.get_by_role("link", name="Keep it").click()
    expect(dialog).to_have_count(0)
    expect(cancel).to_be_focused()
    cancel.click()
    dialog.get_by_role("button", name="Cancel the training").click()
    expect(signed_in.locator("#progress .status")).to_have_text("Cancelled")
    signed_in.get_by_role("button", name="Train again with changes").click()
    expect(signed_in.get_by_label("Trigger word")).to_have_value("KILNGLZ")


def test_a_shoot_becomes_a_draft(signed_in):
    wallet = Wallet.objects.get()
    ada = wallet.people.create(name="Ada")
    shoot = create_dataset(kind="shoot", wallet=wallet, person=ada, costume="red dress", pictures=6)
    signed_in.goto(f"/?shoot={shoot.pk}")
    expect(signed_in.locator("#ticket")).to_contain_text("Images6")
    assert signed_in.evaluate("location.pathname + location.search") == "/"
    signed_in.reload()
    expect(signed_in.locator("#ticket")).to_contain_text("Images6")
    assert wallet.datasets.drafts().count() == 1
    shoot.refresh_from_db()
    assert shoot.kind == "shoot"


def test_without_script_the_form_is_one_link_away(open_page):
    page = open_page("/", java_script_enabled=False)
    page.get_by_role("link", name="Begin").click()
    page.get_by_label("Trigger word").fill("KILNGLZ")
    page.get_by_label("Description").fill("Cone 10")
    page.get_by_role("link", name="Connect wallet").click()
    expect(page.get_by_role("heading", name="Connect a wallet")).to_be_visible()
