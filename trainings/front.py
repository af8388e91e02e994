"""The address of the front page, which has no app in its name: everybody leads there."""

from __future__ import annotations

from django.urls import path

from trainings import views

urlpatterns = [path("", views.train, name="home")]
