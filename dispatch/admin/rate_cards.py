"""The admin page of rate cards, extended by the choice of an existing client."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from agents.admin.rate_cards import RateCardAdmin
from agents.models import RateCard
from tickets.models import Client

admin.site.unregister(RateCard)


@admin.register(RateCard)
class ClientRateCardAdmin(RateCardAdmin):
    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "client":
            named = dict(Client.objects.order_by("name").values_list("slug", "name"))
            held = RateCard.objects.exclude(client__in=named).order_by("client")
            others = [(slug, slug) for slug in held.values_list("client", flat=True).distinct()]
            kwargs["widget"] = UnfoldAdminSelectWidget(choices=[("", "—"), *named.items(), *others])
        return super().formfield_for_dbfield(db_field, request, **kwargs)
