from __future__ import annotations

import pytest

from wallets.models import Wallet

ADMIN = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
LOOKALIKE = "0x5aae0000000000000000000000000000000beaed"


def test_an_address_is_shown_by_its_ends():
    assert Wallet(address=ADMIN).short_address == "0x5aAe…eAed"


@pytest.mark.parametrize("spelling", [ADMIN, ADMIN.lower(), f" {ADMIN.upper()} "])
def test_w26_an_admin_is_known_by_twenty_bytes_however_the_setting_is_written(settings, spelling):
    settings.ADMIN_WALLETS = [spelling]
    wallet = Wallet(address=ADMIN)
    assert (wallet.is_admin, wallet.is_exempt, wallet.is_staff) == (True, True, True)
    assert wallet.has_perm("trainings.change_training")
    assert wallet.has_module_perms("trainings")


def test_w26_a_wallet_with_the_same_ends_is_somebody_else(settings):
    settings.ADMIN_WALLETS = settings.QA_WALLETS = [ADMIN]
    wallet = Wallet(address=LOOKALIKE)
    assert wallet.short_address.lower() == Wallet(address=ADMIN).short_address.lower()
    assert (wallet.is_admin, wallet.is_qa, wallet.is_exempt) == (False, False, False)
    assert not wallet.has_perm("trainings.change_training")


def test_a_qa_wallet_is_exempt_and_no_admin(settings):
    settings.QA_WALLETS = [ADMIN]
    wallet = Wallet(address=ADMIN)
    assert (wallet.is_qa, wallet.is_exempt, wallet.is_admin) == (True, True, False)


@pytest.mark.parametrize(
    ("chain_id", "explorer"),
    [(8453, "https://basescan.org"), (84532, "https://sepolia.basescan.org")],
)
def test_the_explorer_is_that_of_the_chain(settings, chain_id, explorer):
    settings.CHAIN_ID = chain_id
    assert Wallet(address=ADMIN).explorer_url == f"{explorer}/address/{ADMIN}"
