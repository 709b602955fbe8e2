"""The look of the coordinators' pages: name, accent colour, and what the sidebar lists."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _


def may_view(model: str) -> Any:
    """A test for whether the reader may see these rows: "agents.agent"."""
    app, name = model.split(".")

    def allowed(request: HttpRequest) -> bool:
        asked = (f"{app}.{verb}_{name}" for verb in ("view", "change"))
        return any(request.user.has_perm(codename) for codename in asked)

    return allowed


def listed(title: Any, icon: str, model: str) -> dict[str, Any]:
    """One line of the sidebar, for those who may see what it leads to."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model.replace('.', '_')}_changelist"),
        "permission": may_view(model),
    }


def on_tickets(request: HttpRequest) -> bool:
    """The theme goes by how an address begins; the promised waits have a line of their own."""
    begins = request.path.startswith(reverse("admin:tickets_ticket_changelist"))
    return begins and request.path != reverse("admin:tickets_ticket_waits")


def icon(request: HttpRequest) -> str:
    return static("desk/icon.svg")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Relève",
    "SITE_HEADER": "Relève",
    "SITE_SUBHEADER": _("All times in UTC"),
    "SITE_SYMBOL": "swap_horiz",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": icon}],
    "SITE_URL": reverse_lazy("doors"),
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "DASHBOARD_CALLBACK": "dispatch.admin.floor.show",
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.6% .014 190)",
            "100": "oklch(94.4% .03 190)",
            "200": "oklch(89% .055 190)",
            "300": "oklch(81% .085 190)",
            "400": "oklch(71% .1 190)",
            "500": "oklch(60% .1 190)",
            "600": "oklch(47.5% .085 192)",
            "700": "oklch(41.5% .075 192)",
            "800": "oklch(35.5% .062 194)",
            "900": "oklch(31% .052 196)",
            "950": "oklch(22.5% .04 198)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "title": _("Live"),
                "items": [
                    {
                        "title": _("Floor"),
                        "icon": "monitoring",
                        "link": reverse_lazy("admin:index"),
                    },
                    listed(_("Agents"), "support_agent", "agents.agent"),
                    {
                        **listed(_("Tickets"), "confirmation_number", "tickets.ticket"),
                        "active": on_tickets,
                    },
                    {
                        "title": _("Promised waits"),
                        "icon": "timer",
                        "link": reverse_lazy("admin:tickets_ticket_waits"),
                        "permission": may_view("tickets.ticket"),
                    },
                    listed(_("Offers"), "notifications_active", "dispatch.offer"),
                    listed(_("Assignments"), "forum", "dispatch.assignment"),
                    listed(_("Audit findings"), "rule", "dispatch.auditfinding"),
                ],
            },
            {
                "title": _("Matching"),
                "items": [
                    listed(_("Decisions"), "manage_search", "dispatch.decision"),
                    listed(_("Policy"), "balance", "dispatch.policyversion"),
                    listed(_("Kept apart"), "person_off", "dispatch.customeraffinity"),
                ],
            },
            {
                "title": _("Money"),
                "items": [
                    listed(_("Ledger"), "account_balance", "agents.journalentry"),
                    listed(_("Rate cards"), "request_quote", "agents.ratecard"),
                ],
            },
            {
                "title": _("Clients"),
                "items": [
                    listed(_("Clients"), "storefront", "tickets.client"),
                    listed(_("API keys"), "key", "tickets.apikey"),
                    listed(_("Skills"), "school", "tickets.skill"),
                    listed(_("Webhook endpoints"), "webhook", "tickets.webhookendpoint"),
                    listed(_("Deliveries"), "outbox", "tickets.webhookdelivery"),
                ],
            },
            {
                "title": _("People"),
                "items": [
                    listed(_("Users"), "person", "agents.user"),
                    listed(_("Groups"), "group", "auth.group"),
                ],
            },
        ],
    },
}
