from __future__ import annotations

from django.conf import settings
from django.urls import path

from wallets import demo, views

app_name = "wallets"
urlpatterns = [
    path("connect", views.connect, name="connect"),
    path("connect/challenge", views.challenge, name="challenge"),
    path("connect/verify", views.verify, name="verify"),
    path("disconnect", views.disconnect, name="disconnect"),
    path("disconnect/everywhere", views.disconnect_everywhere, name="disconnect_everywhere"),
    path("account", views.account, name="account"),
    path("wallet", views.wallet, name="wallet"),
]

if settings.DEMO_WALLET:
    urlpatterns += [path("sandbox/wallet", demo.demo_wallet, name="demo_wallet")]
