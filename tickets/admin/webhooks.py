"""Admin pages of webhooks: endpoints, deliveries and their attempts."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from tickets.admin.base import DemandAdmin, DemandRecordAdmin, instant_column
from tickets.errors import UnsafeUrl
from tickets.events import outbound_http, outbox
from tickets.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint


class EndpointForm(forms.ModelForm):
    class Meta:
        model = WebhookEndpoint
        fields = ["client", "url"]

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        try:
            outbound_http.check_url(url)
        except UnsafeUrl as refused:
            raise forms.ValidationError(gettext(str(refused))) from None
        return url


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(DemandAdmin):
    form = EndpointForm
    list_display = ["url", "client", "state", "created"]
    list_filter = ["client", ("disabled_at", admin.EmptyFieldListFilter)]
    search_fields = ["url", "client__name"]
    list_select_related = ["client"]
    ordering = ["client__name", "url"]
    fields = ["client", "url", ("created", "disabled")]
    add_fieldsets = [(None, {"fields": ["client", "url"]})]
    readonly_fields = ["created", "disabled"]
    created = instant_column("created_at", _("created"))
    disabled = instant_column("disabled_at", _("disabled"))
    actions = ["enable", "disable"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "client"] if obj else fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An endpoint is disabled, never deleted, because its deliveries are kept."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            said = gettext("Copy this signing secret now, it is never shown again: %s")
            messages.success(request, said % obj.secret)

    @display(description=_("state"), label={"active": "success", "disabled": "danger"})
    def state(self, endpoint: WebhookEndpoint) -> tuple[str, Any]:
        if endpoint.disabled_at:
            return "disabled", _("disabled")
        return "active", _("active")

    @admin.action(description=_("Enable"), permissions=["operate"])
    def enable(self, request: HttpRequest, endpoints: QuerySet[WebhookEndpoint]) -> None:
        def verb(endpoint: WebhookEndpoint) -> None:
            WebhookEndpoint.objects.filter(pk=endpoint.pk).update(disabled_at=None)

        self.carry_out(request, endpoints, verb, done=gettext("enabled"))

    @admin.action(description=_("Disable"), permissions=["operate"])
    def disable(self, request: HttpRequest, endpoints: QuerySet[WebhookEndpoint]) -> None:
        def verb(endpoint: WebhookEndpoint) -> None:
            active = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
            active.update(disabled_at=timezone.now())

        self.carry_out(request, endpoints, verb, done=gettext("disabled"))


class AttemptInline(TabularInline):
    model = WebhookAttempt
    fields = readonly_fields = ["tried", "status", "error", "took_ms"]
    tried = instant_column("at", _("at"))
    ordering = ["at"]
    can_delete = False
    extra = 0
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("tickets.view_webhookdelivery"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DeliveryStateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("delivered", _("delivered")), ("due", _("due")), ("given_up", _("given up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        by_state = {
            "delivered": queryset.filter(delivered_at__isnull=False),
            "due": queryset.filter(delivered_at=None, dead_at=None),
            "given_up": queryset.filter(dead_at__isnull=False),
        }
        return by_state.get(self.value() or "", queryset)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(DemandRecordAdmin):
    list_display = ["created", "type", "endpoint", "ticket", "state", "attempts"]
    list_filter = [DeliveryStateFilter, "type"]
    search_fields = ["ticket__conversation_ref", "endpoint__url", "id__startswith"]
    list_select_related = ["endpoint", "ticket"]
    ordering = ["-pk"]
    fields = [
        ("type", "version", "ticket"), "endpoint", "name",
        ("created", "next_attempt", "delivered", "given_up"), "payload",
    ]  # fmt: skip
    readonly_fields = ["name", "created", "next_attempt", "delivered", "given_up"]
    created = instant_column("created_at", _("created"))
    next_attempt = instant_column("next_attempt_at", _("next attempt"))
    delivered = instant_column("delivered_at", _("delivered"))
    given_up = instant_column("dead_at", _("given up"))
    inlines = [AttemptInline]
    actions = ["redeliver"]

    @display(description="webhook-id")
    def name(self, delivery: WebhookDelivery) -> str:
        return outbox.webhook_id(delivery.pk)

    @display(
        description=_("state"),
        label={"delivered": "success", "due": "warning", "given_up": "danger"},
    )
    def state(self, delivery: WebhookDelivery) -> tuple[str, Any]:
        if delivery.delivered_at:
            return "delivered", _("delivered")
        return ("given_up", _("given up")) if delivery.dead_at else ("due", _("due"))

    @admin.action(description=_("Send again"), permissions=["operate"])
    def redeliver(self, request: HttpRequest, deliveries: QuerySet[WebhookDelivery]) -> None:
        def verb(delivery: WebhookDelivery) -> None:
            outbox.redeliver(delivery, at=timezone.now())

        self.carry_out(request, deliveries, verb, done=gettext("will be sent again"))
