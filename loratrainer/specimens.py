"""What the style page shows: every part in every state, with pictures that were drawn for it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.templatetags.static import static

from loratrainer.specimen_form import SpecimenForm

POTTER = "0xca978112ca1bbdcafac231b39a23dc4da786eff8"
VISITOR = "0x2744ccd10c7533bd736ad890f9dd5cab2adb27b0"
SUFFIX = "in the style of KILNGLZ"
PROMPT = "a tall bottle vase beside one river stone, north light, seamless grey paper"


def specimens() -> dict[str, Any]:
    """The context of `style.html`."""
    form = SpecimenForm(
        {
            "channel": "https://www.are.na/kiln-room/glaze-tests",
            "trigger": "KILNGLZ",
            "kind": "product",
            "steps": 1000,
            "prompt": PROMPT,
            "link": "glaze tests",
            "word": "",
        }
    )
    for field in ("link", "word", "channel", "trigger", "prompt"):
        form.fields[field].widget.attrs["autocomplete"] = "off"
    pictures = [
        {"id": number, "src": _picture(f"set-{number:02}"), "picked": number not in {4, 7, 10}}
        for number in range(12)
    ]
    return {
        "form": form,
        "rows": _rows(),
        "pinned": _pinned(),
        "pictures": pictures,
        "linked": [{**picture, "url": picture["src"]} for picture in pictures],
        "captions": _captions(),
        "strips": _strips(),
        "tickets": _tickets(),
        "trail": _trail(),
        "facts": [("Steps", "1,000"), ("Images", 24), ("Trained", "14 Nov 2026")],
        "batch": _batch(),
        "dialogs": _dialogs(),
        "potter": POTTER,
        "visitor": VISITOR,
    }


def _picture(name: str) -> str:
    return static(f"img/style/{name}.avif")


def _strip(name: str, word: str, images: int, **more: Any) -> dict[str, Any]:
    words = "development" if "percent" in more else ""
    return {
        "src": _picture(f"strip-{name}"),
        "alt": f"Four of the {images} training images for {word}{', in ' + words if words else ''}",
        "tail": f"+{images - 4}",
        "eager": True,
        **more,
    }


def _strips() -> list[dict[str, Any]]:
    return [
        _strip("glaze", "KILNGLZ", 24),
        _strip("neon", "GLASSRAIN", 26, percent=0, tail="0%"),
        _strip("neon", "GLASSRAIN", 26, percent=62, tail="62%"),
        _strip("neon", "GLASSRAIN", 26, percent=100, tail="100%"),
        _strip("dunes", "SALTFLAT", 18, failed=True),
    ]


def _row(name: str, word: str, images: int, **more: Any) -> dict[str, Any]:
    return {
        "url": "#row",
        "name": word,
        "strip": _strip(name, word, images),
        "images": images,
        "wallet": POTTER,
        "wallet_url": f"https://basescan.org/address/{POTTER}",
        "generate_url": "#generate",
        "weights_url": "https://lora.example/loras/9f3c/weights",
        "download_url": "#download",
        "size": 89_915_392,
        **more,
    }


def _rows() -> list[dict[str, Any]]:
    return [
        _row(
            *("glaze", "KILNGLZ", 24),
            about="Product · 48 generated",
            hue=12,
            steps=1000,
            at=date(2026, 11, 14),
        ),
        _row(
            *("riso", "RISOBTNC", 18),
            about="Style · 36 generated",
            hue=2,
            steps=1200,
            wallet=VISITOR,
            at=date(2026, 11, 13),
        ),
        _row(
            *("marble", "ebru_marbl", 14),
            about="Style",
            hue=23,
            steps=1000,
            weights_url="",
            at=date(2026, 11, 5),
        ),
    ]


def _pinned() -> list[dict[str, Any]]:
    developing: dict[str, Any] = {
        "act_url": "#act",
        "about": "Style · only you see this until it is ready",
    }
    return [
        _row(
            *("neon", "GLASSRAIN", 26),
            **developing,
            strip=_strip("neon", "GLASSRAIN", 26, percent=62, tail="62%"),
            state="training",
            status="Training, 62%",
            percent=62,
            text="Step 620 of 1,000. About 4 minutes left.",
            act="View progress",
        ),
        _row(
            *("paper", "SCISSORS", 12),
            **developing,
            strip=_strip("paper", "SCISSORS", 12, percent=0, tail="0%"),
            state="waiting",
            status="Waiting for payment",
            text="Transaction sent. Base usually confirms in a few seconds.",
            act="View on Basescan",
        ),
        _row(
            *("dunes", "SALTFLAT", 18),
            **developing,
            strip=_strip("dunes", "SALTFLAT", 18, failed=True),
            state="failed",
            status="Training failed",
            text="2 images could not be read. Your $4 covers another try.",
            act="Try again",
        ),
    ]


def _captions() -> list[dict[str, Any]]:
    words = [
        "a teal shouldered vase with a raw stoneware foot, one river stone",
        "a round red jar with a narrow neck in soft window light, the glaze breaking over iron "
        "speckle at the shoulder, a small pale stone at its left",
        "",
    ]
    return [
        {"name": f"caption-{number}", "value": value, "src": _picture(f"set-{number:02}")}
        for number, value in enumerate(words)
    ]


def _trail() -> list[dict[str, str]]:
    return [
        {"state": "ok", "text": "Paid 0.00118 ETH", "note": "14:02:10"},
        {"state": "ok", "text": "26 images packed", "note": "14:02:31"},
        {"state": "now", "text": "Training", "note": "620 / 1,000"},
        {"state": "failed", "text": "Save weights", "note": "14:12:40"},
        {"state": "", "text": "Publish to the gallery"},
    ]


def _tickets() -> list[dict[str, Any]]:
    paying = {
        "name": "KILNGLZ",
        "lines": [("Images", 18), ("Steps", "1,000"), ("Type", "Product")],
        "total": "$4",
        "total_note": "0.00118 ETH on Base",
        "strip": _strip("glaze", "KILNGLZ", 18),
        "trail": [
            {"state": "ok", "text": "Wallet connected", "note": "0x2744…27b0"},
            {"state": "ok", "text": "Signed in"},
            {"state": "now", "text": "Pay"},
            {"state": "", "text": "Train"},
        ],
        "label": "Pay $4 and train",
        "fine": "Your wallet asks you to confirm 0.00118 ETH plus a network fee under 1 cent. "
        "Price held for 9:41. If training fails, the payment covers another try.",
    }
    return [
        paying,
        {
            **paying,
            "name": "GLASSRAIN",
            "strip": _strip("neon", "GLASSRAIN", 18),
            "label": "Check your wallet…",
            "busy": True,
            "fine": "Your wallet already has a request open.",
        },
    ]


def _batch() -> dict[str, Any]:
    return {
        "prompt": PROMPT,
        "suffix": SUFFIX,
        "images": _images(),
        "wallet": VISITOR,
        "wallet_url": f"https://basescan.org/address/{VISITOR}",
        "when": "12 minutes ago",
        "reuse_url": "#generate",
    }


def _images() -> list[dict[str, str]]:
    return [
        {
            "src": _picture(f"gen-{number}"),
            "url": _picture(f"gen-{number}"),
            "alt": f"Generated: {PROMPT}",
        }
        for number in (107, 108, 111, 119)
    ]


def _dialogs() -> list[dict[str, Any]]:
    """The generate dialog in each of its states."""

    def dialog(state: str, left: int, **more: Any) -> dict[str, Any]:
        return {
            "id": state,
            "name": "KILNGLZ",
            "url": "#generate",
            "lora_url": "#generate",
            "state": state,
            "prompt": "" if state in {"idle", "anonymous"} else PROMPT,
            "placeholder": "a moon jar on a window sill, evening light…",
            "hints": [(SUFFIX, "is added for you.")],
            "allowance": {"left": left, "total": 8, "used": [spent >= left for spent in range(8)]},
            "button": "Generate 4 images",
            "recipe": {"images": "4 images", "size": "1024 × 1024", "steps": 28, "scale": 1.5},  # noqa: RUF001
            **more,
        }

    reference = [_picture(f"set-{number:02}") for number in (0, 1, 4, 3)]
    busy = "Generating 4 images. Usually 5 to 15 seconds; you can close this meanwhile."
    return [
        dialog("idle", 6, reference=reference),
        dialog("busy", 5, waiting=range(4), say=busy),
        dialog("done", 5, images=_images()),
        dialog(
            *("error", 6),
            reference=reference,
            title="The images did not arrive",
            text="The generator timed out. Your prompt is still here and this try was not counted.",
        ),
        dialog(
            *("limit", 0),
            reference=reference,
            is_limited=True,
            calm=True,
            title="That was the last of your 8 generations today",
            text="The next one comes free at 14:05 UTC, in 3 h 12 min.",
        ),
        dialog("anonymous", 8, reference=reference),
    ]
