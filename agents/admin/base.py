"""Base classes and columns of these pages: permissions, and how an admin action calls a
function."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from agents.errors import AgentError


class SupplyAdmin(ModelAdmin):
    """Rows with actions. The view permission shows them, the change permission allows the
    actions."""

    list_per_page = 50
    show_full_result_count = False
    compressed_fields = False
    refusals: tuple[type[Exception], ...] = (AgentError,)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        codename = get_permission_codename("change", self.opts)
        return bool(request.user.has_perm(f"{self.opts.app_label}.{codename}"))

    def carry_out(
        self, request: HttpRequest, rows: Iterable[Model], verb: Callable[[Any], Any], *, done: str
    ) -> None:
        """Call the verb for each row and show a refusal as a message."""
        for row in rows:
            try:
                verb(row)
            except self.refusals as refusal:
                messages.warning(request, add_name(row, _(str(refusal))))
            else:
                self.log_change(request, row, done)
                messages.success(request, add_name(row, done))


class SupplyRecordAdmin(SupplyAdmin):
    """Read-only rows, because only domain functions write them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PartInline(TabularInline):
    """Rows on the page of their parent, under the permissions of the parent."""

    extra = 0
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view") or self.has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change") or (obj is None and self._may(request, "add"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def _may(self, request: HttpRequest, what: str) -> bool:
        opts = self.parent_model._meta
        return bool(request.user.has_perm(f"{opts.app_label}.{what}_{opts.model_name}"))


class ReadOnlyInline(PartInline):
    """A read-only inline."""

    can_delete = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def add_name(row: Model, sentence: str) -> str:
    """The sentence with the name of its row in front."""
    return _("%(name)s: %(value)s") % {"name": row, "value": sentence}


def instant_column(field: str, title: Any) -> Any:
    """A column that shows this moment to the second, in UTC."""

    @display(description=title, ordering=field)
    def shown(self: Any, row: Any) -> str:
        moment = getattr(row, field)
        return format_instant(moment) if moment else "—"

    return shown


def format_instant(moment: datetime) -> str:
    """The day and the time. Only the space between the two can break the line."""
    return str(date_format(moment, _("j M Y H:i:s"))).replace(" ", "\u00a0", 2)


def make_page_button(name: str, act: Any, *, ask: Any) -> Any:
    """Turn the action of a list into a button on the page of a row, with a confirmation dialog."""

    def run(self: Any, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        act(self, request, self.get_queryset(request).filter(pk=object_id))
        return redirect_to_row(self, object_id)

    run.__name__ = name
    dialog = {"title": act.short_description, "description": ask}
    dialog["form_submit_text"] = act.short_description
    return action(
        description=act.short_description, permissions=act.allowed_permissions, dialog=dialog
    )(run)


def redirect_to_row(page: Any, object_id: Any) -> HttpResponse:
    """Redirect the browser to the page of this row."""
    address = reverse(
        f"admin:{page.opts.app_label}_{page.opts.model_name}_change", args=[object_id]
    )
    return HttpResponse(_("Done."), headers={"HX-Redirect": address})
