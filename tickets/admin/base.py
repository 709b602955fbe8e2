"""Base classes and formats of the admin pages of demand.

`agents.admin` has its own, because the two apps share no code.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from babel import Locale
from babel.dates import format_timedelta
from django.contrib import messages
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from tickets.errors import TicketError


class DemandAdmin(ModelAdmin):
    """An admin with actions. Viewing needs the view permission, acting the change permission."""

    list_per_page = 50
    show_full_result_count = False
    compressed_fields = False
    refusals: tuple[type[Exception], ...] = (TicketError,)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        codename = get_permission_codename("change", self.opts)
        return bool(request.user.has_perm(f"{self.opts.app_label}.{codename}"))

    def carry_out(
        self, request: HttpRequest, rows: Iterable[Model], verb: Callable[[Any], Any], *, done: str
    ) -> None:
        """Call the verb for each row; a refusal is shown as a message."""
        for row in rows:
            try:
                verb(row)
            except self.refusals as refusal:
                messages.warning(request, prefix_name(row, _(str(refusal))))
            else:
                self.log_change(request, row, done)
                messages.success(request, prefix_name(row, done))


class DemandRecordAdmin(DemandAdmin):
    """A read-only admin, for rows that only domain code writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def prefix_name(row: Model, sentence: str) -> str:
    """Put the name of the row before the sentence."""
    return _("%(name)s: %(value)s") % {"name": row, "value": sentence}


def instant(field: str, title: Any) -> Any:
    """Build a column that shows this time to the second, in UTC."""

    @display(description=title, ordering=field)
    def show(self: Any, row: Any) -> str:
        moment = getattr(row, field)
        return format_instant(moment) if moment else "—"

    return show


def format_instant(moment: datetime) -> str:
    """Write date and time; a line may break only between the two."""
    return str(date_format(moment, _("j M Y H:i:s"))).replace(" ", "\u00a0", 2)


def format_duration(span: timedelta) -> str:
    """Write a duration in its largest unit: "12 sec", "4 min"."""
    locale = Locale.parse(to_locale(get_language() or "en"))
    return str(format_timedelta(span, threshold=1.5, format="short", locale=locale))
