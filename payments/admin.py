"""Money for admins: to read. The ledger is written by its own rules and by nobody's hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loratrainer.admin_site import ReadOnly, wallet_link
from payments.models import Entry, Quote, Refund, Transfer
from payments.templatetags.payments import eth, usd

# Only the admin writes the names of tables.
Entry._meta.verbose_name_plural = gettext_lazy("entries")


class OfMoney(ReadOnly):
    """What quotes, transfers and entries have in common."""

    @admin.display(description=gettext_lazy("Wallet"), ordering="wallet__address")
    def owner(self, row: Quote | Entry | Refund) -> SafeString:
        """Whose it is."""
        return wallet_link(row.wallet)

    @admin.display(description="ETH", ordering="wei")
    def ether(self, row: Quote | Transfer | Entry | Refund) -> str:
        """The amount in ether, exactly."""
        return eth(row.wei) if row.wei else ""


@admin.register(Quote)
class QuoteAdmin(OfMoney):
    list_display = ("id", "status", "owner", "dollars", "ether", "created_at", "expires_at")
    list_filter = ("status", "created_at")
    fields = (
        *("id", "status", "owner", "payer", "chain_id", "recipient", "dollars", "wei", "ether"),
        *("rate_answer", "rate_decimals", "rate_round", "rate_updated_at", "created_at"),
        *("expires_at", "mark_block", "mark_count", "due_at", "tries", "crashes", "history"),
    )
    search_fields = ("id__exact", "wallet__address__iexact")
    list_select_related = ("wallet",)
    ordering = ("-created_at",)

    @admin.display(description="USD", ordering="usd_cents")
    def dollars(self, quote: Quote) -> str:
        """What is asked for."""
        return usd(quote.usd_cents)


@admin.register(Transfer)
class TransferAdmin(OfMoney):
    list_display = ("hash", "payer", "ether", "block_number", "block_at", "created_at")
    fields = (
        *("id", "quote_id", "chain_id", "hash", "index", "block_number", "block_hash"),
        *("block_at", "payer", "recipient", "wei", "ether", "created_at"),
    )
    search_fields = ("hash__iexact", "payer__iexact")
    ordering = ("-created_at",)


@admin.register(Refund)
class RefundAdmin(OfMoney):
    list_display = ("created_at", "status", "dollars", "ether", "owner", "note")
    list_filter = ("status", "created_at")
    fields = (
        *("id", "status", "note", "error", "owner", "dollars", "wei", "ether", "entry_id"),
        *("chain_id", "payer", "recipient", "nonce", "gas", "max_fee_wei", "tip_wei", "hash"),
        *("block_number", "block_hash", "mark_block", "created_at", "due_at", "tries", "history"),
    )
    search_fields = ("hash__iexact", "wallet__address__iexact")
    list_select_related = ("wallet", "entry")
    ordering = ("-created_at",)

    @admin.display(description="USD", ordering="entry__cents")
    def dollars(self, refund: Refund) -> str:
        """What was taken from the balance."""
        return usd(refund.cents)


@admin.register(Entry)
class EntryAdmin(OfMoney):
    list_display = ("id", "kind", "owner", "dollars", "ether", "cause", "actor", "created_at")
    list_filter = ("kind", "created_at")
    fields = (
        *("id", "kind", "owner", "dollars", "cents", "wei", "ether", "rate", "cause"),
        *("transfer_id", "actor", "created_at"),
    )
    search_fields = ("cause", "wallet__address__iexact")
    list_select_related = ("wallet", "actor")
    ordering = ("-created_at",)

    @admin.display(description="USD", ordering="cents")
    def dollars(self, entry: Entry) -> str:
        """What it moved."""
        return usd(entry.cents)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Say above the list what came in, went back, was earned, and is owed to wallets."""
        sums = dict(Entry.objects.values_list("kind").annotate(Sum("cents")).order_by())
        earned = -sums.get("charge", 0) - sums.get("refund", 0)
        back = -Entry.objects.filter(kind="payout").exclude(payout__status="failed").total()
        words = _(
            "Paid in {paid}, paid back {back}, earned with trainings {earned}, "
            "owed to wallets {owed}."
        ).format(
            paid=usd(sums.get("deposit", 0)),
            back=usd(back),
            earned=usd(earned),
            owed=usd(sum(sums.values())),
        )
        return super().changelist_view(request, {**(extra_context or {}), "subtitle": words})
