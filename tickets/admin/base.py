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
    """Rows with actions. The view permission shows them, the change permission allows the
    actions."""

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
        """Call the verb for each row and show a refusal as a message."""
        for row in rows:
            try:
                verb(row)
            except self.refusals as refusal:
                messages.warning(request, add_name(row, _(str(refusal))))
            else:
                self.log_change(request, row, done)
                messages.success(request, add_name(row, done))


class DemandRecordAdmin(DemandAdmin):
    """Read-only rows, because only domain functions write them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
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


def format_duration(span: timedelta) -> str:
    """Write a duration in its largest unit: "12 sec", "4 min"."""
    locale = Locale.parse(to_locale(get_language() or "en"))
    return str(format_timedelta(span, threshold=1.5, format="short", locale=locale))
