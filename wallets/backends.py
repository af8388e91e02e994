from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from wallets.models import Wallet, may_sign_in


class WalletBackend(BaseBackend):
    """Finds the wallet of a session. Signing in itself is `wallets.views.verify`."""

    def get_user(self, user_id: Any) -> Wallet | None:
        """Return the wallet, unless it has been taken off the allow-list since it signed in."""
        wallet = Wallet.objects.filter(pk=user_id).first()
        return wallet if wallet is not None and may_sign_in(wallet.address) else None
