"""Admin pages of clients, their API keys, and the catalogue of skills."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from tickets import auth, opening_hours
from tickets.admin.base import DemandAdmin, format_duration, instant_column
from tickets.admin.opening_hours import DAY_NAMES, ClientForm
from tickets.models import ApiKey, Client, Skill


@admin.register(Client)
class ClientAdmin(ModelAdmin):
    form = ClientForm
    list_display = ["name", "slug", "promise", "waits", "wraps_up", "created"]
    search_fields = ["name", "slug"]
    ordering = ["name"]
    fieldsets = [
        (
            None,
            {"fields": [("name", "slug"), ("answer_within", "patience", "wrap_up"), "created"]},
        ),
        (
            _("Opening hours"),
            {
                "fields": [
                    "time_zone",
                    ("open_mon", "open_tue", "open_wed", "open_thu"),
                    ("open_fri", "open_sat", "open_sun"),
                ],
                "description": _(
                    "Times such as 09:00–12:30, 13:30–17:00. A day left empty is closed; all of "
                    "them empty: always open. Out of hours an escalation is still taken, but no "
                    "wait is promised, only when it opens."
                ),
            },
        ),
    ]
    readonly_fields = ["created", "week"]
    compressed_fields = False
    created = instant_column("created_at", _("created"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the week in one line to a user who may not change it."""
        about, opening = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj) or obj is None:
            return [about, opening]
        return [about, (opening[0], {"fields": ["time_zone", "week"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The code cannot change, because rate cards refer to the client by it."""
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "slug"] if obj else fields

    @display(description=_("opening hours"))
    def week(self, client: Client) -> str:
        named = zip(opening_hours.DAYS, DAY_NAMES, strict=True)
        week = opening_hours.get_hours(client)
        days = [
            f"{name} {opening_hours.format_day(week.get_spans(day))}"
            for day, name in named
            if week.get_spans(day)
        ]
        return " · ".join(days) or gettext("always open")

    @display(description=_("answer within"), ordering="answer_within")
    def promise(self, client: Client) -> str:
        return format_duration(client.answer_within)

    @display(description=_("patience"), ordering="patience")
    def waits(self, client: Client) -> str:
        return format_duration(client.patience)

    @display(description=_("wrap-up"), ordering="wrap_up")
    def wraps_up(self, client: Client) -> str:
        return format_duration(client.wrap_up)


@admin.register(ApiKey)
class ApiKeyAdmin(DemandAdmin):
    """A key is created, shown once, and revoked. It is never changed."""

    list_display = ["prefix", "client", "name", "state", "created", "revoked"]
    list_filter = ["client", ("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["prefix", "name", "client__name"]
    list_select_related = ["client"]
    ordering = ["-created_at"]
    fields = ["client", "name", "prefix", ("created", "revoked")]
    add_fieldsets = [(None, {"fields": ["client", "name"]})]
    readonly_fields = ["prefix", "created", "revoked"]
    created = instant_column("created_at", _("created"))
    revoked = instant_column("revoked_at", _("revoked"))
    actions = ["revoke"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        key = auth.issue(obj.client, name=obj.name)
        obj.pk = ApiKey.objects.get(prefix="_".join(key.split("_")[:2])).pk
        obj.refresh_from_db()
        messages.success(request, gettext("Copy this key now, it is never shown again: %s") % key)

    @display(description=_("state"), label={"active": "success", "revoked": "danger"})
    def state(self, key: ApiKey) -> tuple[str, Any]:
        return ("revoked", _("revoked")) if key.revoked_at else ("active", _("active"))

    @admin.action(description=_("Revoke"), permissions=["operate"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        def verb(key: ApiKey) -> None:
            auth.revoke(key, at=timezone.now())

        self.carry_out(request, keys, verb, done=gettext("revoked"))


@admin.register(Skill)
class SkillAdmin(ModelAdmin):
    list_display = ["name", "code"]
    search_fields = ["name", "code"]
    ordering = ["name"]
    fields = ["name", "code"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The code cannot change, because agents and tickets refer to the skill by it."""
        return ["code"] if obj else []
