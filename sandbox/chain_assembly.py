"""A small assembler for the Ethereum Virtual Machine, enough for the contracts of the sandbox."""

from __future__ import annotations

OPCODES = {
    "STOP": 0x00, "ADD": 0x01, "EQ": 0x14, "SHL": 0x1B, "SHR": 0x1C, "CALLDATALOAD": 0x35,
    "TIMESTAMP": 0x42, "POP": 0x50, "MLOAD": 0x51, "MSTORE": 0x52, "SLOAD": 0x54, "JUMP": 0x56,
    "JUMPI": 0x57, "GAS": 0x5A, "JUMPDEST": 0x5B, "PUSH0": 0x5F, "DUP1": 0x80, "RETURN": 0xF3,
    "STATICCALL": 0xFA, "REVERT": 0xFD,
}  # fmt: skip
"""The instructions in use, as https://www.evm.codes lists them (Shanghai and later: PUSH0)."""


def assemble(listing: str) -> bytes:
    """Turn a listing into bytecode.

    A listing is words between blanks: an instruction, `PUSH` and a number, `name:` for a place to
    jump to, and `@name` to push the address of that place; the rest of a line after `;` is a
    comment. Raises `KeyError` for an unknown instruction or place.
    """
    words = iter([word for line in listing.splitlines() for word in line.partition(";")[0].split()])
    code = bytearray()
    places: dict[str, int] = {}
    jumps: dict[int, str] = {}
    for word in words:
        if word.endswith(":"):
            places[word[:-1]] = len(code)
            code.append(OPCODES["JUMPDEST"])
        elif word.startswith("@"):
            code += b"\x61\0\0"  # PUSH2: an address is filled in when all places are known.
            jumps[len(code) - 2] = word[1:]
        elif word == "PUSH":
            number = int(next(words), 0)
            operand = number.to_bytes(max(1, (number.bit_length() + 7) // 8))
            code += bytes([0x5F + len(operand)]) + operand
        else:
            code.append(OPCODES[word])
    for at, place in jumps.items():
        code[at : at + 2] = places[place].to_bytes(2)
    return bytes(code)
