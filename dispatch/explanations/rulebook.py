"""The matching policy in sentences, for the page "How matching works".

Each filter, cost and input of `dispatch.rules.policy` has one. A test fails when one is missing.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from dispatch import wording
from dispatch.models import PolicyVersion
from dispatch.models.policies import COSTS
from dispatch.rules.limits import CONTACT_LASTS
from dispatch.rules.policy import LOOK_AHEAD, Policy
from dispatch.rules.rating_bound import LEAST_REVIEWS

#: The only cost that counts for a single conversation.
REOFFER_COST = "asked_before"
#: The agents each filter excludes.
FILTERS: dict[str, Any] = {
    "language": _("Agents who do not speak the customer’s language."),
    "skill": _("Agents below a required skill level."),
    "certificate": _("Agents without the certificate the client requires."),
    "capacity": _("Agents who already have as many conversations and offers as they take at once."),
    "blocked": _("Agents who are kept apart from this customer."),
    "asked": _("Agents who already have this offer on their screen."),
    "declined": _("Agents who have passed on this conversation for good."),
}
#: The meaning of each cost.
PARTS: dict[str, Any] = {
    "language": _("how well they speak the language"),
    "skill": _("how well they know what is asked for"),
    "scarce": _("what they are likely to be needed for soon"),
    "quality": _("what reviews say of their work"),
    "idle": _("how long they have been free"),
    "workload_today": _("their share of today's work"),
    "no_prior_contact": _("whether they know this customer"),
    "asked_before": _("did not answer when asked before"),
}
#: Everything matching knows of an agent.
INPUTS: dict[str, Any] = {
    "id": _("who they are, to tell them from others"),
    "languages": _("the languages they speak, and how well"),
    "skills": _("what they know, and how well"),
    "certificates": _("the certificates they hold"),
    "idle_since": _("since when they have been free"),
    "room": _("how many more conversations they could take"),
    "worked_today": _("how many conversations they have had today"),
    "reviews": _("how many reviews there are of their work"),
    "good_reviews": _("how many of those reviews are good"),
    "scarcity": _("how likely what they can do is needed soon, as few are free for it"),
}


@dataclass(frozen=True)
class PublishedWeight:
    """One cost: its weight in points, and the width of its bar in per cent.

    REOFFER_COST has no bar, because it is not comparable with the others.
    """

    title: str
    meaning: str
    points: int
    width: float | None


@dataclass(frozen=True)
class Rulebook:
    """One version of the policy in sentences."""

    version: PolicyVersion
    parts: list[PublishedWeight]
    filters: list[str]
    waiting: list[str]
    asking: list[str]


def build(version: PolicyVersion) -> Rulebook:
    """This version in sentences, the heaviest cost first."""
    policy = version.rules()
    return Rulebook(
        version=version,
        parts=list_weights(policy),
        filters=[str(FILTERS[name]) for name in FILTERS],
        waiting=explain_waiting(policy),
        asking=explain_offering(policy),
    )


def list_weights(policy: Policy) -> list[PublishedWeight]:
    """All costs, the heaviest first and REOFFER_COST last."""
    points = {name: int(getattr(policy, name)) for name in COSTS}
    lasting = {name: weight for name, weight in points.items() if name != REOFFER_COST}
    most = max(*lasting.values(), 1)
    widths = {name: 100 * weight / most for name, weight in lasting.items()}
    return [
        PublishedWeight(
            capitalize_first(str(PARTS[name])),
            explain_cost(name, policy),
            points[name],
            widths.get(name),
        )
        for name in [*sorted(lasting, key=lambda name: -points[name]), REOFFER_COST]
    ]


def explain_cost(name: str, policy: Policy) -> str:
    """A sentence saying when this cost is 0 and when it is its whole weight."""
    sentences: dict[str, Any] = {
        "language": gettext("Level 5 costs nothing; level 1 costs all of it."),
        "skill": gettext(
            "The mean over the skills asked for: level 5 costs nothing, level 1 all of it."
        ),
        "scarce": gettext(
            "For each skill in each language they can help with: how likely it is that "
            "everybody free for it is asked for it within %(span)s, by how many customers come "
            "and what they usually ask for. Added up, 100 %% cost all of it. So agents with a "
            "skill that few free agents have are kept for the customers who need it. Nobody is "
            "paid less for it."
        )
        % {"span": wording.span(LOOK_AHEAD)},
        "quality": gettext(
            "How good their work is at the very least, by its reviews. With fewer than %(least)d "
            "reviews nobody can say, and %(share)d %% counts for everybody."
        )
        % {"least": LEAST_REVIEWS, "share": policy.quality_unknown},
        "idle": gettext(
            "All of it right after a conversation, less with every minute, nothing after %(span)s."
        )
        % {"span": wording.span(timedelta(seconds=policy.idle_enough))},
        "workload_today": ngettext(
            "Nothing before the first conversation of the day, all of it from %(count)d on.",
            "Nothing before the first conversation of the day, all of it from %(count)d on.",
            policy.full_workload,
        )
        % {"count": policy.full_workload},
        "no_prior_contact": gettext(
            "Only if an agent helped this customer in the last %(days)d days: that agent costs "
            "nothing, every other agent all of it."
        )
        % {"days": CONTACT_LASTS.days},
        "asked_before": gettext(
            "Only for being asked for the very same conversation again, after no answer or "
            "“not now”. It does not count for any other conversation."
        ),
    }
    return str(sentences[name])


def explain_waiting(policy: Policy) -> list[str]:
    """Sentences about waiting: its points, and the lowering of required levels."""
    start = policy.head_start(1)
    return [
        gettext("Every minute past the time the client promised weighs %(points)d points.")
        % {"points": policy.waiting},
        gettext("Each step of urgency weighs %(points)d points: a head start of %(span)s.")
        % {"points": policy.urgency, "span": wording.span(start)},
        gettext(
            "Leaving a customer waiting weighs %(points)d points at the time promised and never "
            "less than half of that: far more than any pair can cost. So nobody waits while "
            "somebody who fits is free."
        )
        % {"points": policy.unassigned_penalty},
        *_explain_lowering(policy),
    ]


def _explain_lowering(policy: Policy) -> list[str]:
    if not policy.lower_levels_at:
        return [gettext("What is asked for stays as it is, however long the customer waits.")]
    steps = ", ".join(f"{percent} %" for percent in policy.lower_levels_at)
    return [
        gettext(
            "When a customer has waited %(steps)s of the time the client promised, each level "
            "asked for is one lower each time, never below 1."
        )
        % {"steps": steps},
        gettext(
            "A skill is dropped only where the client said that it gives way, when it asked for a "
            "human; then at %(last)d %% of that time."
        )
        % {"last": policy.lower_levels_at[-1]},
        gettext("Language and certificates stay. The offer says what was lowered or dropped."),
    ]


def explain_offering(policy: Policy) -> list[str]:
    """Sentences about offers: how many at once, and for how long one agent has it alone."""
    if policy.max_parallel_offers == 1:
        return [gettext("One agent at a time is asked.")]
    return [
        gettext("For %(span)s an offer is one agent’s alone; then another is asked too.")
        % {"span": wording.span(timedelta(seconds=policy.exclusive_for))},
        gettext("At most %(count)d are asked at once. The first to say yes gets it.")
        % {"count": policy.max_parallel_offers},
    ]


def read_versions(
    *, at: datetime
) -> tuple[PolicyVersion, list[PolicyVersion], list[PolicyVersion]]:
    """The version in force, the future ones by date, and the past ones, the newest first."""
    dated = list(PolicyVersion.objects.order_by("-valid_from"))
    future = [version for version in dated if version.valid_from > at]
    current, *past = dated[len(future) :]
    return current, future[::-1], past


def list_changes(
    version: PolicyVersion, before: PolicyVersion | None
) -> list[tuple[str, Any, Any]]:
    """The settings that differ from an earlier version: name, old value, new value."""
    if before is None:
        return []
    names = {each.name for each in fields(Policy)} - {"version"}
    return [
        (capitalize_first(str(each.verbose_name)), was, is_now)
        for each in PolicyVersion._meta.fields
        if each.name in names
        and (was := format_setting(each.value_from_object(before)))
        != (is_now := format_setting(each.value_from_object(version)))
    ]


def format_setting(value: Any) -> str:
    """A setting as text: a list with commas, a dash if it is empty."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "—"
    return str(value)


def capitalize_first(phrase: str) -> str:
    return phrase[:1].upper() + phrase[1:]
