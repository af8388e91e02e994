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


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("VAPID_PRIVATE_KEY", "c2hvcnQ", "wallets.E003"),
        ("VAPID_PRIVATE_KEY", "no key at all", "wallets.E003"),
        ("VAPID_PRIVATE_KEY", "A" * 43, "wallets.E003"),
        ("MAIL_SECURITY", "ssl", "wallets.E004"),
        ("MAIL_HOST", "mail.example", "wallets.E005"),
    ],
)
def test_notices_that_could_not_be_sent_are_found_before_the_start(settings, name, value, found):
    setattr(settings, name, value)
    (error,) = run_checks()
    assert error.id == found
    assert value not in error.msg


def test_without_a_key_and_a_mail_server_nothing_is_wrong(settings):
    settings.VAPID_PRIVATE_KEY = settings.MAIL_HOST = ""
    assert run_checks() == []
