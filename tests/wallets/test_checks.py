from __future__ import annotations

import pytest
from django.core.checks import run_checks

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.mark.parametrize("name", ["ADMIN_WALLETS", "QA_WALLETS", "ALLOWED_WALLETS"])
def test_a_typing_error_in_a_list_of_wallets_is_found_before_the_start(settings, name):
    setattr(settings, name, [ADDRESS, ADDRESS.lower()])
    assert run_checks() == []
    setattr(settings, name, [ADDRESS.replace("eAed", "eaed")])
    (error,) = run_checks()
    assert error.id == "wallets.E002"
    assert name in error.msg
    assert "capitals" in error.msg
