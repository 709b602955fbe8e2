"""The admin pages of the matching policy. A change adds a version; none is ever edited."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from agents.admin.base import SupplyRecordAdmin, instant_column
from dispatch import policies
from dispatch.explanations import rulebook
from dispatch.models import PolicyVersion
from tickets import clock

SETTINGS: list[str | tuple[str, ...]] = [
    ("waiting", "urgency", "unassigned_penalty"),
    ("language", "skill", "scarce"),
    ("no_prior_contact", "asked_before"),
    ("quality", "quality_unknown"),
    ("idle", "idle_enough"),
    ("workload_today", "full_workload"),
    "lower_levels_at",
    ("exclusive_for", "max_parallel_offers"),
]


def flatten(rows: list[str | tuple[str, ...]]) -> list[str]:
    return [name for row in rows for name in ([row] if isinstance(row, str) else row)]


class PolicyVersionForm(forms.ModelForm):
    """The form of a new version. Agents read its note."""

    valid_from = forms.DateTimeField(
        label=_("Valid from"),
        required=False,
        help_text=_("In UTC. Empty: in ten seconds. Agents read it before it is in force."),
        widget=UnfoldAdminTextInputWidget({"type": "datetime-local"}),
    )

    class Meta:
        model = PolicyVersion
        fields = ["note", "valid_from", *flatten(SETTINGS)]
        widgets = {"lower_levels_at": UnfoldAdminTextInputWidget}

    def clean_valid_from(self) -> datetime | None:
        given: datetime | None = self.cleaned_data["valid_from"]
        soonest = policies.earliest_valid_from(at=timezone.now())
        if given and given < soonest:
            moment = date_format(soonest, gettext("j M Y H:i:s"))
            raise forms.ValidationError(
                gettext("Give a moment from %(moment)s UTC on.") % {"moment": moment}
            )
        return given


@admin.register(PolicyVersion)
class PolicyVersionAdmin(SupplyRecordAdmin):
    form = PolicyVersionForm
    list_display = ["version", "stage", "starts", "summary"]
    ordering = ["-version"]
    readonly_fields = ["starts", "summary"]
    starts = instant_column("valid_from", _("valid from"))
    change_form_outer_before_template = "admin/policy_changes.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("dispatch.add_policyversion"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str | tuple[str, ...]]:
        return [*(["summary", "starts"] if obj else ["note", "valid_from"]), *SETTINGS]

    @display(description=_("what changes, and why"))
    def summary(self, version: PolicyVersion) -> str:
        return version.translated_note

    @display(
        description=_("in force"),
        label={"to come": "info", "in force": "success", "ended": "default"},
    )
    def stage(self, version: PolicyVersion) -> tuple[str, Any]:
        now = timezone.now()
        if version.valid_from > now:
            return "to come", _("to come")
        if policies.read_in_force(at=now).version == version.version:
            return "in force", _("in force")
        return "ended", _("ended")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start from the values of the newest version."""
        newest = PolicyVersion.objects.order_by("-version").first()
        return {name: getattr(newest, name) for name in flatten(SETTINGS)} if newest else {}

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        titled = {**(extra_context or {}), "title": _("New version of the matching policy")}
        page: HttpResponse = super().add_view(request, form_url, titled)
        return page

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        changes = self.compare(version) if version else {}
        context = {**(extra_context or {}), **changes}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    def compare(self, version: Any) -> dict[str, Any]:
        """List what this version changed from the one before it."""
        before = PolicyVersion.objects.filter(version__lt=version.version)
        former = before.order_by("-version").first()
        return {"former": former, "changes": rulebook.list_changes(version, former)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        policies.publish(obj, at=clock.now())
