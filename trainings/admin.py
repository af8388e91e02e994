"""Trainings for admins: how each is doing, what it cost, and the verbs that help."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loratrainer.admin_site import ReadOnly, wallet_link
from loratrainer.jobs import StaleJob
from payments.templatetags.payments import usd, whole
from trainings.exhibits import NotYours
from trainings.models import TooLate, Training
from wallets.http import WalletRequest

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class Charged(TypedDict):
        """What `with_moved` adds to each training."""

        moved_cents: int

    type ChargedTraining = WithAnnotations[Training, Charged]

HELD_BACK = {"name", "description", "trigger_word", "log", "options"}
"""What others than its owner do not read of a private training."""


@admin.register(Training)
class TrainingAdmin(ReadOnly):
    """All trainings; of private ones only what operating them needs."""

    list_display = (
        *("id", "called", "status", "provider", "owner", "price", "paid", "cost", "margin"),
        *("created_at", "deadline_at", "is_hidden", "problem"),
    )
    list_filter = ("status", "provider", "kind", "is_private", "created_at")
    search_fields = ("id__exact", "wallet__address__iexact")
    search_help_text = gettext_lazy("The id of a training, or the address of a wallet.")
    list_select_related = ("wallet",)
    ordering = ("-created_at",)
    actions = ("hide", "show", "retry", "cancel")
    fields = (
        *("id", "owner", "name", "description", "kind", "trigger_word", "training_steps"),
        *("status", "provider", "service", "model", "version", "options", "price", "charges"),
        *("paid", "cost", "margin"),
        *("dataset_id", "quote_id", "parent_id", "channel", "picture_count", "image_count"),
        *("is_private", "hidden_at", "hidden_by", "deleted_at", "created_at", "started_at"),
        *("completed_at", "heard_at", "queue_position", "percent", "weights", "weights_size"),
        *("weights_sha256", "config", "due_at", "deadline_at", "tries", "crashes", "note"),
        *("error", "history", "log"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Training]:
        """With what each brought in, and the orders that it cost us."""
        return Training.objects.with_moved().prefetch_related("attempts")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out what its owner keeps private."""
        if obj is None or not is_held_back(obj, request):
            return self.fields
        return [field for field in self.fields if field not in HELD_BACK]

    @admin.display(description=gettext_lazy("Name"))
    def called(self, training: Training) -> str:
        """Its trigger word and name, unless it is private."""
        if training.is_private:
            return _("private")
        return f"{training.trigger_word}: {training.name}"

    @admin.display(description=gettext_lazy("Wallet"), ordering="wallet__address")
    def owner(self, training: Training) -> SafeString:
        """Whose it is."""
        return wallet_link(training.wallet)

    @admin.display(description=gettext_lazy("Price"), ordering="price_cents")
    def price(self, training: Training) -> str:
        """What it costs, and whether that is charged at this moment."""
        price = usd(training.price_cents)
        return price if training.is_charged else _("{price}, not charged").format(price=price)

    @admin.display(description=gettext_lazy("Paid"))
    def paid(self, training: ChargedTraining) -> str:
        """What the ledger has of it: a charge that came back is nothing."""
        return usd(-training.moved_cents)

    @admin.display(description=gettext_lazy("Cost (about)"))
    def cost(self, training: Training) -> str:
        """What all its orders cost us, by the trainers' public prices."""
        return usd(whole(cost_cents(training)))

    @admin.display(description=gettext_lazy("Margin (about)"))
    def margin(self, training: ChargedTraining) -> str:
        """What is left of it."""
        return usd(whole(-training.moved_cents - cost_cents(training)))

    @admin.display(description=gettext_lazy("Hidden"), boolean=True)
    def is_hidden(self, training: Training) -> bool:
        """Whether somebody took it off the wall."""
        return training.hidden_at is not None

    @admin.display(description=gettext_lazy("Note or error"))
    def problem(self, training: Training) -> SafeString:
        """What its owner reads at the moment."""
        return format_html("{}", (training.error or training.note)[:200])

    @admin.action(description=gettext_lazy("Hide from the wall"))
    def hide(self, request: WalletRequest, rows: QuerySet[Training]) -> None:
        """Take them off the wall; their owners cannot show them again."""
        self.do_each(request, rows, lambda row: row.hide(request.user), done=_("Hidden"))

    @admin.action(description=gettext_lazy("Show on the wall again"))
    def show(self, request: WalletRequest, rows: QuerySet[Training]) -> None:
        """Let them hang again, whoever hid them."""
        self.do_each(request, rows, lambda row: row.show(request.user), NotYours, done=_("Shown"))

    @admin.action(description=gettext_lazy("Try again (failed ones)"))
    def retry(self, request: WalletRequest, rows: QuerySet[Training]) -> None:
        """Begin failed ones again, paid with what came back."""
        refusals = (TooLate, StaleJob)
        self.do_each(request, rows, lambda row: row.retry(), *refusals, done=_("Tried again"))

    @admin.action(description=gettext_lazy("Cancel (unfinished ones)"))
    def cancel(self, request: WalletRequest, rows: QuerySet[Training]) -> None:
        """End unfinished ones; the price comes back by the rules that hold for their owners."""
        refusals = (TooLate, StaleJob)
        self.do_each(request, rows, lambda row: row.cancel(), *refusals, done=_("Cancelled"))


def cost_cents(training: Training) -> Decimal:
    """Return about what all orders of a training cost us, in US cents."""
    return sum((attempt.cost_cents for attempt in training.attempts.all()), Decimal(0))


def is_held_back(training: Training, request: HttpRequest) -> bool:
    """Say whether it is private, and not the asking wallet's own."""
    return training.is_private and training.wallet_id != request.user.pk
