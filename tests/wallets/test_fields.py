from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection

from wallets.fields import parse_address
from wallets.models import Wallet

CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
"""An example of EIP-55 itself."""


@pytest.mark.parametrize(
    "spelling",
    [
        CHECKSUMMED,
        CHECKSUMMED.lower(),
        "0x" + CHECKSUMMED[2:].upper(),
        CHECKSUMMED.upper(),
        f"  {CHECKSUMMED}\n",
    ],
)
def test_w14_every_unambiguous_spelling_is_the_same_address(spelling):
    assert parse_address(spelling) == CHECKSUMMED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "capitals"),
        (CHECKSUMMED[:-1], "40 digits"),
        (CHECKSUMMED + "0", "40 digits"),
        ("0x5aAeb6053F3E94C9b9A09f3366 435E7Ef1BeAed", "40 digits"),
        ("0x" + "g" * 40, "40 digits"),
        ("0x" + "\N{FULLWIDTH DIGIT ONE}" * 40, "40 digits"),
        (CHECKSUMMED[2:], "starts with 0x"),
        ("vitalik.eth", "not looked up"),
        ("", "starts with 0x"),
        ("0x" + "0" * 40, "belongs to nobody"),
    ],
)
def test_w14_anything_else_is_refused_in_words(text, words):
    with pytest.raises(ValidationError, match=words):
        parse_address(text)


@pytest.mark.django_db
def test_an_address_is_kept_as_twenty_bytes_and_read_checksummed():
    wallet = Wallet.objects.create(address=CHECKSUMMED.lower())
    assert wallet.address == CHECKSUMMED
    wallet.refresh_from_db()
    assert wallet.address == CHECKSUMMED
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM wallets_wallet")
        assert bytes(cursor.fetchone()[0]) == bytes.fromhex(CHECKSUMMED[2:])


@pytest.mark.django_db
def test_w14_there_is_one_wallet_for_all_spellings():
    Wallet.objects.create(address=CHECKSUMMED.lower())
    wallet, created = Wallet.objects.get_or_create(address=CHECKSUMMED.upper())
    assert (wallet.address, created) == (CHECKSUMMED, False)
    assert list(Wallet.objects.filter(address=CHECKSUMMED)) == [wallet]


@pytest.mark.django_db
@pytest.mark.parametrize("length", [19, 21])
def test_the_database_itself_refuses_another_length(length):
    wallet = Wallet.objects.create(address=CHECKSUMMED)
    with pytest.raises(IntegrityError, match="address"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE wallets_wallet SET address = %s WHERE id = %s", [b"a" * length, wallet.pk]
        )
