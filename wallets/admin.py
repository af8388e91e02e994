"""Wallets for admins: who there is, and since when."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from loratrainer.admin_site import ReadOnly, wallet_link
from wallets.models import Wallet

admin.site.unregister(Group)  # Admins are those that the settings name; there are no groups.
# Nobody reads or replaces another one's second factor here; `manage.py reset_second_factor` does.
admin.site.unregister([StaticDevice, TOTPDevice])


@admin.register(Wallet)
class WalletAdmin(ReadOnly):
    list_display = ("id", "whole_address", "created_at", "last_login", "is_exempt")
    search_fields = ("address__iexact",)
    search_help_text = gettext_lazy("The whole address of a wallet.")
    ordering = ("-created_at",)
    fields = ("id", "whole_address", "created_at", "last_login", "is_exempt")

    @admin.display(description=gettext_lazy("Address"), ordering="address")
    def whole_address(self, wallet: Wallet) -> SafeString:
        """All of it, leading to the chain."""
        return wallet_link(wallet)

    @admin.display(description=gettext_lazy("Pays nothing"), boolean=True)
    def is_exempt(self, wallet: Wallet) -> bool:
        """Whether the settings name it as an admin's or for tests."""
        return wallet.is_exempt
