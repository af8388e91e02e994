"""What a `.safetensors` file says of itself, checked before we call it a LoRA.

Format: 8 bytes little-endian length of the header, the header as JSON, then the tensors' bytes
(https://huggingface.co/docs/safetensors, "Format"). Pickles, HTML pages and cut files fail here.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import IO, Any

from django.utils.translation import gettext as _

from loratrainer.fetching import Refused

MAX_BYTES = 600_000_000
MAX_HEADER_BYTES = 16 * 2**20
CHUNK = 2**20

ITEM_BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
}


class NotALora(Refused):
    """The trainer's file cannot be used as a LoRA; the message says why."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The facts of a verified file."""

    size: int
    """In bytes."""
    sha256: str
    """Over the whole file, in hexadecimal digits."""
    tensors_sha256: str
    """Over the bytes behind the header: AutoV3 and A1111's hash start from it."""
    tensors: int
    metadata: dict[str, str]


def expect_weights(head: bytes) -> None:
    """An `expect` for `fetch`: a possible length, and JSON begins. Raises `NotALora`."""
    length = int.from_bytes(head[:8], "little")
    if len(head) < 10 or not 2 <= length <= MAX_HEADER_BYTES or head[8:9] != b"{":
        raise NotALora(_("The trainer sent a file that is not a LoRA."))


def read_weights(file: IO[bytes]) -> Weights:
    """Verify a whole file from its start, in constant memory beside the header.

    Every tensor must lie where its type and shape say, one behind the other, and the last must end
    where the file ends. Raises `NotALora`.
    """
    file.seek(0)
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= MAX_HEADER_BYTES:
        raise NotALora(_("The trainer sent a file that is not a LoRA."))
    header = file.read(length)
    if len(header) < length:
        raise NotALora(_("The trainer's file is cut off."))
    tensors, metadata = _parse(header)
    whole, behind, size = hashlib.sha256(start + header), hashlib.sha256(), 8 + length
    while chunk := file.read(CHUNK):
        whole.update(chunk)
        behind.update(chunk)
        size += len(chunk)
    _check_offsets(tensors, size - 8 - length)
    return Weights(size, whole.hexdigest(), behind.hexdigest(), len(tensors), metadata)


def _parse(header: bytes) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    try:
        parsed = json.loads(header)
        metadata = parsed.pop("__metadata__", {})
        sound = all(isinstance(tensor, dict) for tensor in parsed.values()) and all(
            isinstance(value, str) for value in metadata.values()
        )
    except (ValueError, AttributeError, TypeError, RecursionError) as exc:
        raise NotALora(_("The trainer's file has a header that cannot be read.")) from exc
    if not sound or not parsed:
        raise NotALora(_("The trainer's file holds no weights."))
    return parsed, metadata


def _check_offsets(tensors: dict[str, dict[str, Any]], available: int) -> None:
    """Every byte behind the header belongs to exactly one tensor, and every tensor is whole."""
    end = 0
    try:
        for tensor in sorted(tensors.values(), key=lambda tensor: tensor["data_offsets"]):
            begin, until = tensor["data_offsets"]
            bits = math.prod(tensor["shape"]) * ITEM_BITS[tensor["dtype"]]
            if begin != end or (until - begin) * 8 != bits or min(tensor["shape"], default=1) < 0:
                raise NotALora(_("The trainer's file contradicts itself."))
            end = until
    except (KeyError, TypeError, ValueError) as exc:
        raise NotALora(_("The trainer's file has a header that cannot be read.")) from exc
    if end != available:
        raise NotALora(_("The trainer's file is cut off or has something behind it."))
