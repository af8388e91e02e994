from __future__ import annotations

import pytest

from payments.checks import (
    payments_are_counted_with_care,
    refund_key_is_elsewhere,
    treasury_is_ours,
)

OURS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def ids(errors) -> list[str]:
    return [error.id for error in errors]


def test_a_local_installation_pays_the_sandboxs_treasury():
    assert ids(treasury_is_ours(None)) == []


@pytest.mark.parametrize(
    ("treasury", "found"),
    [
        ("", ["payments.E001"]),
        ("0x1234", ["payments.E001"]),
        ("vitalik.eth", ["payments.E001"]),
        ("0x" + "0" * 40, ["payments.E001"]),
        (OURS.lower(), ["payments.E002"]),
        ("0x2177C87C0336fC152bA1BE6F17876E4AF4db91C2", ["payments.E003"]),
        (OURS, []),
    ],
)
def test_a_deployment_names_a_treasury_of_its_own(settings, treasury, found):
    settings.CHAIN_RPC_URL = "https://base.example/rpc"
    settings.TREASURY = treasury
    assert ids(treasury_is_ours(None)) == found


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("CONFIRMATIONS", 0, ["payments.E004"]),
        ("PRICE_FEED", "0x1234", ["payments.E005"]),
        ("PRICE_FEED", OURS.lower(), ["payments.E005"]),
        ("PRICE_MIN_USD", 0, ["payments.E006"]),
        ("PRICE_MIN_USD", 10**6, ["payments.E006"]),
        ("CONFIRMATIONS", 1, []),
    ],
)
def test_settings_that_would_count_what_is_no_payment_are_refused(settings, name, value, found):
    setattr(settings, name, value)
    assert ids(payments_are_counted_with_care(None)) == found


def test_a_key_where_the_site_runs_is_pointed_out_and_not_shown(monkeypatch):
    assert refund_key_is_elsewhere(None) == []
    monkeypatch.setenv("REFUND_PRIVATE_KEY", "5e" * 32)
    (warning,) = refund_key_is_elsewhere(None)
    assert warning.id == "payments.W001"
    assert "REFUND_PRIVATE_KEY is set" in str(warning)
    assert "5e5e" not in str(warning)
    monkeypatch.setenv("REFUND_KEY_FILE", "/run/key")
    assert len(refund_key_is_elsewhere(None)) == 2
