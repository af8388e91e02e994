"""Django's admin at /admin, for the wallets in `ADMIN_WALLETS`: to look, and to use models' verbs.

Nothing is typed into rows here, money least of all. There is no password either: whoever is not
signed in is led to /connect, and for every other wallet the pages do not exist. An admin shows a
second factor first (`loratrainer/second_factor.py`), unless `ADMIN_SECOND_FACTOR` is off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.apps import AdminConfig
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.decorators import login_not_required
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.html import format_html
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

NO_PASSWORDS = {"password_change", "password_change_done"}


class Site(admin.AdminSite):
    """The admin whose sign-in is the site's own."""

    site_title = settings.SITE_NAME
    site_header = settings.SITE_NAME
    index_title = _("Operation")

    def is_admin(self, request: HttpRequest) -> bool:
        """Whether an admin's wallet asks, with or without a second factor."""
        return super().has_permission(request)

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether an admin asks who has shown the second factor, where one is needed."""
        needed = settings.ADMIN_SECOND_FACTOR and not is_verified(request)
        return self.is_admin(request) and not needed

    def admin_view[View: Callable[..., HttpResponseBase]](
        self,
        view: View,
        cacheable: bool = False,  # noqa: FBT001, FBT002 - Django's
    ) -> View:
        """As Django's, but the pages do not exist for wallets that are no admin's.

        Admins are asked for the second factor on their way.
        """
        checked = super().admin_view(view, cacheable)

        @wraps(checked)
        def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_authenticated and not self.is_admin(request):
                raise Http404
            if request.user.is_authenticated and not self.has_permission(request):
                there = urlencode({"next": request.get_full_path()})
                return redirect(f"{reverse('admin:second_factor')}?{there}")
            return checked(request, *args, **kwargs)

        return cast("View", respond)

    @login_not_required
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the wallets, and from there back."""
        there = request.GET.get("next") or reverse("admin:index")
        if request.user.is_authenticated:
            return redirect("admin:index")
        return redirect(f"{reverse('wallets:connect')}?{urlencode({'next': there})}")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The pages of the house, and all of Django's but those that change a password."""
        from loratrainer import second_factor  # noqa: PLC0415 - needs the apps

        pages = [
            path(name, self.admin_view(import_string(view)), name=name)
            for name, view in settings.ADMIN_PAGES.items()
        ]
        factor = [
            path("second-factor", second_factor.verify, name="second_factor"),
            path("second-factor/enrol", second_factor.enrol, name="enrol"),
        ]
        django = [url for url in super().get_urls() if getattr(url, "name", "") not in NO_PASSWORDS]
        return [*pages, *factor, *django]


def is_verified(request: HttpRequest) -> bool:
    """Whether this session has shown the second factor of the wallet that it is signed in with."""
    return getattr(request.user, "otp_device", None) is not None


class Config(AdminConfig):
    """Puts the site in the place of Django's own."""

    default_site = "loratrainer.admin_site.Site"


@dataclass(frozen=True, slots=True)
class Id:
    """What pages call a row: its own words, such as a prompt, may be private."""

    pk: Any

    def __str__(self) -> str:
        return str(self.pk)


if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:  # It takes no parameters when it runs.
    AnyModelAdmin = admin.ModelAdmin


class ReadOnly(AnyModelAdmin):
    """Rows to look at. What may be done to them are actions, each a verb of the model.

    Subclasses name their `fields`: what a person wrote or prompted is not read by others here, and
    a row of another table is named by its id for the same reason.
    """

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits rows here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes rows here."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """All that are named: ids of other rows are no fields of a form."""
        return self.fields or ()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        """A row, under its id."""
        called = {"original": Id(object_id), "subtitle": object_id}
        return super().changeform_view(request, object_id, form_url, called)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Who did what to a row, under its id."""
        return super().history_view(
            request, object_id, {"object": Id(object_id), "title": _("Change history")}
        )

    @admin.display(description=mark_safe('<input type="checkbox" id="action-toggle">'))
    def action_checkbox(self, obj: Any) -> SafeString:
        """The box that chooses a row, under its id."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            obj.pk,
        )

    def do_each(
        self,
        request: HttpRequest,
        rows: Iterable[Model],
        verb: Callable[[Any], None],
        *refusals: type[Exception],
        done: str,
    ) -> None:
        """Use a verb on each row, and keep who did it; `refusals` are told and stop nothing."""
        changed = refused = 0
        for row in rows:
            try:
                verb(row)
            except refusals:
                refused += 1
            else:
                changed += 1
                self.keep_in_mind(request, row, done)
        if changed:
            words = ngettext("{done}: {number} row.", "{done}: {number} rows.", changed)
            messages.success(request, words.format(done=done, number=changed))
        if refused:
            words = ngettext(
                "Not possible any more for {number} row.",
                "Not possible any more for {number} rows.",
                refused,
            )
            messages.warning(request, words.format(number=refused))

    def keep_in_mind(self, request: HttpRequest, row: Model, done: str) -> None:
        """Write who did what to the admin's history. Names may be private, so only ids are kept."""
        from django.contrib.admin.models import CHANGE, LogEntry  # noqa: PLC0415 - needs the apps
        from django.contrib.contenttypes.models import ContentType  # noqa: PLC0415

        LogEntry.objects.create(
            user_id=str(request.user.pk),
            content_type=ContentType.objects.get_for_model(row),
            object_id=str(row.pk),
            object_repr=str(row.pk),
            action_flag=CHANGE,
            change_message=done,
        )


def wallet_link(wallet: Any) -> SafeString:
    """Return a whole address, which leads to the chain: short ones can be made to look alike."""
    return format_html('<a href="{}" rel="noopener">{}</a>', wallet.explorer_url, wallet.address)
