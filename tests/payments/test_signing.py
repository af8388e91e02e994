from __future__ import annotations

import logging
import traceback

import pytest
from eth_account import Account

from loratrainer.logs import redact
from payments.signing import NoKey, RefundKey, read_key
from sandbox.chain_accounts import TREASURY

KEY = "5e" * 32
ADDRESS = Account.from_key(KEY).address


@pytest.fixture(autouse=True)
def deployment(settings):
    settings.CHAIN_RPC_URL = "https://base.example/rpc"


@pytest.mark.parametrize("text", [KEY, f"0x{KEY}", f" 0x{KEY.upper()}\n"])
def test_the_key_is_read_from_the_environment_or_a_file(monkeypatch, tmp_path, text):
    monkeypatch.setenv("REFUND_PRIVATE_KEY", text)
    assert read_key().address == ADDRESS
    monkeypatch.delenv("REFUND_PRIVATE_KEY")
    (tmp_path / "key").write_text(text)
    monkeypatch.setenv("REFUND_KEY_FILE", str(tmp_path / "key"))
    assert read_key().address == ADDRESS


def test_without_a_key_it_says_what_is_missing():
    with pytest.raises(NoKey, match="Set REFUND_KEY_FILE to the path"):
        read_key()


def test_the_sandboxs_treasury_pays_on_the_sandboxs_chain_only(settings, monkeypatch):
    settings.CHAIN_RPC_URL = f"{settings.SANDBOX_URL}/chain"
    assert read_key().address == TREASURY.address == settings.SANDBOX_TREASURY
    monkeypatch.setenv("REFUND_PRIVATE_KEY", KEY)
    assert read_key().address == ADDRESS


def test_two_keys_are_one_too_many(monkeypatch):
    monkeypatch.setenv("REFUND_PRIVATE_KEY", KEY)
    monkeypatch.setenv("REFUND_KEY_FILE", "/nowhere")
    with pytest.raises(NoKey, match="not both"):
        read_key()


@pytest.mark.parametrize(
    "wrong", ["5e5e5e5e5e", "0x" + "5e" * 31 + "zz", "ff" * 32, "00" * 32, "ä"]
)
def test_what_is_no_key_is_not_repeated(monkeypatch, tmp_path, wrong):
    (tmp_path / "key").write_text(wrong)
    for name, value in [("REFUND_PRIVATE_KEY", wrong), ("REFUND_KEY_FILE", str(tmp_path / "key"))]:
        with monkeypatch.context() as environment:
            environment.setenv(name, value)
            with pytest.raises(NoKey) as refused:
                read_key()
        said = "".join(traceback.format_exception(refused.value))
        assert name in said
        assert wrong not in said


def test_a_file_that_cannot_be_read_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("REFUND_KEY_FILE", str(tmp_path / "nothing"))
    with pytest.raises(NoKey, match="cannot be read: No such file"):
        read_key()
    monkeypatch.setenv("REFUND_KEY_FILE", str(tmp_path))
    with pytest.raises(NoKey, match="cannot be read"):
        read_key()


def test_nothing_shows_the_key(monkeypatch, caplog):
    key = RefundKey(KEY)
    logging.getLogger("payments").warning("%r %s", key, key)
    said = f"{key!r} {key} {caplog.text} {key.__class__.__slots__}"
    assert ADDRESS in said
    assert "5e5e5e5e" not in said
    assert not hasattr(key, "__dict__")
    monkeypatch.setenv("REFUND_PRIVATE_KEY", f"0x{KEY}")
    assert KEY not in redact(f"environ has 0x{KEY}")


def test_the_same_transaction_is_signed_to_the_same_bytes():
    transaction = {
        "type": 2,
        "chainId": 8453,
        "nonce": 1,
        "to": TREASURY.address,
        "value": 5,
        "gas": 21_000,
        "maxFeePerGas": 10**9,
        "maxPriorityFeePerGas": 1,
    }
    raw, transaction_hash = RefundKey(KEY).sign(transaction)
    assert RefundKey(KEY).sign(transaction) == (raw, transaction_hash)
    assert Account.recover_transaction(raw) == ADDRESS
