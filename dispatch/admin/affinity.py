"""The admin page of blocked pairs: an agent and a customer who are never paired again."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agents.admin.base import SupplyRecordAdmin, instant_column
from dispatch import affinity
from dispatch.models import CustomerAffinity


@admin.register(CustomerAffinity)
class AffinityAdmin(SupplyRecordAdmin):
    """Lists only blocked pairs, for privacy: other contacts are not shown."""

    list_display = ["agent", "client", "customer_ref", "blocked", "met"]
    list_filter = ["client"]
    search_fields = ["agent__name", "customer_ref"]
    list_select_related = ["agent", "client"]
    ordering = ["-blocked_at"]
    actions = ["unblock"]
    fields = ["agent", ("client", "customer_ref"), ("blocked", "met")]
    readonly_fields = ["blocked", "met"]
    blocked = instant_column("blocked_at", _("blocked"))
    met = instant_column("met_at", _("met"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[CustomerAffinity]:
        rows: QuerySet[CustomerAffinity] = super().get_queryset(request)
        return rows.filter(blocked_at__isnull=False)

    @admin.action(description=_("Unblock"), permissions=["operate"])
    def unblock(self, request: HttpRequest, chosen: QuerySet[CustomerAffinity]) -> None:
        rows = chosen.select_related("agent", "client")
        self.carry_out(request, rows, affinity.unblock, done=gettext("may meet again"))
