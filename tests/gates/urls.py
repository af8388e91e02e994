"""The addresses of the site, the style page, and a page that breaks."""

from __future__ import annotations

from django.urls import path

from loratrainer.views import style
from tests.e2e.pages import (  # noqa: F401 - the error pages of the site
    handler400,
    handler403,
    handler404,
    handler500,
)
from tests.e2e.pages import urlpatterns as site_urls

urlpatterns = [*site_urls, path("style", style)]
