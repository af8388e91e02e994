"""`manage.py refund 0xADDRESS`: pay a balance back to its wallet, in ETH."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from loratrainer.outcomes import TryAgainLater
from payments.ledger import transaction_url
from payments.models import Entry, Refund
from payments.refunds import CannotRefund, Plan
from payments.signing import NoKey, RefundKey, read_key
from payments.templatetags.payments import eth, usd
from wallets.fields import parse_address
from wallets.models import Wallet


class Command(BaseCommand):
    """Take US cents from a balance and sign the transaction that brings them; a worker sends it."""

    help = "Pay a balance back to its wallet, in ETH at today's price. The wallet pays no fee."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whom to pay, how much, and whether to do it at all."""
        parser.add_argument("address", help="the wallet, as 0x and 40 digits")
        parser.add_argument("--cents", type=int, help="US cents; the whole balance if left out")
        parser.add_argument("--dry-run", action="store_true", help="say what it would be, and stop")

    def handle(
        self, *args: Any, address: str, cents: int | None, dry_run: bool, **options: Any
    ) -> None:
        """Do it, and say what was done in words that hold no key."""
        wallet = _wallet(address)
        try:
            key = read_key()
            plan = Refund.plan(wallet, key.address, cents)
            self.stdout.write(_described(wallet, plan, key))
            if dry_run:
                self.stdout.write("Nothing was changed: this was a dry run.")
                return
            refund = Refund.begin(wallet, plan, key)
        except (NoKey, CannotRefund) as exc:
            raise CommandError(f"{exc} Nothing was changed.") from None
        except TryAgainLater as exc:
            raise CommandError(f"{exc} Nothing was changed; try again.") from None
        self.stdout.write(
            f"Signed as transaction {refund.nonce} of {refund.payer}. A worker sends it now;\n"
            f"`manage.py refunds` says how far it is.\n"
            f"{transaction_url(refund.chain_id, refund.hash)}"
        )


def _wallet(address: str) -> Wallet:
    try:
        return Wallet.objects.get(address=parse_address(address))
    except ValidationError as exc:
        raise CommandError(exc.message) from None
    except Wallet.DoesNotExist:
        raise CommandError("No wallet with this address has been here.") from None


def _described(wallet: Wallet, plan: Plan, key: RefundKey) -> str:
    balance = Entry.objects.balance_of(wallet)
    fee = plan.gas * plan.fees.most
    return (
        f"{usd(plan.cents)} of the balance of {usd(balance)}\n"
        f"as   {eth(plan.wei)} ETH, at {plan.rate.usd.normalize():f} USD/ETH\n"
        f"to   {wallet.address}\n"
        f"from {key.address} on chain {settings.CHAIN_ID},\n"
        f"     which also pays for gas: {eth(fee)} ETH at most."
    )
