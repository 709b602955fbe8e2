"""Rate cards: editable until they are in force, then read-only. A change is a new version."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from agents.admin.base import PartInline, instant_column, redirect_to_row
from agents.models import RateCard, RatePremium
from agents.pay.money import format_money


class CardForm(forms.ModelForm):
    class Meta:
        model = RateCard
        fields = [
            "client", "currency", "per_ticket", "per_minute", "least", "expected_minutes",
            "valid_from", "valid_to",
        ]  # fmt: skip

    def clean_valid_from(self) -> datetime:
        """A start in the past becomes now, because no pay may be promised for the past."""
        given: datetime = self.cleaned_data["valid_from"]
        return max(given, timezone.now())


class RateCardForm(BaseDialogForm):
    valid_from = forms.DateTimeField(
        label=_("Valid from"),
        help_text=_("Times are in UTC."),
        widget=UnfoldAdminTextInputWidget({"type": "datetime-local"}),
    )

    def clean_valid_from(self) -> datetime:
        given: datetime = self.cleaned_data["valid_from"]
        if given <= timezone.now():
            raise forms.ValidationError(_("Give a time in the future."))
        card = RateCard.objects.get(pk=self.object_id)
        if RateCard.objects.filter(client=card.client, valid_from=given).exists():
            raise forms.ValidationError(_("Another card of this client starts then."))
        return given


class PremiumInline(PartInline):
    model = RatePremium
    fields = ["kind", "code", "per_ticket", "money"]
    readonly_fields = ["money"]

    @display(description=_("money"))
    def money(self, premium: RatePremium) -> str:
        if premium.per_ticket is None:
            return ""
        return format_money(premium.per_ticket, premium.card.currency)


@admin.register(RateCard)
class RateCardAdmin(ModelAdmin):
    form = CardForm
    inlines = [PremiumInline]
    list_display = ["client", "stage", "ticket_pay", "minute_pay", "least_pay", "starts"]
    list_filter = ["client", "currency"]
    search_fields = ["client"]
    ordering = ["client", "-valid_from"]
    fields = [
        ("client", "currency"),
        ("per_ticket", "ticket_pay"),
        ("per_minute", "minute_pay"),
        ("least", "least_pay"),
        "expected_minutes",
        "valid_from",
        "valid_to",
    ]
    readonly_fields = ["ticket_pay", "minute_pay", "least_pay"]
    actions_detail = ["new_version"]
    compressed_fields = False
    starts = instant_column("valid_from", _("valid from"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and _is_future(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and self.has_change_permission(request, obj)

    def has_copy_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("agents.add_ratecard"))

    @display(
        description=_("in force"),
        label={"to come": "info", "in force": "success", "ended": "default"},
    )
    def stage(self, card: RateCard) -> tuple[str, Any]:
        now = timezone.now()
        if card.valid_from > now:
            return "to come", _("to come")
        if card.valid_to and card.valid_to <= now:
            return "ended", _("ended")
        return "in force", _("in force")

    @display(description=_("per ticket, in money"), ordering="per_ticket")
    def ticket_pay(self, card: RateCard) -> str:
        return _format_rate(card.per_ticket, card)

    @display(description=_("per minute, in money"), ordering="per_minute")
    def minute_pay(self, card: RateCard) -> str:
        return _format_rate(card.per_minute, card)

    @display(description=_("least, in money"), ordering="least")
    def least_pay(self, card: RateCard) -> str:
        return _format_rate(card.least, card)

    @action(
        description=_("New version"),
        permissions=["copy"],
        dialog={
            "title": _("New version of this card"),
            "description": _("A copy, which you can then change until it is in force."),
            "form_class": RateCardForm,
            "form_submit_text": _("Copy"),
        },
    )
    def new_version(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        card = RateCard.objects.get(pk=object_id)
        made = copy_card(card, valid_from=form.cleaned_data["valid_from"])
        self.log_addition(request, made, _("copied from an earlier card"))
        return redirect_to_row(self, made.pk)


@transaction.atomic
def copy_card(card: RateCard, *, valid_from: datetime) -> RateCard:
    """A new card with the same rates and premiums, in force from then on."""
    premiums = list(card.premiums.all())
    made = RateCard.objects.get(pk=card.pk)
    made.pk, made.valid_from, made.valid_to = None, valid_from, None
    made.save(force_insert=True)
    RatePremium.objects.bulk_create(
        RatePremium(card=made, kind=one.kind, code=one.code, per_ticket=one.per_ticket)
        for one in premiums
    )
    return made


def _is_future(card: RateCard | None) -> bool:
    return card is None or not hasattr(card, "valid_from") or card.valid_from > timezone.now()


def _format_rate(amount: Any, card: RateCard) -> str:
    return "—" if amount is None or not card.pk else format_money(amount, card.currency)
