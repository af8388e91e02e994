"""What passes for a LoRA, and what a trainer may send instead (U22)."""

from __future__ import annotations

import hashlib
import io
import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save

from trainings.weights import NotALora, expect_weights, read_weights

TENSORS = {
    "transformer.a.lora_A.weight": np.arange(12, dtype=np.float16).reshape(3, 4),
    "transformer.a.lora_B.weight": np.ones((4, 3), dtype=np.float16),
}


def lora(metadata: dict[str, str] | None = None) -> bytes:
    return save(TENSORS, metadata)


def with_header(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(begin: int, end: int, shape: list[int], dtype: str = "F16") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_a_lora_is_read_with_its_hashes_and_metadata() -> None:
    file = lora({"format": "pt"})
    weights = read_weights(io.BytesIO(file))
    header = int.from_bytes(file[:8], "little")
    assert weights.size == len(file)
    assert weights.sha256 == hashlib.sha256(file).hexdigest()
    assert weights.tensors_sha256 == hashlib.sha256(file[8 + header :]).hexdigest()
    assert (weights.tensors, weights.metadata) == (2, {"format": "pt"})


def test_the_hash_of_the_tensors_does_not_depend_on_the_metadata() -> None:
    one, other = read_weights(io.BytesIO(lora())), read_weights(io.BytesIO(lora({"a": "b"})))
    assert one.tensors_sha256 == other.tensors_sha256
    assert one.sha256 != other.sha256


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\x80\x04\x95",
        b"<!doctype html><title>Not found</title>" * 10,
        b"PK\x03\x04" + b"\0" * 100,
        struct.pack("<Q", 200 * 2**20) + b"{}",
        struct.pack("<Q", 2**63) + b"{}",
        with_header({"a": tensor(0, 4, [2])}, b"1234", length=10_000),
        with_header(b"not json at all"),
        with_header(b"[" * 3000),
        with_header([]),
        with_header({}),
        with_header({"__metadata__": {"format": "pt"}}),
        with_header({"__metadata__": {"epoch": 3}, "a": tensor(0, 4, [2])}, b"1234"),
        with_header({"a": 7}),
        with_header({"a": {"dtype": "F16", "shape": [2]}}, b"1234"),
        with_header({"a": tensor(0, 4, [2], "F99")}, b"1234"),
        with_header({"a": tensor(0, 4, [3])}, b"1234"),
        with_header({"a": tensor(0, 8, [4])}, b"1234"),
        with_header({"a": tensor(0, 4, [2])}, b"1234 and more"),
        with_header({"a": tensor(0, 4, [2]), "b": tensor(2, 6, [2])}, b"123456"),
        with_header({"a": tensor(0, 4, [2]), "b": tensor(6, 10, [2])}, b"1234567890"),
        with_header({"a": tensor(0, 4, [-1, -2])}, b"1234"),
        with_header({"a": {"dtype": "F16", "shape": "2", "data_offsets": [0, 4]}}, b"1234"),
        with_header({"a": {"dtype": "F16", "shape": [2], "data_offsets": ["0", "4"]}}, b"1234"),
        lora()[:-1],
        lora()[:100],
        lora() + b"x",
    ],
    ids=lambda file: repr(file[:24]),
)
def test_u22_what_is_no_lora_is_refused_in_words(file: bytes) -> None:
    with pytest.raises(NotALora, match=r"^The trainer"):
        read_weights(io.BytesIO(file))


def test_the_first_bytes_of_a_lora_are_let_through() -> None:
    expect_weights(lora()[:64])


@pytest.mark.parametrize(
    "head", [b"", b"<!doctype html>", b"\x80\x02}q\x00" + b"x" * 60, b"PK\x03\x04" + b"\0" * 60]
)
def test_the_first_bytes_of_something_else_are_not(head: bytes) -> None:
    with pytest.raises(NotALora):
        expect_weights(head)
