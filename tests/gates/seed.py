"""Fills an empty database with believable things, and says where their pages are.

`python -m tests.gates.seed` writes JSON: `public` and `own` are paths by what they are, `session`
is the cookie of the person whose own pages they are. Everything is drawn, nothing is fetched.
"""

from __future__ import annotations

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import cycle, islice

import django
from django.conf import settings
from django.core.management import call_command

django.setup()

from django.db.models.functions import Now  # noqa: E402 - models want Django to be set up
from django.test import Client  # noqa: E402

from datasets import decoding, storage  # noqa: E402
from datasets.decoding import Developed, Print  # noqa: E402
from datasets.models import Dataset  # noqa: E402
from generations.mirroring import keep  # noqa: E402
from generations.models import GeneratedImage, Generation  # noqa: E402
from generations.states import Status as BatchStatus  # noqa: E402
from sandbox import art  # noqa: E402
from tests.factories import WEIGHTS, create_generation, create_wallet  # noqa: E402
from tests.payments.factories import create_quote  # noqa: E402
from trainings.models import Training  # noqa: E402
from trainings.own import purpose_of  # noqa: E402
from trainings.states import ENDED, Status  # noqa: E402
from wallets.models import Wallet  # noqa: E402

PICTURES = 6
"""How many are drawn in each style."""
LORAS = [
    ("glaze", "product", "KILNGLZ", "Glaze tests, cone 10"),
    ("neon", "style", "GLASSRAIN", "Rain on the tram window"),
    ("riso", "style", "RISOBTNC", "Botanical risographs"),
    ("cyanotype", "style", "BLUEHERB", "Herbarium in cyanotype"),
    ("glaze", "product", "tenmoku_v2", "Tenmoku bowls"),
    ("neon", "style", "NGHTMRKT", "Night market"),
    ("riso", "character", "mrsFern", "Mrs Fern, a woman made of leaves"),
    ("cyanotype", "style", "PRUSSIAN", "Prussian weeds"),
    ("glaze", "product", "ASHDRIP", "Ash glaze, wood firing"),
    ("neon", "style", "SIGN5", "Shop signs"),
    ("riso", "style", "TWODRUM", "Two drums, pink and green"),
    ("cyanotype", "product", "FERNBLUE", "Ferns for wallpaper"),
    ("glaze", "product", "celadn", "Celadon"),
    ("neon", "character", "halogenKid", "The halogen kid"),
    ("riso", "style", "INKSHIFT", "Out of register"),
    ("cyanotype", "style", "SUNPRINT", "Sun prints of a summer"),
    ("glaze", "product", "SHINO", "Shino, thick and white"),
    ("neon", "style", "WETASPHLT", "Wet asphalt"),
    ("riso", "style", "SEEDPOD", "Seed pods"),
    ("cyanotype", "style", "ALGAE1843", "After Anna Atkins"),
    ("glaze", "product", "OILSPOT", "Oil spot and hare's fur"),
    ("neon", "style", "LASTTRAM", "The last tram"),
]
"""Of the wall, the newest first: style of the pictures, kind, trigger word, name."""
PROMPTS = ["a tall bottle vase beside one river stone, north light", "a moon jar on a window sill"]


def picture(style: str, seed: int, side: int) -> bytes:
    """A drawing as somebody uploads it, 4 to 5."""
    file = io.BytesIO()
    art.draw(style, seed, side, side * 5 // 4).save(file, "JPEG", quality=90)
    return file.getvalue()


def draw_all() -> tuple[dict[str, list[Developed]], list[Print]]:
    """Every picture of every style, and four images of a batch."""

    def develop(style: str, seed: int) -> Developed:
        return decoding.develop(picture(style, seed, 512))

    def print_image(seed: int) -> Print:
        return decoding.print_image(picture("glaze", seed, 768), parameters="", exif=b"", xmp=b"")

    with ThreadPoolExecutor(decoding.DECODERS) as pool:
        images = [pool.submit(print_image, 100 + seed) for seed in range(4)]
        drawn = {
            style: [pool.submit(develop, style, seed) for seed in range(PICTURES)]
            for style in art.STYLES
        }
    developed = {style: [each.result() for each in made] for style, made in drawn.items()}
    return developed, [each.result() for each in images]


def draft(wallet: Wallet, pictures: list[Developed], **fields: object) -> Dataset:
    """A set of these pictures, every second one with a caption, and its strip."""
    dataset = Dataset.objects.create(**{"kind": "draft", "wallet": wallet} | fields)
    for number, each in enumerate(pictures):
        added = dataset.add_upload(each, name=f"IMG_{4100 + number}.jpg")
        if number % 2:
            dataset.write_captions({added.pk: "on grey paper, north light, seen from the side"})
    dataset.develop_strip()
    return dataset


def train(dataset: Dataset, kind: str, trigger_word: str, name: str, **fields: object) -> Training:
    """A training with this set; without more fields it is completed and public."""
    return Training.objects.create(
        **{
            "wallet": dataset.wallet,
            "dataset": dataset,
            "kind": kind,
            "trigger_word": trigger_word,
            "name": name,
            "description": "Shot on seamless paper; works best below a strength of 1.",
            "provider": "fal",
            "service": "fal.ai",
            "model": "fal-ai/flux-lora-fast-training",
            "price_cents": 400,
            "picture_count": dataset.pictures.count(),
            "status": Status.COMPLETED,
            "completed_at": Now(),
            **WEIGHTS,
            **fields,
        }
    )


def hang_the_wall(drawn: dict[str, list[Developed]]) -> Training:
    """The LoRAs of two people; returns the newest."""
    potter, printer = create_wallet(), create_wallet()
    for number, (style, *words) in enumerate(reversed(LORAS)):
        pictures = islice(cycle(drawn[style]), number % PICTURES, None)
        owner = printer if style in {"riso", "cyanotype"} else potter
        dataset = draft(owner, list(islice(pictures, 4 + number % 3)))
        dataset.freeze()
        lora = train(dataset, *words)
    return lora


def generate(lora: Training, wallet: Wallet, prompt: str, images: list[Print]) -> Generation:
    """A batch of a LoRA with these images, of which the safety checker held one more back."""
    words = {"prompt": prompt, "full_prompt": f"{lora.trigger_word}, {prompt}"}
    batch = create_generation(
        training=lora, wallet=wallet, status=BatchStatus.MIRRORING, images_asked=5, **words
    )
    kept = []
    for number, made in enumerate(images, 1):
        kept.append(GeneratedImage(generation=batch, number=number, seed=batch.seed))
        keep(kept[-1], made)
    held_back = GeneratedImage(generation=batch, number=5, seed=batch.seed, is_filtered=True)
    batch.complete([*kept, held_back], note="The safety checker held 1 image back.")
    return batch


def trainings_of(wallet: Wallet, pictures: list[Developed]) -> dict[str, str]:
    """A training in each state; returns their pages."""
    dataset = draft(wallet, pictures)
    dataset.freeze()
    pages = {}
    for status in Status:
        fields: dict[str, object] = {"status": status, "is_private": status == Status.COMPLETED}
        if status != Status.COMPLETED:
            fields |= {"weights": "", "completed_at": None}
        if status not in ENDED:
            fields["due_at"] = Now() + timedelta(hours=1)
        if status == Status.TRAINING:
            fields |= {"percent": 62, "log": "step 620 of 1000", "heard_at": Now()}
        if status == Status.FAILED:
            fields["error"] = "Two of the pictures could not be read by the trainer."
        training = train(dataset, "style", "SEEDPOD", f"Seed pods, {status}", **fields)
        if status == Status.AWAITING_PAYMENT:
            create_quote(wallet=wallet, purpose=purpose_of(training), usd_cents=400)
        pages[f"training, {status}"] = f"/trainings/{training.pk}"
        if status == Status.COMPLETED:
            pages |= {
                "private LoRA": f"/loras/{training.pk}",
                "edit": f"/loras/{training.pk}/edit",
                "delete": f"/loras/{training.pk}/delete",
            }
    return pages


def batches_of(wallet: Wallet, lora: Training, images: list[Print]) -> dict[str, str]:
    """A batch in each state that looks different; returns their pages."""
    pages = {}
    for status in (BatchStatus.GENERATING, BatchStatus.FAILED):
        fields = {"error": "The provider timed out."} if status == BatchStatus.FAILED else {}
        batch = create_generation(training=lora, wallet=wallet, status=status, **fields)
        Generation.objects.filter(pk=batch.pk).exclude(due_at=None).update(
            due_at=Now() + timedelta(hours=1)
        )
        pages[f"batch, {status}"] = f"/generations/{batch.pk}"
    for prompt in PROMPTS:
        pages["batch, completed"] = f"/generations/{generate(lora, wallet, prompt, images).pk}"
    return pages


def main() -> dict[str, object]:
    """Fill the database and return what is said."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    storage.save(WEIGHTS["weights"], b"weights")
    storage.save(WEIGHTS["config"], b"{}")
    drawn, images = draw_all()
    lora = hang_the_wall(drawn)
    ada = create_wallet(cents=4000)
    person = ada.people.create(name="Ada")
    draft(ada, drawn["neon"][:4], kind="shoot", person=person, costume="Raincoat")
    sketch = draft(ada, drawn["glaze"])
    own = trainings_of(ada, drawn["riso"][:6]) | batches_of(ada, lora, images)
    client = Client()
    client.force_login(ada)
    return {
        "public": {
            "train": "/",
            "connect": "/connect",
            "rules": "/rules",
            "wall": "/loras",
            "nothing found": "/loras?q=nothing-has-this-name",
            "wall of a wallet": f"/loras?wallet={lora.wallet.address}",
            "wall of a channel": "/loras?channel=nobody-trained-with-it",
            "LoRA": f"/loras/{lora.pk}",
            "generate": f"/loras/{lora.pk}/generate",
            "generate with a selector": f"/generate?lora={lora.pk}",
            "licence": "/licence",
            "API": "/api/docs",
            "style": "/style",
            "not found": "/nowhere",
            "refused": "/loras?sort=nonsense",
            "broken": "/broken",
        },
        "own": {
            "train": "/",
            "wall": "/loras",
            "generate": f"/loras/{lora.pk}/generate",
            "generate with a selector": f"/generate?lora={lora.pk}",
            "history": "/generations",
            "wallet": "/wallet",
            "trainings": "/trainings",
            "shoots": "/shoots",
            "dataset": f"/datasets/{sketch.pk}",
            **own,
        },
        "session": client.cookies[settings.SESSION_COOKIE_NAME].value,
    }


if __name__ == "__main__":
    json.dump(main(), sys.stdout)
