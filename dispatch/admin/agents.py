"""The admin page of agents, extended by their conversations and the skill catalogue."""

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
    """The choices are the skills of the catalogue, and others that agents already have."""

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
        panel = super().panel(agent)
        figures = [
            (_("conversations today"), self.conversations(agent)),
            (_("reviews"), format_reviews(agent)),
            (_("well reviewed"), format_reliable_share(agent)),
        ]
        return {**panel, "figures": [*panel["figures"], *figures]}

    def links(self, agent: Any) -> list[tuple[Any, str]]:
        query = f"?agent__id__exact={agent.pk}"
        return [
            (_("Offers"), reverse("admin:dispatch_offer_changelist") + query),
            (_("Assignments"), reverse("admin:dispatch_assignment_changelist") + query),
            *super().links(agent),
        ]


def format_reviews(agent: Any) -> str:
    """Write the number of reviews, and how many of them are good."""
    standing = AgentRating.objects.filter(agent=agent).first() or AgentRating()
    if not standing.reviews:
        return "—"
    return gettext("%(good)d good of %(all)d") % {"good": standing.good, "all": standing.reviews}


def format_reliable_share(agent: Any) -> str:
    """Write the lower bound of the share of good reviews, once there are enough."""
    standing = AgentRating.objects.filter(agent=agent).first() or AgentRating()
    if standing.reviews < LEAST_REVIEWS:
        return gettext("too few reviews to say")
    share = round(wilson_lower_bound(standing.good, standing.reviews) * 100)
    return gettext("at least %(share)d %%") % {"share": share}
