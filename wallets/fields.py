"""Ethereum addresses: 20 bytes in the database, their EIP-55 spelling in Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from eth_utils.address import to_checksum_address, to_normalized_address

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.expressions import Expression

    StringField = models.Field[str, str]
else:
    StringField = models.Field

ADDRESS_BYTES = 20
_HEX_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")


def parse_address(text: str) -> str:
    """Return the EIP-55 spelling of an address that a person or a wallet gave us.

    Lower case, upper case and the right mixture of both are accepted, with spaces around them. A
    wrong mixture is a typing error by EIP-55 and raises `ValidationError` in words, as do names,
    other lengths and the zero address, which nobody can sign for.
    """
    text = text.strip()
    if not text[:2].lower() == "0x":
        raise ValidationError(
            _("An address starts with 0x and has 40 digits; names such as .eth are not looked up.")
        )
    if not _HEX_ADDRESS.fullmatch(text):
        raise ValidationError(_("An address is 0x and 40 digits from 0 to 9 and a to f."))
    digits = text[2:]
    address: str = to_checksum_address(to_normalized_address("0x" + digits))
    if digits not in {digits.lower(), digits.upper(), address[2:]}:
        raise ValidationError(_("This address has a typing error: its capitals do not match."))
    if not int(digits, 16):
        raise ValidationError(_("The zero address belongs to nobody."))
    return address


def to_bytes(address: str) -> bytes:
    """Return the 20 bytes of an address; raises `ValidationError` when it is none."""
    return bytes.fromhex(parse_address(address)[2:])


class AddressField(StringField):
    """An Ethereum address: any unambiguous spelling goes in, the EIP-55 spelling comes out."""

    description = _("Ethereum address")

    def get_internal_type(self) -> str:
        """Kept like bytes."""
        return "BinaryField"

    def db_check(self, connection: BaseDatabaseWrapper) -> str:
        """Let the database refuse whatever is not 20 bytes long."""
        return f"octet_length({connection.ops.quote_name(str(self.column))}) = {ADDRESS_BYTES}"

    def from_db_value(
        self, value: bytes | None, expression: Expression, connection: BaseDatabaseWrapper
    ) -> str | None:
        """Return the EIP-55 spelling."""
        return None if value is None else to_checksum_address(bytes(value))

    def to_python(self, value: Any) -> str | None:
        """Return the EIP-55 spelling; raises `ValidationError` in words."""
        return None if value is None else parse_address(str(value))

    def get_prep_value(self, value: Any) -> bytes | None:
        """Return the 20 bytes; raises `ValidationError` in words."""
        value = super().get_prep_value(value)
        return None if value is None else to_bytes(str(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 - Django's
        """Leave the EIP-55 spelling on the object, as if it had been read again."""
        value = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def value_to_string(self, obj: models.Model) -> str:
        """Return the EIP-55 spelling, for fixtures."""
        return str(self.value_from_object(obj))
