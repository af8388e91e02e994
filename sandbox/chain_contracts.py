"""The contracts on the sandbox's chain: Chainlink's price feed, and wallets that sign by EIP-1271.

They are put at fixed addresses when the chain starts. A test changes them with
`anvil_setStorageAt`: the slots are told below.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.chain_accounts import DEMO_ACCOUNTS
from sandbox.chain_assembly import assemble


@dataclass(frozen=True, slots=True)
class Contract:
    """Code at an address, and what its storage holds in the beginning."""

    address: str
    code: bytes
    storage: dict[int, int] = field(default_factory=dict)


FEED_ADDRESS = "0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70"
"""Chainlink's ETH/USD feed on Base, https://data.chain.link."""
FEED_ANSWER_SLOT = 0
"""The price of one ether in US dollars, times 10 to the 8th, as an int256."""
FEED_UPDATED_AT_SLOT = 1
"""When the price was written, in Unix seconds; 0 means: in the newest block."""
FEED_ROUND_SLOT = 2
"""The round, a uint80."""
PRICE_USD = 3400

_FEED = Contract(
    FEED_ADDRESS,
    assemble(
        """
            PUSH0 CALLDATALOAD PUSH 0xe0 SHR            ; the selector
            DUP1 PUSH 0xfeaf968c EQ @round JUMPI        ; latestRoundData()
            DUP1 PUSH 0x313ce567 EQ @decimals JUMPI     ; decimals()
            PUSH 0x7284e416 EQ @description JUMPI       ; description()
            PUSH0 PUSH0 REVERT

        round:                                          ; five words
            PUSH 2 SLOAD DUP1
            PUSH0 MSTORE                                ; roundId
            PUSH 0x80 MSTORE                            ; answeredInRound
            PUSH0 SLOAD PUSH 0x20 MSTORE                ; answer
            PUSH 1 SLOAD DUP1 @told JUMPI
            POP TIMESTAMP
        told:
            DUP1 PUSH 0x40 MSTORE                       ; startedAt
            PUSH 0x60 MSTORE                            ; updatedAt
            PUSH 0xa0 PUSH0 RETURN

        decimals:
            PUSH 8 PUSH0 MSTORE
            PUSH 0x20 PUSH0 RETURN

        description:                                    ; a string: offset, length, letters
            PUSH 0x20 PUSH0 MSTORE
            PUSH 9 PUSH 0x20 MSTORE
            PUSH 0x455448202f20555344 PUSH 0xb8 SHL     ; "ETH / USD"
            PUSH 0x40 MSTORE
            PUSH 0x60 PUSH0 RETURN
        """
    ),
    {
        FEED_ANSWER_SLOT: PRICE_USD * 10**8,
        FEED_UPDATED_AT_SLOT: 0,
        # A proxy's round: the phase in the upper 16 bits, the aggregator's round below.
        FEED_ROUND_SLOT: (1 << 64) + 24_117,
    },
)

CONTRACT_WALLET = "0x1271000000000000000000000000000000000001"
"""Accepts a 65-byte signature of its owner, whose address is in slot 0: the first demo account."""
LOOPING_WALLET = "0x1271000000000000000000000000000000000002"
"""Runs until the gas is gone."""
REVERTING_WALLET = "0x1271000000000000000000000000000000000003"
WRONG_MAGIC_WALLET = "0x1271000000000000000000000000000000000004"
"""Answers with the number 1 instead of the magic value."""
LARGE_ANSWER_WALLET = "0x1271000000000000000000000000000000000005"
"""Answers with 1 MB of zeros."""

_WALLETS = (
    Contract(
        CONTRACT_WALLET,
        assemble(
            """
                PUSH0 CALLDATALOAD PUSH 0xe0 SHR
                PUSH 0x1626ba7e EQ @check JUMPI         ; isValidSignature(bytes32,bytes)
                STOP                                    ; anything else, ether too, is welcome

            check:                                      ; hash, v, r, s for ecrecover
                PUSH 0x04 CALLDATALOAD PUSH0 MSTORE     ; hash
                PUSH 0x24 CALLDATALOAD PUSH 0x24 ADD    ; where the signature begins
                DUP1 CALLDATALOAD PUSH 0x40 MSTORE      ; r
                DUP1 PUSH 0x20 ADD CALLDATALOAD
                PUSH 0x60 MSTORE                        ; s
                PUSH 0x40 ADD CALLDATALOAD
                PUSH 0xf8 SHR PUSH 0x20 MSTORE          ; v, one byte
                PUSH 0x20 PUSH 0x80 PUSH 0x80 PUSH0     ; where the answer and the question are
                PUSH 1 GAS STATICCALL POP               ; ecrecover is the contract 1
                PUSH 0x80 MLOAD PUSH0 SLOAD EQ @good JUMPI
                PUSH 0xffffffff @answer JUMP
            good:
                PUSH 0x1626ba7e
            answer:                                     ; a bytes4 is at the left of its word
                PUSH 0xe0 SHL PUSH0 MSTORE
                PUSH 0x20 PUSH0 RETURN
            """
        ),
        {0: int(DEMO_ACCOUNTS[0].address, 16)},
    ),
    Contract(LOOPING_WALLET, assemble("again: @again JUMP")),
    Contract(REVERTING_WALLET, assemble("PUSH0 PUSH0 REVERT")),
    Contract(WRONG_MAGIC_WALLET, assemble("PUSH 1 PUSH0 MSTORE PUSH 0x20 PUSH0 RETURN")),
    Contract(LARGE_ANSWER_WALLET, assemble("PUSH 0x100000 PUSH0 RETURN")),
)

CONTRACTS = (_FEED, *_WALLETS)
