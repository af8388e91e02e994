"""The API keeps to its OpenAPI document, whatever it is sent: Schemathesis tries."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import ignored_auth, positive_data_acceptance

from gallery.schemas_civitai import number_of
from loratrainer.wsgi import application
from tests.factories import create_generation, create_training, create_wallet
from tests.gallery.api import key_of

pytestmark = pytest.mark.django_db

NOT_IN_THE_DOCUMENT = {
    # Places to go on from are ours to give out.
    "list_loras": [positive_data_acceptance],
    "list_generations": [positive_data_acceptance],
    "list_models": [positive_data_acceptance],
    # A picture is more than any bytes, and a trigger word more than any text.
    "create_lora": [positive_data_acceptance],
    # A prompt of blanks only is no prompt.
    "create_generation": [positive_data_acceptance],
}
"""What no JSON schema can say: operations may refuse what fits their schema."""
TRIED = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


# The document asks no database, so it can be read while tests are collected.
api = schemathesis.openapi.from_wsgi("/api/openapi.json", application)


@pytest.fixture(autouse=True)
def one_transaction() -> Iterator[None]:
    """The test's transaction spans its requests, as with Django's own client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def ours(media: Path, settings: Any) -> dict[str, Any]:
    """A wallet that pays nothing, its key, and things that it may read."""
    wallet = create_wallet()
    settings.QA_WALLETS = [wallet.address]
    lora = create_training(wallet=wallet, status="completed", pictures=4)
    batch = create_generation(training=lora)
    return {
        "key": key_of(wallet),
        "lora": str(lora.pk),
        "batch": str(batch.pk),
        "number": number_of(lora.pk),
        "digest": lora.weights_sha256,
    }


def point_at(case: Any, ours: dict[str, Any]) -> None:
    """Let the case ask for something that exists, if it asks for anything by a right id."""
    # Werkzeug's client, which Schemathesis sends with, unpacks nothing.
    case.headers["Accept-Encoding"] = "identity"
    for name in ("number", "digest"):
        # Whatever is no number, or no hash, is sent as it is.
        if str(case.path_parameters.get(name, "/")).isalnum():
            case.path_parameters[name] = ours[name]
    pk = case.path_parameters.get("pk")
    try:
        uuid.UUID(str(pk))
    except ValueError:
        return
    case.path_parameters["pk"] = ours["batch" if "generations/{" in case.path else "lora"]


@api.parametrize()
@TRIED
def test_with_a_key_it_does_what_its_document_says(case: Any, ours: dict[str, Any]) -> None:
    point_at(case, ours)
    case.headers["Authorization"] = f"Bearer {ours['key']}"
    excluded = NOT_IN_THE_DOCUMENT.get(case.operation.definition.raw["operationId"], [])
    case.call_and_validate(excluded_checks=[*excluded, ignored_auth])


@api.parametrize()
@TRIED
def test_for_nobody_it_does_what_its_document_says(case: Any, ours: dict[str, Any]) -> None:
    point_at(case, ours)
    case.headers.pop("Authorization", None)
    excluded = NOT_IN_THE_DOCUMENT.get(case.operation.definition.raw["operationId"], [])
    case.call_and_validate(excluded_checks=excluded)
