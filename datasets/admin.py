"""Datasets and wishes for admins: how they are doing; nobody's pictures and captions."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy

from datasets.models import Dataset
from datasets.retouches import Retouch
from loratrainer.admin_site import ReadOnly


@admin.register(Dataset)
class DatasetAdmin(ReadOnly):
    list_display = ("id", "kind", "status", "wallet", "channel", "created_at", "error")
    list_filter = ("kind", "status", "created_at")
    search_fields = ("id__exact", "wallet__address__iexact")
    search_help_text = gettext_lazy("The id of a dataset, or the address of a wallet.")
    list_select_related = ("wallet",)
    ordering = ("-created_at",)
    fields = (
        *("id", "kind", "status", "wallet", "channel", "channel_total", "created_at", "digest"),
        *("due_at", "deadline_at", "tries", "crashes", "note", "error"),
    )


@admin.register(Retouch)
class RetouchAdmin(ReadOnly):
    list_display = ("id", "kind", "status", "wallet", "retoucher", "created_at", "error")
    list_filter = ("kind", "status", "created_at")
    search_fields = ("id__exact", "wallet__address__iexact", "job_id__exact")
    search_help_text = gettext_lazy(
        "The id of a retouch or of its job, or the address of a wallet."
    )
    list_select_related = ("wallet",)
    ordering = ("-created_at",)
    fields = (
        *("id", "kind", "status", "wallet", "retoucher", "sent_at", "job_id", "created_at"),
        *("due_at", "deadline_at", "tries", "crashes", "note", "error"),
    )
