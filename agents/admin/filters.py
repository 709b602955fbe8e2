"""Filters of the list of agents."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from agents.admin.today import STATES
from agents.models import AgentLanguage, AgentSkill


class PresenceFilter(SimpleListFilter):
    """Needs a queryset with `state` (see `today`)."""

    title = _("live")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class LanguageFilter(SimpleListFilter):
    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        codes = AgentLanguage.objects.order_by("language").distinct("language")
        return [(code, code) for code in codes.values_list("language", flat=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(languages__language=self.value()) if self.value() else queryset


class SkillFilter(SimpleListFilter):
    title = _("skill")
    parameter_name = "skill"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        codes = AgentSkill.objects.order_by("skill").distinct("skill")
        return [(code, code) for code in codes.values_list("skill", flat=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(skills__skill=self.value()) if self.value() else queryset
