from __future__ import annotations

from django.urls import path

from payments import views

app_name = "payments"
urlpatterns = [
    path("quotes", views.quotes, name="quotes"),
    path("quotes/<uuid:pk>", views.quote, name="quote"),
    path("quotes/<uuid:pk>/sent", views.sent, name="sent"),
    path("wallet/balance", views.balance, name="balance"),
    path("wallet/movements.csv", views.movements, name="movements"),
]
