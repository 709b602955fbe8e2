"""Agents: their presence, abilities and work of today, and buttons for the roster's actions."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from agents import presence, roster
from agents.admin import formats, today
from agents.admin.base import PartInline, SupplyAdmin, make_page_button, redirect_to_row
from agents.admin.filters import LanguageFilter, PresenceFilter, SkillFilter
from agents.admin.forms import AgentForm, CapacityForm, CertificateForm, InviteForm, list_languages
from agents.models import Agent, AgentCertificate, AgentLanguage, AgentSkill, User

Agents = QuerySet[Agent]


class LanguageInline(PartInline):
    model = AgentLanguage
    fields = ["language", "level"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "language":
            named = dict(list_languages())
            held = AgentLanguage.objects.exclude(language__in=named).order_by("language")
            others = [(code, code) for code in held.values_list("language", flat=True).distinct()]
            kwargs["widget"] = UnfoldAdminSelectWidget(choices=[("", "—"), *named.items(), *others])
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class SkillInline(PartInline):
    model = AgentSkill
    fields = ["skill", "level"]


class CertificateInline(PartInline):
    model = AgentCertificate
    form = CertificateForm
    fields = ["code", "valid_until"]


@admin.register(Agent)
class AgentAdmin(SupplyAdmin):
    form = AgentForm
    inlines = [LanguageInline, SkillInline, CertificateInline]
    list_display = [
        "who", "live", "since_and_seen", "abilities", "load", "hours", "earnings", "approval",
    ]  # fmt: skip
    list_filter = [PresenceFilter, "status", LanguageFilter, SkillFilter]
    search_fields = ["name", "user__username"]
    list_select_related = ["user", "presence"]
    ordering = ["name", "pk"]
    actions = ["approve", "restrict", "take_offline", "send_on_break"]
    actions_detail = [
        "approve_here", "restrict_here", "take_offline_here", "send_on_break_here", "set_capacity",
    ]  # fmt: skip
    fieldsets = [(None, {"fields": ["name", ("country", "time_zone", "currency"), "status"]})]
    readonly_fields = ["status"]
    add_fieldsets = [
        (_("Login"), {"fields": ["login", ("user_name", "password")]}),
        (_("Agent"), {"fields": ["name", ("country", "time_zone", "currency"), "capacity"]}),
    ]
    change_form_outer_before_template = "admin/agent_panel.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        at = timezone.now()
        agents = super().get_queryset(request).prefetch_related("languages", "skills")
        return today.prefetch_today(today.annotate_state(agents, at=at), at=at)

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = InviteForm
        return super().get_form(request, obj, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
        else:
            self.invite(obj, form.cleaned_data)

    def invite(self, agent: Any, given: dict[str, Any]) -> None:
        """Create the login and the agent; the form then saves languages and skills."""
        login = given["login"] or User.objects.create_user(
            given["user_name"], password=given["password"] or None
        )
        about = {key: given[key] for key in ("name", "country", "time_zone", "currency")}
        made = roster.invite(login, languages={}, skills={}, capacity=given["capacity"], **about)
        agent.pk = made.pk
        agent.refresh_from_db()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        agent = self.get_object(request, object_id)
        more = self.panel(agent) if agent else {}
        context = {**(extra_context or {}), **more}
        shown: HttpResponse = super().change_view(request, object_id, form_url, context)
        return shown

    def panel(self, agent: Any) -> dict[str, Any]:
        """Context of the panel above the form of an agent."""
        at = timezone.now()
        return {
            "figures": [
                (_("live"), today.STATES[agent.state]),
                (_("since"), self.since(agent)),
                (_("last seen"), self.last_seen(agent)),
                (_("load"), self.load(agent)),
                (_("here today"), self.hours(agent)),
                (_("earned today"), self.earnings(agent)),
            ],
            "spans": [
                (span.get_status_display(), span.started_at, span.ended_at,
                 formats.format_hours((span.ended_at or at) - span.started_at))
                for span in reversed(agent.recent_spans[-20:])
            ],
            "links": self.links(agent),
        }  # fmt: skip

    def links(self, agent: Any) -> list[tuple[Any, str]]:
        """Links to other pages about this agent."""
        ledger = reverse("admin:agents_journalentry_changelist")
        return [
            (_("Ledger"), f"{ledger}?agent__id__exact={agent.pk}"),
            (_("Login"), reverse("admin:agents_user_change", args=[agent.user_id])),
        ]

    @display(description=_("agent"), header=True, ordering="name")
    def who(self, agent: Any) -> list[str]:
        return [agent.name, agent.user.username]

    @display(
        description=_("live"),
        ordering="state",
        label={
            "available": "success",
            "busy": "info",
            "away": "warning",
            "silent": "danger",
            "offline": "default",
        },
    )
    def live(self, agent: Any) -> tuple[str, Any]:
        return agent.state, today.STATES[agent.state]

    @display(description=_("since, seen"), header=True, ordering="presence__seen_at")
    def since_and_seen(self, agent: Any) -> list[str]:
        ago = gettext("%(time)s ago") % {"time": self.last_seen(agent)}
        return [self.since(agent), ago if agent.state != "offline" else ""]

    def since(self, agent: Any) -> str:
        return _format_time_since(agent, "since")

    def last_seen(self, agent: Any) -> str:
        return _format_time_since(agent, "seen_at")

    @display(description=_("languages, skills"), header=True)
    def abilities(self, agent: Any) -> list[str]:
        spoken = (f"{one.language}\u00a0{one.level}" for one in agent.languages.all())
        known = (f"{one.skill}\u00a0{one.level}" for one in agent.skills.all())
        return [", ".join(spoken) or "—", ", ".join(known)]

    @display(description=_("load"), ordering="presence__load")
    def load(self, agent: Any) -> str:
        held = getattr(agent, "presence", None)
        return f"{held.load}\u00a0/\u00a0{held.capacity}" if held else "—"

    @display(description=_("here today"))
    def hours(self, agent: Any) -> str:
        return formats.format_hours(today.sum_hours(agent, at=timezone.now()))

    @display(description=_("earned"))
    def earnings(self, agent: Any) -> str:
        return formats.format_amounts(today.sum_earnings(agent, at=timezone.now())) or "—"

    @display(
        description=_("status"),
        ordering="status",
        label={"invited": "warning", "approved": "success", "restricted": "danger"},
    )
    def approval(self, agent: Any) -> tuple[str, str]:
        return agent.status, agent.get_status_display()

    @admin.action(description=_("Approve"), permissions=["operate"])
    def approve(self, request: HttpRequest, agents: Agents) -> None:
        self.carry_out(request, agents, roster.approve, done=gettext("approved"))

    @admin.action(description=_("Restrict"), permissions=["operate"])
    def restrict(self, request: HttpRequest, agents: Agents) -> None:
        def verb(agent: Agent) -> None:
            roster.restrict(agent, at=timezone.now())

        self.carry_out(request, agents, verb, done=gettext("restricted"))

    @admin.action(description=_("Take offline"), permissions=["operate"])
    def take_offline(self, request: HttpRequest, agents: Agents) -> None:
        def verb(agent: Agent) -> None:
            presence.go_offline(agent, at=timezone.now())

        self.carry_out(request, agents, verb, done=gettext("taken offline"))

    @admin.action(description=_("Send on a break"), permissions=["operate"])
    def send_on_break(self, request: HttpRequest, agents: Agents) -> None:
        def verb(agent: Agent) -> None:
            presence.go_away(agent, at=timezone.now())

        self.carry_out(request, agents, verb, done=gettext("sent on a break"))

    approve_here = make_page_button(
        "approve_here", approve, ask=_("The agent may work from now on.")
    )
    restrict_here = make_page_button(
        "restrict_here",
        restrict,
        ask=_("The agent goes offline now and may not return until approved again. "
              "Their conversations go to other agents; their earnings stay theirs."),
    )  # fmt: skip
    take_offline_here = make_page_button(
        "take_offline_here",
        take_offline,
        ask=_("The agent's conversations go to other agents."),
    )
    send_on_break_here = make_page_button(
        "send_on_break_here",
        send_on_break,
        ask=_("No new offers reach the agent; the conversations they hold go on."),
    )

    @action(
        description=_("Set capacity"),
        permissions=["operate"],
        dialog={"title": _("Set capacity"), "description": "", "form_class": CapacityForm},
    )
    def set_capacity(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        def verb(agent: Agent) -> None:
            roster.set_capacity(agent, capacity=form.cleaned_data["capacity"])

        agents = self.get_queryset(request).filter(pk=object_id)
        self.carry_out(request, agents, verb, done=gettext("capacity set"))
        return redirect_to_row(self, object_id)


def _format_time_since(agent: Any, field: str) -> str:
    moment = getattr(getattr(agent, "presence", None), field, None)
    return formats.format_duration(timezone.now() - moment) if moment else "—"
