from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from providers import get_provider, get_providers
from providers.fal import FalFluxLora
from providers.replicate_trainers import FastFluxTrainer

PROVIDERS: dict[str, Any] = {
    "fal": {
        "BACKEND": "providers.fal.FalFluxLora",
        "OPTIONS": {"key": "k", "listed_in": timedelta(seconds=5)},
    },
    "fast": {
        "BACKEND": "providers.replicate_trainers.FastFluxTrainer",
        "OPTIONS": {"token": "t"},
    },
}


@override_settings(PROVIDERS=PROVIDERS)
def test_an_alias_is_always_the_same_provider() -> None:
    fal = get_provider("fal")
    assert isinstance(fal, FalFluxLora)
    assert get_provider("fal") is fal
    assert get_providers() == {"fal": fal, "fast": get_provider("fast")}
    assert isinstance(get_provider("fast"), FastFluxTrainer)
    assert fal.listed_in == timedelta(seconds=5)
    assert get_provider("fast").listed_in == FastFluxTrainer.listed_in == timedelta(minutes=2)


@override_settings(PROVIDERS=PROVIDERS)
def test_other_settings_make_other_providers() -> None:
    before = get_provider("fal")
    with override_settings(PROVIDERS={"fal": PROVIDERS["fast"]}):
        assert isinstance(get_provider("fal"), FastFluxTrainer)
        assert [*get_providers()] == ["fal"]
    assert get_provider("fal") is not before


@override_settings(PROVIDERS=PROVIDERS)
def test_an_alias_that_is_gone_is_missed_by_its_name() -> None:
    with pytest.raises(ImproperlyConfigured, match="no entry 'other'"):
        get_provider("other")
