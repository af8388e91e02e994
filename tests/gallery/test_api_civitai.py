"""/api/v1/…: what tools that are made for Civitai read here."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now

from gallery.schemas_civitai import number_of, pks_of
from tests.factories import create_generation, create_training, create_wallet
from tests.gallery.api import refusal
from trainings.models import Training

pytestmark = pytest.mark.django_db

SHA256 = hashlib.sha256(b"a file").hexdigest()
TENSORS = hashlib.sha256(b"its tensors").hexdigest()


def hang(**fields: Any) -> Training:
    chosen: dict[str, Any] = {"status": "completed", "weights_sha256": SHA256}
    return create_training(**(chosen | {"tensors_sha256": TENSORS} | fields))


def by_hash(client: Any, digest: str) -> Any:
    return client.get(f"/api/v1/model-versions/by-hash/{digest}")


@pytest.mark.parametrize("digest", [SHA256, SHA256[:10], TENSORS[:12]])
@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_g8_a_file_is_found_by_each_of_its_hashes(client, digest, spell):
    lora = hang()
    hang(weights_sha256=hashlib.sha256(b"other").hexdigest(), tensors_sha256="")
    version = by_hash(client, spell(digest)).json()
    assert version["id"] == version["modelId"] == number_of(lora.pk)
    [file] = version["files"]
    assert file["hashes"] == {
        "SHA256": SHA256.upper(),
        "AutoV2": SHA256[:10].upper(),
        "AutoV3": TENSORS[:12].upper(),
    }


@pytest.mark.parametrize(
    "digest", ["0" * 64, SHA256[:9], SHA256[:11], SHA256[:63], "%" * 10, "_" * 12, "é" * 10, "x"]
)
def test_what_no_file_has_is_not_found(client, digest):
    hang()
    assert refusal(by_hash(client, digest))["status"] == 404


def test_of_several_with_the_same_file_the_oldest_is_found(client):
    old = hang()
    hang()
    assert by_hash(client, SHA256[:10]).json()["id"] == number_of(old.pk)


@pytest.mark.parametrize(
    "change",
    [{"is_private": True}, {"hidden_at": Now()}, {"deleted_at": Now()}, {"status": "mirroring"}],
)
def test_only_what_is_public_is_found_even_by_its_owner(as_alice, alice, change):
    lora = hang(wallet=alice)
    changed = change | ({"due_at": Now()} if "status" in change else {})
    Training.objects.filter(pk=lora.pk).update(**changed)
    number = number_of(lora.pk)
    for path in (
        f"models/{number}",
        f"model-versions/{number}",
        f"model-versions/by-hash/{SHA256}",
    ):
        assert as_alice.get(f"/api/v1/{path}").status_code == 404
    assert as_alice.get("/api/v1/models").json()["items"] == []
    assert as_alice.get(f"/api/v1/models?ids={number}").json()["items"] == []


def test_a_model_says_what_tools_read(client, settings):
    lora = hang(description="From <the> kiln", weights_size=2048)
    batch = create_generation(training=lora, full_prompt="KILNGLZ, a jar", images=2)
    hidden = batch.images.get(number=2)
    hidden.hide(by=lora.wallet)
    create_generation(training=lora, status="generating")
    model = client.get(f"/api/v1/models/{number_of(lora.pk)}").json()
    assert (model["type"], model["nsfw"], model["tags"]) == ("LORA", False, ["product"])
    assert model["creator"]["username"] == lora.wallet.address
    assert model["description"] == "<p>From &lt;the&gt; kiln</p>"
    [version] = model["modelVersions"]
    assert (version["baseModel"], version["trainedWords"]) == ("Flux.1 D", ["KILNGLZ"])
    [file] = version["files"]
    assert (file["sizeKB"], file["primary"], file["type"]) == (2.0, True, "Model")
    assert file["metadata"]["format"] == "SafeTensor"
    assert file["name"].endswith(".safetensors")
    assert version["downloadUrl"] == file["downloadUrl"]
    assert file["downloadUrl"].startswith(f"{settings.SITE_URL}/loras/{lora.pk}/KILNGLZ-flux-lora-")
    [image] = version["images"]
    assert image["url"].startswith(f"{settings.SITE_URL}/images/")
    assert image["meta"]["prompt"] == "KILNGLZ, a jar"
    assert client.get(f"/api/v1/model-versions/{version['id']}").json() == version


def test_what_nothing_was_generated_with_shows_its_card(client, settings):
    lora = hang()
    [image] = by_hash(client, SHA256).json()["images"]
    assert image["url"] == f"{settings.SITE_URL}/loras/{lora.pk}/card.jpg"
    assert image["meta"] is None


def test_the_newest_images_of_each_are_read_in_as_many_queries_for_all(
    client, django_assert_num_queries
):
    for _number in range(2):
        lora = hang()
        for _batch in range(4):
            last = create_generation(training=lora)
    with django_assert_num_queries(4):
        page = client.get("/api/v1/models").json()
    for model in page["items"]:
        assert len(model["modelVersions"][0]["images"]) == 12
    [newest] = page["items"][0]["modelVersions"]
    assert newest["images"][0]["id"] == number_of(last.images.get(number=1).pk)


def test_pages_hold_every_lora_once_whatever_arrives_meanwhile(client):
    numbers = {number_of(hang().pk) for _number in range(5)}
    url, seen, pages = "/api/v1/models?limit=2&page=1&nsfw=true", [], []
    while url:
        page = client.get(url).json()
        seen += [model["id"] for model in page["items"]]
        pages.append(page["metadata"]["currentPage"])
        hang()
        url = page["metadata"]["nextPage"]
        assert (url is None) == (page["metadata"]["nextCursor"] is None)
    assert (set(seen), len(seen), pages) == (numbers, 5, [1, 2, 3])


def test_the_wall_is_counted_and_sorted(client):
    loved, plain = hang(), hang()
    create_generation(training=loved)
    by_sort = {
        sort: [model["id"] for model in client.get(f"/api/v1/models?sort={sort}").json()["items"]]
        for sort in ("Newest", "Most Downloaded")
    }
    assert by_sort["Newest"] == [number_of(plain.pk), number_of(loved.pk)]
    assert by_sort["Most Downloaded"] == [number_of(loved.pk), number_of(plain.pk)]
    facts = client.get("/api/v1/models?limit=1").json()["metadata"]
    assert (facts["totalItems"], facts["totalPages"], facts["pageSize"]) == (2, 2, 1)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("types=LORA", True),
        ("types=Checkpoint,LORA", True),
        ("types=Checkpoint&types=LORA", True),
        ("types=Checkpoint", False),
        ("baseModels=Flux.1 D", True),
        ("baseModels=SDXL 1.0", False),
        ("tag=Product", True),
        ("tag=style", False),
        ("tag=anime", False),
        ("query=glaze", True),
        ("query=bowl", False),
        ("username=somebody", False),
        ("ids=x", False),
        ("ids=1,2", False),
        ("period=Week&token=abc&favorites=true", True),
    ],
)
def test_what_is_asked_for_is_found_and_nothing_else(client, query, found):
    hang()
    response = client.get(f"/api/v1/models?{query}")
    assert (response.status_code, len(response.json()["items"])) == (200, int(found))


def test_models_are_found_by_their_owner_and_by_number(client):
    wallet = create_wallet()
    mine, other = hang(wallet=wallet), hang()
    for query in (f"username={wallet.address.lower()}", f"ids={number_of(mine.pk)}"):
        [model] = client.get(f"/api/v1/models?{query}").json()["items"]
        assert model["id"] == number_of(mine.pk)
    both = client.get(f"/api/v1/models?ids={number_of(mine.pk)},{number_of(other.pk)}").json()
    assert len(both["items"]) == 2


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("page=2", "page"),
        ("cursor=abc", "cursor"),
        (f"query={'x' * 101}", "query"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(client, query, parameter):
    problem = refusal(client.get(f"/api/v1/models?{query}"))
    assert (problem["status"], problem["errors"][0]["parameter"]) == (422, parameter)


def test_a_cursor_of_another_order_is_refused(client):
    hang(), hang()
    cursor = client.get("/api/v1/models?limit=1").json()["metadata"]["nextCursor"]
    response = client.get("/api/v1/models", {"cursor": cursor, "sort": "Most Downloaded"})
    assert refusal(response)["status"] == 422


def test_a_key_of_civitai_is_no_hindrance_and_everybody_gets_the_same(as_alice, client):
    hang()
    for path in ("models", f"model-versions/by-hash/{SHA256}"):
        theirs = as_alice.get(f"/api/v1/{path}", headers={"Authorization": "Bearer abcdef"})
        response = client.get(f"/api/v1/{path}")
        assert theirs.content == response.content
        assert "public" in response["Cache-Control"]
        again = client.get(f"/api/v1/{path}", headers={"If-None-Match": response["ETag"]})
        assert again.status_code == 304
        assert client.post(f"/api/v1/{path}").status_code == 405


@pytest.mark.parametrize("number", [0, 2**52, 2**53, 10**30, "9" * 5000])
def test_a_number_that_is_nobodys_is_not_found(client, number):
    assert client.get(f"/api/v1/models/{number}").status_code == 404


def test_a_number_stands_for_the_ids_that_begin_with_it():
    pk = uuid4()
    first, last = pks_of(number_of(pk)) or (pk, UUID(int=0))
    assert first <= pk <= last
    assert number_of(first) == number_of(last) == number_of(pk) < 2**52
    assert pks_of(2**52) is None


@pytest.mark.parametrize(
    ("digest", "index"),
    [
        (SHA256, "lora_by_weights"),
        (SHA256[:10], "lora_by_weights"),
        (TENSORS[:12], "lora_by_tensors"),
    ],
)
def test_hashes_are_looked_up_in_an_index(digest, index):
    template = hang()
    fields = [
        field.name for field in Training._meta.concrete_fields if field.name not in {"id", "words"}
    ]
    columns = ", ".join(f'"{Training._meta.get_field(name).column}"' for name in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO trainings_training (id, {columns}) SELECT gen_random_uuid(), "
            + columns.replace('"weights_sha256"', "encode(sha256(n::text::bytea), 'hex')").replace(
                '"tensors_sha256"', "encode(sha256((-n)::text::bytea), 'hex')"
            )
            + " FROM trainings_training, generate_series(1, 3000) n WHERE id = %s",
            [template.pk],
        )
        cursor.execute("ANALYZE trainings_training")
    plan = Training.objects.public().with_file(digest).explain(format="json")
    assert index in json.dumps(plan)
    assert "Seq Scan" not in json.dumps(plan)
