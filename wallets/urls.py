from __future__ import annotations

from django.urls import path

from wallets import views

app_name = "wallets"
urlpatterns = [path("connect", views.connect, name="connect")]
