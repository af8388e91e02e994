from __future__ import annotations

from django.conf import settings
from django.urls import path

from wallets import demo, views, views_keys, views_mail, views_notices

app_name = "wallets"
urlpatterns = [
    path("connect", views.connect, name="connect"),
    path("connect/challenge", views.challenge, name="challenge"),
    path("connect/verify", views.verify, name="verify"),
    path("disconnect", views.disconnect, name="disconnect"),
    path("disconnect/everywhere", views.disconnect_everywhere, name="disconnect_everywhere"),
    path("account", views.account, name="account"),
    path("wallet", views.wallet, name="wallet"),
    path("wallet/keys", views_keys.keys, name="keys"),
    path("wallet/keys/<uuid:pk>/revoke", views_keys.revoke, name="revoke_key"),
    path("wallet/notices", views_notices.notices, name="notices"),
    path("wallet/notices/browsers", views_notices.add_browser, name="add_browser"),
    path("wallet/notices/mailboxes", views_notices.add_mailbox, name="add_mailbox"),
    path("wallet/notices/webhooks", views_notices.add_webhook, name="add_webhook"),
    path("wallet/notices/<uuid:pk>", views_notices.destination, name="destination"),
    path("wallet/notices/<uuid:pk>/test", views_notices.test, name="test_destination"),
    path("wallet/notices/<uuid:pk>/enable", views_notices.enable, name="enable_destination"),
    path("wallet/notices/<uuid:pk>/remove", views_notices.remove, name="remove_destination"),
    path("wallet/notices/confirm/<str:token>", views_mail.confirm, name="confirm"),
    path("wallet/notices/unsubscribe/<str:token>", views_mail.unsubscribe, name="unsubscribe"),
    path("sw.js", views_notices.worker, name="worker"),
]

if settings.DEMO_WALLET:
    urlpatterns += [path("sandbox/wallet", demo.demo_wallet, name="demo_wallet")]
