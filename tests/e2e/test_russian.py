"""The pages in Russian, in a real browser: every word, and room for it on a phone and a desk.

With `SHOTS=<folder>` in the environment a picture of each page is left there, to be looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext
from playwright.sync_api import BrowserContext, Page, Route, expect

from generations.models import ReportCard
from tests.factories import (
    create_dataset,
    create_generation,
    create_picture,
    create_training,
    create_wallet,
)
from tests.payments.factories import create_quote
from tests.wallets.destinations import create_browser, create_mailbox, create_webhook
from trainings.states import Status
from wallets.models import Wallet

pytestmark = [
    pytest.mark.usefixtures("no_demo_wallet"),
    pytest.mark.django_db(transaction=True),
]

STRIP = Path(__file__).resolve().parents[2] / "static" / "img" / "style" / "strip-glaze.avif"
WIDTHS = (1440, 390, 360, 320)
PICTURES = re.compile(r"/(strip|\d+|card\.jpg)(\?.*)?$")
SAID = """() => {
  const body = document.body.cloneNode(true);
  for (const data of body.querySelectorAll("script, noscript, pre, code, .mono, .who, [lang]")) {
    data.remove();
  }
  const attributes = ["aria-label", "title", "placeholder", "alt"];
  const said = [...body.querySelectorAll("*")].flatMap((element) => [
    ...attributes.map((name) => element.getAttribute(name)),
    ...[...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data),
  ]);
  return [document.title, ...said].filter((text) => text?.trim());
}"""
"""What is written and said on a page, without what is data."""
NAMES = re.compile(
    r"""
    https?://\S+ | 0x[\da-f]+…?\w* | \.\w+ | \w+\.(?:ai|na|org)\b | models/\w+ | pipe\S+
    | KILNGLZ | Glaze\ tests | a\ moon\ jar | in\ the\ style\ of\ \w+ | photo\ of | TOK
    | a\ lighthouse.+… | on\ a\ wooden.+… | reading\ in.+… | seed | guidance
    | FLUX(?:\.1)? | \[dev\] | Non-Commercial\ License | LoraLoaderModelOnly | LoRA(?:\ Trainer)?
    | Are\.na | REPLICATE_API_TOKEN | FAL_KEY | fal-client | fal | Replicate
    | Base(?:scan)? | ETH(?:ereum)? | USD | UTC
    | HTTP | POST | 2xx | Standard\ Webhooks | push | Chrome,\ Edge,\ Opera | [\w.]+@example\.com
    | MetaMask | Coinbase | Phantom | (?:Trust|OKX)\ Wallet
    | ZIP | JPEG | PNG | WebP | CSV | JSON | URL | API | SHA-256 | AutoV\d | JavaScript | Python
    | torch | diffusers | transformers | peft | ComfyUI | Forge | A1111
    """,
    re.VERBOSE | re.IGNORECASE,
)
TOO_WIDE = """() => {
  const wide = document.documentElement.scrollWidth > innerWidth ? ["the page"] : [];
  const words = "h1, h2, h3, p, dt, dd, button, .btn, label, summary, nav a, .status, .label";
  for (const element of document.querySelectorAll(words)) {
    const { left, right, width } = element.getBoundingClientRect();
    if (!element.checkVisibility() || width <= 1 || element.closest(".vh, .pick")) continue;
    const isCut = element.clientWidth && element.scrollWidth > element.clientWidth + 1;
    const box = element.closest(".rows > li, .panel, .ticket")?.getBoundingClientRect();
    const isOut = right > innerWidth + 1 || left < -1 || (box && right > box.right + 1);
    if (isOut || isCut) wide.push(element.textContent.trim());
  }
  return wide;
}"""
"""Whose words are cut off, or reach over the edge of the window or of what holds them."""
SETTLED = """async () => {
  do {
    await document.fonts.ready;
    await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
  } while (document.querySelector(".htmx-request"));
}"""
"""Waits for fonts, for a frame that was painted, and for every fragment."""


@pytest.fixture
def wallet() -> Wallet:
    return create_wallet(cents=231)


def report_card() -> ReportCard:
    """That of somebody else's LoRA, with one image, one that failed, and a suggestion."""
    lora = create_training(status=Status.COMPLETED, recommended_strength=1.0)
    card = ReportCard.objects.create(
        training=lora,
        status="completed",
        prompts=["a moon jar"],
        strengths=[0.8, 1.0, 1.2],
    )
    for scale, status in ((0.8, "failed"), (1.0, "completed")):
        create_generation(training=lora, status=status, images=1, scale=scale, report_card=card)
    return card


@pytest.fixture
def addresses(wallet: Wallet, settings: Any) -> dict[str, str]:
    """Every page that people see, by name, with something on it."""
    settings.MAIL_HOST, settings.RETOUCHER = "mail.example", "fal"
    with translation.override("ru"):
        lora = create_training(wallet=wallet, status=Status.COMPLETED)
        batch = create_generation(training=lora)
        image = batch.images.get(number=1)
        drawn = report_card()
        draft = create_dataset(wallet=wallet)
        draft.pictures.filter(position=0).update(caption="Ваза", caption_is_automatic=True)
        person = wallet.people.create(name="Анна")
        shoot = create_dataset(wallet=wallet, kind="shoot", person=person, costume="Плащ")
        create_picture(dataset=shoot, position=9, problem="", brightness=1.0)
        trainings = {
            status: create_training(wallet=wallet, status=status)
            for status in (
                *(Status.AWAITING_PAYMENT, Status.ARCHIVING, Status.SUBMITTING, Status.TRAINING),
                *(Status.MIRRORING, Status.FAILED, Status.CANCELLED),
            )
        }
        quote = create_quote(wallet=wallet, purpose="Обучение Glaze tests")
        mailbox = create_mailbox(wallet, confirmed=False)
        create_webhook(wallet).hear(gettext("It answered HTTP {status}.").format(status=500))
        create_browser(wallet)
    return {
        "front": "/",
        "wall": "/loras",
        "nothing found": "/loras?q=nothing",
        "lora": f"/loras/{lora.pk}",
        "report card": f"/loras/{drawn.training_id}",
        "edit": f"/loras/{lora.pk}/edit",
        "delete": f"/loras/{lora.pk}/delete",
        "images": f"/loras/{lora.pk}/images",
        "image": f"/images/{image.pk}",
        "delete image": f"/images/{image.pk}/delete",
        "generate": f"/loras/{lora.pk}/generate",
        "generate with two": f"/loras/{lora.pk}/generate?added={drawn.training_id}",
        "add": f"/loras/{lora.pk}/additions",
        "generation": f"/generations/{batch.pk}",
        "history": "/generations",
        "generate page": "/generate",
        "trainings": "/trainings",
        **{status: f"/trainings/{training.pk}" for status, training in trainings.items()},
        "cancel": f"/trainings/{trainings[Status.TRAINING].pk}/cancel",
        "draft": f"/datasets/{draft.pk}",
        "shoot": f"/datasets/{shoot.pk}",
        "frozen": f"/datasets/{lora.dataset_id}",
        "shoots": "/shoots",
        "preview": "/draft/preview",
        "rules": "/rules",
        "wallet": "/wallet",
        "balance": "/wallet/balance",
        "keys": "/wallet/keys",
        "notices": "/wallet/notices",
        "confirm": f"/wallet/notices/confirm/{mailbox.confirm_token}",
        "unsubscribe": f"/wallet/notices/unsubscribe/{mailbox.unsubscribe_token}",
        "connect": "/connect",
        "quote": f"/quotes/{quote.pk}",
        "licence": "/licence",
    }


@pytest.fixture
def reader(
    new_context: Callable[..., BrowserContext], live_server: Any
) -> Callable[[Wallet], Page]:
    """`reader(wallet)`: the browser of somebody who is signed in and has chosen Russian."""

    def reader(wallet: Wallet) -> Page:
        context = new_context(reduced_motion="reduce")
        context.add_cookies([{"name": "language", "value": "ru", "url": live_server.url}])
        client = Client()
        client.force_login(wallet)
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()

        def picture(route: Route) -> None:
            route.fulfill(body=STRIP.read_bytes(), content_type="image/avif")

        page.route(PICTURES, picture)
        return page

    return reader


def test_every_page_speaks_russian_and_fits(reader, wallet, addresses):
    page = reader(wallet)
    wrong = []
    for name, address in addresses.items():
        page.goto(address)
        page.evaluate(SETTLED)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if folder := os.environ.get("SHOTS"):
                page.screenshot(
                    path=f"{folder}/{name.replace(' ', '-')}-{width}.png", full_page=True
                )
            cut = page.evaluate(TOO_WIDE)
            wrong += [f"{name} at {width} pixels has no room for {words!r}" for words in cut]
        wrong += [
            f"{name} says {words!r}"
            for words in page.evaluate(SAID)
            if re.search(r"[A-Za-z]{2,}", NAMES.sub("", words))
        ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_whoever_is_nobody_has_room_for_everything_too(open_page, live_server, language):
    page = open_page("/rules")
    page.context.add_cookies([{"name": "language", "value": language, "url": live_server.url}])
    page.goto("/licence")
    expect(page.locator("html")).to_have_attribute("lang", language)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(TOO_WIDE) == []


def test_a_visitor_chooses_the_language_and_stays_on_the_page(open_page):
    page = open_page("/rules")
    page.get_by_role("button", name="Русский").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Каким должен быть хороший набор")
    assert page.url.endswith("/rules")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What makes a good set")


def test_scripts_speak_russian_too(reader, wallet, addresses):
    page = reader(wallet)
    page.context.grant_permissions(["clipboard-write"])
    page.goto(addresses["lora"])
    page.locator("[data-copy]:visible").first.click()
    expect(page.locator("#say")).to_have_text("Скопировано")


def test_cyrillic_letters_have_their_own_fonts(open_page):
    page = open_page("/rules")
    fonts = "() => performance.getEntriesByType('resource').map((entry) => entry.name)"
    assert not [name for name in page.evaluate(fonts) if "cyrillic" in name or "words." in name]
    page.get_by_role("button", name="Русский").click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.evaluate(SETTLED)
    loaded = "\n".join(page.evaluate(fonts))
    assert "sheet-text-cyrillic" in loaded
    assert "sheet-display-cyrillic" in loaded
