"""Who gets in where (Z01, Z11): every address that takes an id, for everybody, in every state.

The addresses come from the URL configuration itself. One that is not in `ADDRESSES` fails the test:
whoever adds an address says here who may open it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from gallery.schemas_civitai import number_of
from generations.models import Generation
from payments.models import Quote
from tests.factories import create_generation, create_training, create_wallet
from tests.gallery.exhibits import hang, keep_images
from tests.payments.factories import create_quote
from trainings.models import Training
from wallets.destinations import Destination
from wallets.keys import ApiKey
from wallets.models import Wallet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

NOBODY: set[str] = set()
OWNER = {"owner"}
ALL = {"owner", "maker", "stranger", "nobody", "admin"}
SIGNED_IN = ALL - {"nobody"}
"""The owner of the LoRA, the maker of its images, and others."""

STATES: dict[str, dict[str, Any]] = {
    "public": {},
    "hidden by its maker": {},
    "hidden by the owner": {},
    "hidden by an admin": {},
    "image deleted": {},
    "private": {"is_private": True},
    "hidden": {"hidden_at": Now()},
    "deleted": {"deleted_at": Now()},
    "unfinished": {"status": "training", "due_at": Now()},
}

IMAGE_STATES = [state for state in STATES if " by " in state or state.startswith("image")]

type Audience = dict[str, set[str]]


def audience(public: set[str], private: set[str], hidden: set[str], **others: set[str]) -> Audience:
    """Who gets in, by the state of the LoRA; nobody where nothing is said."""
    said = {"public": public, "private": private, "hidden": hidden}
    return said | dict.fromkeys(IMAGE_STATES, public) | others


def for_image(
    public: set[str], private: set[str], hidden: set[str], taken: dict[str, set[str]]
) -> Audience:
    """Who gets in where an image is named; `taken` by who has hidden it, nobody if it is gone."""
    states = {state: taken.get(state, NOBODY) for state in IMAGE_STATES}
    return audience(public, private, hidden) | states


LORA = audience(ALL, OWNER, {"owner", "admin"})
LORA_SIGNED_IN = audience(SIGNED_IN, OWNER, {"owner", "admin"})
PUBLIC_LORA = audience(ALL, NOBODY, NOBODY)
OWN_LORA = audience(OWNER, OWNER, OWNER)
CURATED_LORA = audience({"owner", "admin"}, OWNER, {"owner", "admin"})
OWN_TRAINING = audience(OWNER, OWNER, OWNER, unfinished=OWNER)
LORA_OR_OWN_TRAINING = audience(ALL, OWNER, {"owner", "admin"}, unfinished=OWNER)
CONCERNED = {"owner", "maker", "admin"}
STILL_SEEN = {state: CONCERNED for state in IMAGE_STATES if " by " in state}
IMAGE = for_image(ALL, OWNER, {"owner", "admin"}, STILL_SEEN)
IMAGE_SIGNED_IN = for_image(SIGNED_IN, OWNER, {"owner", "admin"}, STILL_SEEN)
CURATED_IMAGE = for_image(CONCERNED, OWNER, {"owner", "admin"}, STILL_SEEN)
SHOWN_AGAIN = for_image(
    CONCERNED,
    OWNER,
    {"owner", "admin"},
    {
        "hidden by its maker": {"maker", "admin"},
        "hidden by the owner": {"owner", "admin"},
        "hidden by an admin": {"admin"},
    },
)
"""Each undoes their own hiding; an admin undoes everybody's."""
OWN_BATCH = for_image(ALL, OWNER, {"owner", "admin"}, STILL_SEEN | {"image deleted": {"maker"}})
"""Whoever asked for it still reads what became of it."""
OWN_IMAGE = for_image({"maker"}, NOBODY, NOBODY, {state: {"maker"} for state in STILL_SEEN})
OWN_THINGS = audience(OWNER, OWNER, OWNER, deleted=OWNER, unfinished=OWNER)
"""Pictures, quotes, keys and destinations stay their owner's, whatever becomes of the LoRA."""
NOT_BY_ID = audience(NOBODY, NOBODY, NOBODY)
"""Opened by a secret that nobody here has."""


@dataclass
class World:
    """A LoRA in some state, and what belongs to it."""

    lora: Training
    batch: Generation
    quote: Quote
    key: ApiKey
    webhook: Destination
    clients: dict[str, Client]

    @property
    def picture(self) -> Any:
        return self.lora.dataset.pictures.all()[0]

    @property
    def image(self) -> Any:
        return self.batch.images.all()[0]


@dataclass
class Address:
    audience: Audience
    args: Callable[[World], list[Any]] = lambda world: [world.lora.pk]
    method: str = "get"
    options: dict[str, Any] = field(default_factory=dict)


def dataset(world: World) -> list[Any]:
    return [world.lora.dataset_id]


def picture(world: World) -> list[Any]:
    return [world.picture.pk]


def batch(world: World) -> list[Any]:
    return [world.batch.pk]


def image(world: World) -> list[Any]:
    return [world.image.pk]


def webhook(world: World) -> list[Any]:
    return [world.webhook.pk]


def token(*rest: str) -> Callable[[World], list[Any]]:
    return lambda world: ["no-such-token", *rest]


def wish(**more: Any) -> dict[str, Any]:
    return {"data": {"prompt": "a jar"}, "content_type": "application/json"} | more


ADDRESSES: dict[str, Address] = {
    "gallery:lora": Address(LORA),
    "gallery:visitor": Address(LORA),
    "gallery:report": Address(LORA),
    "gallery:strip": Address(LORA),
    "gallery:picture": Address(LORA, lambda world: [world.lora.pk, world.picture.pk, 160]),
    "gallery:card": Address(PUBLIC_LORA),
    "gallery:edit": Address(OWN_LORA),
    "gallery:make_private": Address(OWN_LORA, method="post"),
    "gallery:make_public": Address(OWN_LORA, method="post"),
    "gallery:hide": Address(CURATED_LORA, method="post"),
    "gallery:show": Address(CURATED_LORA, method="post"),
    "gallery:remove": Address(OWN_LORA, method="post"),
    "gallery:images": Address(CURATED_LORA),
    "gallery:image": Address(IMAGE, image),
    "gallery:image_visitor": Address(IMAGE, image),
    "gallery:hide_image": Address(CURATED_IMAGE, image, "post"),
    "gallery:show_image": Address(SHOWN_AGAIN, image, "post"),
    "gallery:remove_image": Address(OWN_IMAGE, image),
    "trainings:weights": Address(LORA),
    "trainings:weights_file": Address(LORA, lambda world: [world.lora.pk, "KILNGLZ"]),
    "trainings:config": Address(LORA),
    "trainings:training": Address(OWN_TRAINING),
    "trainings:cancel": Address(OWN_TRAINING, method="post"),
    "trainings:retry": Address(OWN_TRAINING, method="post"),
    "trainings:again": Address(OWN_TRAINING, method="post"),
    "trainings:go_on": Address(NOT_BY_ID, token()),
    "trainings:fal_webhook": Address(NOT_BY_ID, token(), "post"),
    "trainings:replicate_webhook": Address(NOT_BY_ID, token(), "post"),
    "generations:generate": Address(LORA),
    "generations:additions": Address(LORA),
    "generations:generation": Address(OWN_BATCH, batch),
    "generations:zip": Address(IMAGE, batch),
    "generations:image": Address(IMAGE, lambda world: [world.image.pk, 320]),
    "generations:favourite": Address(IMAGE_SIGNED_IN, image, "post"),
    "generations:weights": Address(NOT_BY_ID, token("KILNGLZ.safetensors")),
    "generations:fal_webhook": Address(NOT_BY_ID, token(), "post"),
    "generations:replicate_webhook": Address(NOT_BY_ID, token(), "post"),
    "api:lora": Address(LORA_OR_OWN_TRAINING),
    "api:delete_lora": Address(OWN_TRAINING, method="delete"),
    "api:retry_lora": Address(OWN_TRAINING, method="post"),
    "api:generations": Address(LORA_OR_OWN_TRAINING),
    "api:create_generation": Address(
        LORA_SIGNED_IN, method="post", options=wish(headers={"Idempotency-Key": str(uuid4())})
    ),
    "api:generation": Address(OWN_BATCH, batch),
    "api:model": Address(PUBLIC_LORA, lambda world: [number_of(world.lora.pk)]),
    "api:model_version": Address(PUBLIC_LORA, lambda world: [number_of(world.lora.pk)]),
    "api:model_version_by_hash": Address(PUBLIC_LORA, lambda world: [world.lora.weights_sha256]),
    "datasets:dataset": Address(OWN_THINGS, dataset),
    "datasets:channel": Address(OWN_THINGS, dataset, "post"),
    "datasets:upload": Address(OWN_THINGS, dataset, "post"),
    "datasets:choose": Address(OWN_THINGS, dataset, "post"),
    "datasets:captions": Address(OWN_THINGS, dataset, "post"),
    "datasets:describe": Address(OWN_THINGS, dataset, "post"),
    "datasets:replace": Address(OWN_THINGS, dataset, "post"),
    "datasets:progress": Address(OWN_THINGS, dataset),
    "datasets:copy": Address(OWN_THINGS, dataset, "post"),
    "datasets:remove": Address(OWN_THINGS, dataset, "post"),
    "datasets:archive": Address(OWN_THINGS, dataset),
    "datasets:strip": Address(OWN_THINGS, dataset),
    "datasets:caption": Address(OWN_THINGS, picture, "post"),
    "datasets:rotate": Address(OWN_THINGS, picture, "post"),
    "datasets:crop": Address(OWN_THINGS, picture, "post"),
    "datasets:whole": Address(OWN_THINGS, picture),
    "datasets:remove_background": Address(OWN_THINGS, picture, "post"),
    "datasets:put_background_back": Address(OWN_THINGS, picture, "post"),
    "datasets:earlier": Address(OWN_THINGS, picture, "post"),
    "datasets:later": Address(OWN_THINGS, picture, "post"),
    "datasets:remove_picture": Address(OWN_THINGS, picture, "post"),
    "datasets:picture": Address(OWN_THINGS, lambda world: [world.picture.pk, 160]),
    "datasets:file": Address(NOT_BY_ID, token("KILNGLZ.safetensors")),
    "payments:quote": Address(OWN_THINGS, lambda world: [world.quote.pk]),
    "payments:sent": Address(OWN_THINGS, lambda world: [world.quote.pk], "post"),
    "wallets:revoke_key": Address(OWN_THINGS, lambda world: [world.key.pk], "post"),
    "wallets:destination": Address(OWN_THINGS, webhook),
    "wallets:test_destination": Address(OWN_THINGS, webhook, "post"),
    "wallets:enable_destination": Address(OWN_THINGS, webhook, "post"),
    "wallets:remove_destination": Address(OWN_THINGS, webhook, "post"),
    "wallets:confirm": Address(NOT_BY_ID, token()),
    "wallets:unsubscribe": Address(NOT_BY_ID, token()),
}
NO_IDS = {"gallery:sitemap_of_day"}
"""What takes something else than an id."""


def patterns(resolver: Any = None, route: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    """Every address of the site, as a route and a name with its namespace."""
    for entry in (resolver or get_resolver()).url_patterns:
        path = route + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield path, f"{name}{entry.name}"
        else:
            inner = f"{entry.namespace}:" if entry.namespace else ""
            yield from patterns(entry, path, name + inner)


def takes_something(route: str) -> bool:
    return "<" in route


def test_every_address_that_takes_an_id_is_in_the_matrix():
    found = {name for route, name in patterns() if takes_something(route)}
    named = {name for name in found if not name.startswith("admin:")}
    assert named - ADDRESSES.keys() - NO_IDS == set(), "say in ADDRESSES who gets in there"
    assert ADDRESSES.keys() | NO_IDS <= found, "the matrix has addresses that are gone"


def signed_in(wallet: Wallet) -> Client:
    client = Client()
    client.force_login(wallet)
    return client


@pytest.fixture
def world(request: pytest.FixtureRequest, settings: Any) -> World:
    state: str = request.param
    owner, maker, admin = create_wallet(), create_wallet(), create_wallet()
    settings.ADMIN_WALLETS = [admin.address]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"  # Asks nobody.
    lora = hang(wallet=owner, trigger_word="SECRETWORD", name="Secret name")
    generation = create_generation(
        training=lora, wallet=maker, prompt="secret prompt", full_prompt="SECRETWORD, secret prompt"
    )
    keep_images(generation)
    hiders = {
        "hidden by its maker": maker,
        "hidden by the owner": owner,
        "hidden by an admin": admin,
    }
    for shown in generation.images.all():
        if state in hiders:
            shown.hide(by=hiders[state])
        elif state == "image deleted":
            shown.remove()
    Training.objects.filter(pk=lora.pk).update(**STATES[state])
    lora.refresh_from_db()
    wallets = {"owner": owner, "maker": maker, "stranger": create_wallet(), "admin": admin}
    clients = {name: signed_in(wallet) for name, wallet in wallets.items()}
    return World(
        lora=lora,
        batch=generation,
        quote=create_quote(wallet=owner),
        key=ApiKey.issue(owner, "tests")[0],
        webhook=Destination.add_webhook(owner, "https://hooks.example.com/lora"),
        clients=clients | {"nobody": Client()},
    )


def gets_in(response: Any) -> bool:
    """Neither turned away nor sent to the wallets; what is wrong with the request is no matter."""
    assert response.status_code != 405, f"{response.request['PATH_INFO']}: another method, please"
    to = response.headers.get("Location", "")
    if to.startswith(("/connect", "/admin")):
        return False
    for _piece in response.streaming_content if response.streaming else ():
        pass  # Reading to the end closes the file.
    return response.status_code not in {401, 403, 404}


@pytest.mark.parametrize(("world", "state"), [(name, name) for name in STATES], indirect=["world"])
def test_exactly_those_get_in_who_may(world, state):
    wrong = []
    for name, address in ADDRESSES.items():
        if state in IMAGE_STATES and address.audience[state] is address.audience["public"]:
            continue  # To these the LoRA is what it was.
        url = reverse(name if name != "api:delete_lora" else "api:lora", args=address.args(world))
        for visitor, client in world.clients.items():
            with transaction.atomic():
                response = getattr(client, address.method)(url, **address.options)
                transaction.set_rollback(True)  # The next one finds everything as it was.
            expected = visitor in address.audience.get(state, NOBODY)
            if gets_in(response) != expected:
                should = "should get in" if expected else "should not get in"
                wrong.append(f"{visitor} {should}: {name} said {response.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("world", ["public"], indirect=True)
def test_the_admin_pages_are_for_admins_alone(world):
    routes = [route for route, name in patterns() if name.startswith("admin:")]
    assert len(routes) > 10
    lists = {"/" + route.partition("<")[0].partition("^")[0].partition("(")[0] for route in routes}
    one = reverse("admin:trainings_training_change", args=[world.lora.pk])
    assert gets_in(world.clients["admin"].get(one))
    for url in (*lists, one):
        for visitor in ("owner", "maker", "stranger", "nobody"):
            assert not gets_in(world.clients[visitor].get(url)), (visitor, url)


# --- Lists, feeds, counts -------------------------------------------------------------------------

LISTS = ["/loras", "/loras?q=secret", "/api/loras", "/api/loras?q=secret", "/loras/feed.atom"]
LISTS += ["/generate", "/generate?q=secret", "/api/v1/models", "/api/v1/models?query=secret"]


def lists() -> list[str]:
    """Every address that can be read without an id, and some questions."""
    without = [f"/{route}" for route, _name in patterns() if not takes_something(route)]
    open_to_all = [url for url in without if not url.startswith("/admin")]
    return [*open_to_all, *LISTS]


def says_the_secret(response: Any, world: World) -> bool:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    page = content.decode(errors="replace")
    secrets = [str(world.lora.pk), "SECRETWORD", "Secret name", "secret prompt"]
    return any(secret in page for secret in secrets)


@pytest.mark.parametrize("world", ["public"], indirect=True)
def test_what_is_public_is_on_the_wall_in_the_feed_in_the_api_and_in_the_selector(world):
    for url in LISTS:
        assert says_the_secret(world.clients["nobody"].get(url), world), url


@pytest.mark.parametrize(
    ("world", "who"),
    [
        ("private", {"nobody", "stranger", "maker", "admin"}),
        ("hidden", {"nobody", "stranger", "maker"}),
        ("deleted", {"nobody", "stranger", "maker", "admin", "owner"}),
        ("unfinished", {"nobody", "stranger", "maker", "admin"}),
    ],
    indirect=["world"],
)
def test_what_others_may_not_see_is_in_no_list_no_feed_and_no_count(world, who):
    said = []
    for url in lists():
        for visitor in who:
            response = world.clients[visitor].get(url)
            if says_the_secret(response, world):
                said.append(f"{visitor} reads it at {url}")
    assert not said, "\n".join(said)


def test_whatever_leads_to_a_lora_leads_nowhere_once_it_is_gone():
    """A child names its parent only while that may be seen; so does its owner's own page."""
    owner = create_wallet()
    parent = create_training(wallet=owner, status="completed", trigger_word="SECRETWORD")
    child = create_training(wallet=owner, status="completed", parent=parent)
    client = signed_in(owner)
    pages = [f"/loras/{child.pk}", f"/trainings/{child.pk}"]
    for url in pages:
        assert "SECRETWORD" in client.get(url).content.decode()
    parent.remove()
    for url in pages:
        assert "SECRETWORD" not in client.get(url).content.decode()
