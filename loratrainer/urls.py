"""Every address. Errors have pages of their own, in the words of the house."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from loratrainer import health, reports, views

handler400 = "loratrainer.errors.bad_request"
handler403 = "loratrainer.errors.permission_denied"
handler404 = "loratrainer.errors.page_not_found"
handler500 = "loratrainer.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("", include("wallets.urls")),
    path("csp-report", reports.csp_report, name="csp_report"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

if settings.LOCAL:
    urlpatterns += [path("style", views.style, name="style")]
