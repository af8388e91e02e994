"""Batches and images for admins: how each is doing, and hiding what should not be seen."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generations.models import GeneratedImage, Generation, ReportCard
from loratrainer.admin_site import ReadOnly, wallet_link


@admin.register(Generation)
class GenerationAdmin(ReadOnly):
    """All batches; what was prompted is not read here."""

    list_display = (
        *("id", "training_id", "status", "provider", "owner", "is_counted"),
        *("created_at", "completed_at", "error"),
    )
    list_filter = ("status", "provider", "is_counted", "created_at")
    search_fields = ("id__exact", "training__id__exact", "wallet__address__iexact")
    search_help_text = gettext_lazy("The id of a batch or a LoRA, or the address of a wallet.")
    list_select_related = ("wallet",)
    ordering = ("-created_at",)
    fields = (
        *("id", "training_id", "owner", "status", "provider", "job_id", "is_counted"),
        *("seed", "images_asked", "scale", "width", "height", "inference_steps", "guidance"),
        *("image_format", "created_at", "sent_at", "completed_at", "due_at", "deadline_at"),
        *("report_card_id", "tries", "crashes", "note", "error", "history"),
    )

    @admin.display(description=gettext_lazy("Wallet"), ordering="wallet__address")
    def owner(self, batch: Generation) -> SafeString:
        """Who asked for it."""
        return wallet_link(batch.wallet)


@admin.register(GeneratedImage)
class GeneratedImageAdmin(ReadOnly):
    """All images, by the ids that the wall's addresses have."""

    list_display = ("id", "generation_id", "number", "is_filtered", "is_hidden", "created_at")
    list_filter = (
        "is_filtered",
        ("hidden_at", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        "created_at",
    )
    search_fields = ("id__exact", "generation__id__exact")
    search_help_text = gettext_lazy("The id of an image or a batch.")
    ordering = ("-created_at",)
    fields = (
        *("id", "generation_id", "number", "file", "width", "height", "size", "sha256", "seed"),
        *("is_filtered", "hidden_by_maker_at", "hidden_by_owner_at", "hidden_by_admin_at"),
        *("hiding_admin", "deleted_at", "created_at"),
    )
    actions = ("hide", "show")

    @admin.display(description=gettext_lazy("Hidden"), boolean=True)
    def is_hidden(self, image: GeneratedImage) -> bool:
        """Whether somebody took it away from others."""
        return image.hidden_at is not None

    @admin.action(description=gettext_lazy("Hide from everybody"))
    def hide(self, request: HttpRequest, rows: QuerySet[GeneratedImage]) -> None:
        """Take them away from others."""
        self.do_each(request, rows, lambda row: row.hide(by=request.user), done=_("Hidden"))

    @admin.action(description=gettext_lazy("Show again"))
    def show(self, request: HttpRequest, rows: QuerySet[GeneratedImage]) -> None:
        """Let others see them again."""
        self.do_each(request, rows, lambda row: row.show(by=request.user), done=_("Shown"))


@admin.register(ReportCard)
class ReportCardAdmin(ReadOnly):
    """All report cards: whether one is stuck, and what it has come to."""

    list_display = ("id", "training_id", "status", "created_at", "error")
    list_filter = ("status", "created_at")
    search_fields = ("training__id__exact",)
    search_help_text = gettext_lazy("The id of a LoRA.")
    ordering = ("-created_at",)
    fields = (
        *("id", "training_id", "status", "prompts", "strengths", "created_at"),
        *("due_at", "deadline_at", "tries", "crashes", "note", "error", "history"),
    )
