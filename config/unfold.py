"""The look of the coordinators' pages: name, accent colour and sidebar."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _


def can_view(model: str) -> Any:
    """Build a permission test for the sidebar: may this user view the rows of "agents.agent"?"""
    app, name = model.split(".")

    def allowed(request: HttpRequest) -> bool:
        asked = (f"{app}.{verb}_{name}" for verb in ("view", "change"))
        return any(request.user.has_perm(codename) for codename in asked)

    return allowed


def make_link(title: Any, icon: str, model: str) -> dict[str, Any]:
    """A line of the sidebar, for users who may view its page."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model.replace('.', '_')}_changelist"),
        "permission": can_view(model),
    }


def is_on_tickets(request: HttpRequest) -> bool:
    """True on ticket pages. The theme compares address prefixes, and the page of promised waits has
    its own line."""
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
                    make_link(_("Agents"), "support_agent", "agents.agent"),
                    {
                        **make_link(_("Tickets"), "confirmation_number", "tickets.ticket"),
                        "active": is_on_tickets,
                    },
                    {
                        "title": _("Promised waits"),
                        "icon": "timer",
                        "link": reverse_lazy("admin:tickets_ticket_waits"),
                        "permission": can_view("tickets.ticket"),
                    },
                    make_link(_("Offers"), "notifications_active", "dispatch.offer"),
                    make_link(_("Assignments"), "forum", "dispatch.assignment"),
                    make_link(_("Audit findings"), "rule", "dispatch.auditfinding"),
                ],
            },
            {
                "title": _("Matching"),
                "items": [
                    make_link(_("Decisions"), "manage_search", "dispatch.decision"),
                    make_link(_("Policy"), "balance", "dispatch.policyversion"),
                    make_link(_("Kept apart"), "person_off", "dispatch.customeraffinity"),
                ],
            },
            {
                "title": _("Money"),
                "items": [
                    make_link(_("Ledger"), "account_balance", "agents.journalentry"),
                    make_link(_("Rate cards"), "request_quote", "agents.ratecard"),
                ],
            },
            {
                "title": _("Clients"),
                "items": [
                    make_link(_("Clients"), "storefront", "tickets.client"),
                    make_link(_("API keys"), "key", "tickets.apikey"),
                    make_link(_("Skills"), "school", "tickets.skill"),
                    make_link(_("Webhook endpoints"), "webhook", "tickets.webhookendpoint"),
                    make_link(_("Deliveries"), "outbox", "tickets.webhookdelivery"),
                ],
            },
            {
                "title": _("People"),
                "items": [
                    make_link(_("Users"), "person", "agents.user"),
                    make_link(_("Groups"), "group", "auth.group"),
                ],
            },
        ],
    },
}
