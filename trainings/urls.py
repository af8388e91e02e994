from __future__ import annotations

from django.urls import path

from trainings import (
    hooks,
    views,
    views_files,
    views_handovers,
    views_start,
    views_trainings,
)

app_name = "trainings"
urlpatterns = [
    path("draft", views.draft, name="draft"),
    path("draft/ticket", views.ticket_changes, name="ticket"),
    path("draft/start", views_start.start, name="start"),
    path("draft/preview", views_start.preview, name="preview"),
    path("draft/handover", views_handovers.handover, name="handover"),
    path("h/<str:token>", views_handovers.go_on, name="go_on"),
    path("rules", views.rules, name="rules"),
    path("price", views.price, name="price"),
    path("trainings", views_trainings.trainings, name="trainings"),
    path("trainings/now", views_trainings.now, name="now"),
    path("trainings/<uuid:pk>", views_trainings.training, name="training"),
    path("trainings/<uuid:pk>/cancel", views_trainings.cancel, name="cancel"),
    path("trainings/<uuid:pk>/retry", views_trainings.retry, name="retry"),
    path("trainings/<uuid:pk>/again", views_trainings.again, name="again"),
    path("loras/<uuid:pk>/weights", views_files.weights, name="weights"),
    path("loras/<uuid:pk>/<slug:name>.safetensors", views_files.weights, name="weights_file"),
    path("loras/<uuid:pk>/config", views_files.config, name="config"),
    path(
        "api/webhook/fal/<str:token>",
        hooks.webhook,
        {"service": "fal.ai"},
        name="fal_webhook",
    ),
    path(
        "api/webhook/replicate-training/<str:token>",
        hooks.webhook,
        {"service": "Replicate"},
        name="replicate_webhook",
    ),
]
