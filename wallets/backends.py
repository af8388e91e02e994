from __future__ import annotations

from django.contrib.auth.backends import ModelBackend


class WalletBackend(ModelBackend):
    pass
