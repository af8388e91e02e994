"""Every address. Errors have pages of their own, in the words of the house."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from loratrainer import health, languages, metrics, reports, views

handler400 = "loratrainer.errors.bad_request"
handler403 = "loratrainer.errors.permission_denied"
handler404 = "loratrainer.errors.page_not_found"
handler500 = "loratrainer.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("trainings.front")),
    path("", include("wallets.urls")),
    path("", include("datasets.urls")),
    path("", include("payments.urls")),
    path("", include("trainings.urls")),
    path("", include("generations.urls")),
    path("", include("gallery.urls")),
    path("api/", include("gallery.api_urls")),
    path("language", languages.choose, name="language"),
    path("admin", login_not_required(RedirectView.as_view(pattern_name="admin:index"))),
    path("admin/", admin.site.urls),
    path("csp-report", reports.csp_report, name="csp_report"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]

if settings.LOCAL:
    urlpatterns += [path("style", views.style, name="style")]
