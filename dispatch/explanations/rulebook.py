"""The matching policy in words, read from the policy itself: what excludes, what counts how much.

Keyed by the names of `dispatch.rules.policy`; a test holds that no name is without its words.
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

#: The one part that counts for a single conversation only.
AGAIN = "asked_before"
#: Whom each filter keeps from being asked.
FILTERS: dict[str, Any] = {
    "language": _("Whoever does not speak the customer’s language."),
    "skill": _("Whoever knows less of what is asked for than the level that is asked for."),
    "certificate": _("Whoever does not hold the certificate the client asks for."),
    "capacity": _("Whoever already holds as many conversations and offers as they take at once."),
    "blocked": _("Whoever is not to meet this customer again."),
    "asked": _("Whoever has this very offer on their screen already."),
    "declined": _("Whoever has passed on this very conversation for good."),
}
#: What each part of the cost is for.
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
#: All that is known of an agent when they are matched.
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
    """One part of the cost: its weight in points, and how long its bar is, of 100.

    What counts for one conversation only is in no proportion to the others, and has no bar.
    """

    title: str
    meaning: str
    points: int
    width: float | None


@dataclass(frozen=True)
class Rulebook:
    """One version of the policy in words."""

    version: PolicyVersion
    parts: list[PublishedWeight]
    filters: list[str]
    waiting: list[str]
    asking: list[str]


def build(version: PolicyVersion) -> Rulebook:
    """This version in words, what counts most in front."""
    policy = version.rules()
    return Rulebook(
        version=version,
        parts=parts(policy),
        filters=[str(FILTERS[name]) for name in FILTERS],
        waiting=waiting(policy),
        asking=asking(policy),
    )


def parts(policy: Policy) -> list[PublishedWeight]:
    points = {name: int(getattr(policy, name)) for name in COSTS}
    lasting = {name: of_it for name, of_it in points.items() if name != AGAIN}
    most = max(*lasting.values(), 1)
    drawn = {name: 100 * of_it / most for name, of_it in lasting.items()}
    return [
        PublishedWeight(
            capitalised(str(PARTS[name])), meaning(name, policy), points[name], drawn.get(name)
        )
        for name in [*sorted(lasting, key=lambda name: -points[name]), AGAIN]
    ]


def meaning(name: str, policy: Policy) -> str:
    """When this part costs nothing and when it costs all its points."""
    told: dict[str, Any] = {
        "language": gettext("Level 5 costs nothing; level 1 costs all of it."),
        "skill": gettext(
            "The mean over the skills asked for: level 5 costs nothing, level 1 all of it."
        ),
        "scarce": gettext(
            "For each skill in each language they can help with: how likely it is that everybody "
            "free for it is asked for it within %(span)s, by how many customers come and what they "
            "usually ask for. Added up, 100 %% cost all of it. So whoever can do what few who are "
            "free can is kept for those who need it. Nobody is paid less for it."
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
            "Only where somebody helped this customer in the last %(days)d days: whoever did costs "
            "nothing, everybody else all of it."
        )
        % {"days": CONTACT_LASTS.days},
        "asked_before": gettext(
            "Only for being asked for the very same conversation again, after no answer or "
            "“not now”. It does not count for any other conversation."
        ),
    }
    return str(told[name])


def waiting(policy: Policy) -> list[str]:
    """What counts on the customer's side."""
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
        *_relaxing(policy),
    ]


def _relaxing(policy: Policy) -> list[str]:
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


def asking(policy: Policy) -> list[str]:
    """How many are asked, and for how long alone."""
    if policy.max_parallel_offers == 1:
        return [gettext("One agent at a time is asked.")]
    return [
        gettext("For %(span)s an offer is one agent’s alone; then another is asked too.")
        % {"span": wording.span(timedelta(seconds=policy.exclusive_for))},
        gettext("At most %(count)d are asked at once. Whoever says yes first has it.")
        % {"count": policy.max_parallel_offers},
    ]


def in_force(*, at: datetime) -> tuple[PolicyVersion, list[PolicyVersion], list[PolicyVersion]]:
    """The version in force, those dated to come, and those of before, the newest first."""
    dated = list(PolicyVersion.objects.order_by("-valid_from"))
    to_come = [one for one in dated if one.valid_from > at]
    current, *before = dated[len(to_come) :]
    return current, to_come[::-1], before


def changes(version: PolicyVersion, before: PolicyVersion | None) -> list[tuple[str, Any, Any]]:
    """Which settings differ from an earlier version: their names, what was, what is."""
    if before is None:
        return []
    names = {each.name for each in fields(Policy)} - {"version"}
    return [
        (capitalised(str(each.verbose_name)), was, is_now)
        for each in PolicyVersion._meta.fields
        if each.name in names
        and (was := shown(each.value_from_object(before)))
        != (is_now := shown(each.value_from_object(version)))
    ]


def shown(value: Any) -> str:
    """A setting as it is read: a list with its commas, or none."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "—"
    return str(value)


def capitalised(phrase: str) -> str:
    return phrase[:1].upper() + phrase[1:]
