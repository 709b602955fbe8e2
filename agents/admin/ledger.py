"""The ledger, read-only except for reversals."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from agents.admin import formats
from agents.admin.base import ReadOnlyInline, SupplyRecordAdmin, instant_column, redirect_to_row
from agents.admin.forms import ReasonForm
from agents.models import JournalEntry, JournalLine
from agents.pay import ledger
from agents.pay.money import format_money
from agents.pay.quotes import Quote


class LineInline(ReadOnlyInline):
    model = JournalLine
    fields = readonly_fields = ["account", "money", "amount", "currency"]

    @display(description=_("money"))
    def money(self, line: JournalLine) -> str:
        return format_money(line.amount, line.currency)


@admin.register(JournalEntry)
class JournalEntryAdmin(SupplyRecordAdmin):
    list_display = ["occurred", "kind_label", "agent", "owed_amount", "source", "reversal_link"]
    list_filter = ["kind"]
    date_hierarchy = "occurred_at"
    search_fields = ["agent__name", "agent__user__username", "source_id__startswith"]
    list_select_related = ["agent", "journalentry"]
    ordering = ["-pk"]
    fields = [
        ("kind", "agent"), ("owed_amount", "reversal_link"), "breakdown", ("source", "reverses"),
        ("occurred", "posted"),
    ]  # fmt: skip
    readonly_fields = ["owed_amount", "breakdown", "source", "reversal_link", "occurred", "posted"]
    inlines = [LineInline]
    actions_detail = ["reverse"]
    occurred = instant_column("occurred_at", _("occurred"))
    posted = instant_column("posted_at", _("posted"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        entries: QuerySet[Any] = super().get_queryset(request).prefetch_related("lines")
        return entries

    @display(
        description=_("kind"),
        ordering="kind",
        label={"earning": "success", "reversal": "warning"},
    )
    def kind_label(self, entry: JournalEntry) -> tuple[str, str]:
        return entry.kind, entry.get_kind_display()

    @display(description=_("owed to the agent"))
    def owed_amount(self, entry: JournalEntry) -> str:
        account = ledger.payable_account(entry.agent_id)
        return formats.format_amounts(
            {line.currency: -line.amount for line in entry.lines.all() if line.account == account}
        )

    @display(description=_("source"))
    def source(self, entry: JournalEntry) -> str:
        return f"{gettext(entry.source_type)} {str(entry.source_id)[-6:]}"

    @display(description=_("reversed by"), empty_value="—")
    def reversal_link(self, entry: JournalEntry) -> str | None:
        reversal = getattr(entry, "journalentry", None)
        if reversal is None:
            return None
        address = reverse("admin:agents_journalentry_change", args=[reversal.pk])
        return format_html('<a href="{}" class="text-link">{}</a>', address, reversal)

    @display(description=_("how it is made up"))
    def breakdown(self, entry: JournalEntry) -> str:
        parts = _describe_memo(entry.memo)
        return format_html_join("", '<div dir="auto">{}</div>', ((part,) for part in parts))

    @action(
        description=_("Reverse"),
        permissions=["operate"],
        dialog={
            "title": _("Reverse this entry"),
            "description": _("An entry is never changed: its mirror image is added beside it."),
            "form_class": ReasonForm,
            "form_submit_text": _("Reverse"),
        },
    )
    def reverse(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        def verb(entry: JournalEntry) -> None:
            ledger.reverse(entry, reason=form.cleaned_data["reason"], at=timezone.now())

        entries = self.get_queryset(request).filter(pk=object_id)
        self.carry_out(request, entries, verb, done=gettext("reversed"))
        return redirect_to_row(self, object_id)


def _describe_memo(memo: dict[str, Any]) -> list[str]:
    """Describe the memo of an entry, line by line."""
    parts = formats.list_pay_parts(Quote.from_json(memo["quote"])) if memo.get("quote") else []
    if "engaged_s" in memo:
        parts.append(gettext("time taken: %(seconds)d s") % {"seconds": memo["engaged_s"]})
    if memo.get("reason"):
        parts.append(str(memo["reason"]))
    return parts
