"""The addresses of the API, named `api:…`."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from gallery import api_docs
from gallery.api import api

app_name = "api"
urlpatterns: list[URLPattern] = [
    path("docs", api_docs.docs, name="docs"),
    path("openapi.json", api_docs.document, name="openapi-json"),
]
for pattern in api.urls[0]:
    if isinstance(pattern, URLPattern):
        # Operations say who may come in, and sessions show their CSRF token to `Session`.
        pattern.callback = csrf_exempt(login_not_required(pattern.callback))
        urlpatterns.append(pattern)
