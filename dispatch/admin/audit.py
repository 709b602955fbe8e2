"""The read-only admin page of audit findings."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from agents.admin.base import SupplyRecordAdmin, instant_column
from dispatch.models import AuditFinding


@admin.register(AuditFinding)
class AuditFindingAdmin(SupplyRecordAdmin):
    list_display = ["invariant", "subject", "first_seen", "last_seen"]
    list_filter = ["invariant"]
    search_fields = ["subject"]
    ordering = ["-last_seen_at", "invariant"]
    fields = [("invariant", "subject"), ("first_seen", "last_seen")]
    readonly_fields = ["first_seen", "last_seen"]
    first_seen = instant_column("seen_at", _("first seen"))
    last_seen = instant_column("last_seen_at", _("seen until"))
