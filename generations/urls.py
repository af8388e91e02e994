from __future__ import annotations

from django.urls import path

from generations import (
    hooks,
    views,
    views_additions,
    views_history,
    views_images,
    views_page,
    views_zip,
)

app_name = "generations"
urlpatterns = [
    path("generate", views_page.page, name="page"),
    path("loras/<uuid:pk>/generate", views.generate, name="generate"),
    path("loras/<uuid:pk>/additions", views_additions.additions, name="additions"),
    path("generations", views_history.history, name="history"),
    path("generations/zip", views_zip.download_all, name="zip_all"),
    path("generations/allowance", views.allowance, name="allowance"),
    path("generations/<uuid:pk>", views.generation, name="generation"),
    path("generations/<uuid:pk>/zip", views_zip.download, name="zip"),
    path("images/<uuid:pk>/<int:size>", views_images.image, name="image"),
    path("images/<uuid:pk>/favourite", views_images.favourite, name="favourite"),
    path("api/weights/<str:token>/<str:name>", hooks.weights, name="weights"),
    path(
        "api/webhook/fal-generation/<str:token>",
        hooks.webhook,
        {"service": "fal.ai"},
        name="fal_webhook",
    ),
    path(
        "api/webhook/replicate-generation/<str:token>",
        hooks.webhook,
        {"service": "Replicate"},
        name="replicate_webhook",
    ),
]
