"""Agents, with what dispatch knows of them: their conversations, and skills from the catalogue."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from agents.admin.agents import AgentAdmin, CertificateInline, LanguageInline, SkillInline
from agents.admin.today import LONGEST_DAY, find_midnight
from agents.models import Agent, AgentSkill
from dispatch.admin.offers import REFUSALS
from dispatch.models import AgentRating, Assignment
from dispatch.rules.rating_bound import LEAST_REVIEWS, wilson_lower_bound
from tickets.models import Skill

admin.site.unregister(Agent)


class CatalogueInline(SkillInline):
    """Skills are chosen from those a ticket can ask for, and those agents have already."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "skill":
            named = dict(Skill.objects.order_by("name").values_list("code", "name"))
            held = AgentSkill.objects.exclude(skill__in=named).values_list("skill", flat=True)
            choices = [("", "—"), *named.items(), *((code, code) for code in sorted(set(held)))]
            kwargs["widget"] = UnfoldAdminSelectWidget(choices=choices)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(Agent)
class WorkingAgentAdmin(AgentAdmin):
    refusals = REFUSALS
    inlines = [LanguageInline, CatalogueInline, CertificateInline]

    def get_list_display(self, request: HttpRequest) -> list[str]:
        *columns, approval = super().get_list_display(request)
        return [*columns, "conversations", approval]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        taken = Assignment.objects.filter(started_at__gt=timezone.now() - LONGEST_DAY)
        recent = Prefetch(
            "assignments", taken.only("agent_id", "started_at"), to_attr="recent_assignments"
        )
        return super().get_queryset(request).prefetch_related(recent)

    @display(description=_("served"))
    def conversations(self, agent: Any) -> int:
        start = find_midnight(agent.time_zone, at=timezone.now())
        return sum(taken.started_at >= start for taken in agent.recent_assignments)

    def panel(self, agent: Any) -> dict[str, Any]:
        told = super().panel(agent)
        figures = [
            (_("conversations today"), self.conversations(agent)),
            (_("reviews"), reviews(agent)),
            (_("well reviewed"), well_reviewed(agent)),
        ]
        return {**told, "figures": [*told["figures"], *figures]}

    def links(self, agent: Any) -> list[tuple[Any, str]]:
        of = f"?agent__id__exact={agent.pk}"
        return [
            (_("Offers"), reverse("admin:dispatch_offer_changelist") + of),
            (_("Assignments"), reverse("admin:dispatch_assignment_changelist") + of),
            *super().links(agent),
        ]


def reviews(agent: Any) -> str:
    """How many customers said how it went, and how many of them were content."""
    standing = AgentRating.objects.filter(agent=agent).first() or AgentRating()
    if not standing.reviews:
        return "—"
    return gettext("%(good)d good of %(all)d") % {"good": standing.good, "all": standing.reviews}


def well_reviewed(agent: Any) -> str:
    """The share that can be relied on, once there are enough to say."""
    standing = AgentRating.objects.filter(agent=agent).first() or AgentRating()
    if standing.reviews < LEAST_REVIEWS:
        return gettext("too few reviews to say")
    share = round(wilson_lower_bound(standing.good, standing.reviews) * 100)
    return gettext("at least %(share)d %%") % {"share": share}
