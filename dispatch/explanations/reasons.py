"""Sentences that tell an agent why they were or were not offered a ticket, naming no other agent.

Each cost of `dispatch.rules.policy` has one. A test fails when a name has no sentence.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from dispatch import wording
from dispatch.explanations.exclusions import EXCLUDED
from dispatch.explanations.not_considered import UnconsideredAgent
from dispatch.explanations.replay import Candidate, TicketExplanation
from dispatch.models.policies import COSTS
from dispatch.rules.policy import BEST, FreeAgent
from dispatch.rules.rating_bound import LEAST_REVIEWS

#: A scarcity in thousandths below this is not worth mentioning.
LIKELY = 50
#: The title of each cost on the agent's page.
TITLES: dict[str, Any] = {
    "language": _("Language"),
    "skill": _("Skills"),
    "scarce": _("Kept for others"),
    "quality": _("Reviews"),
    "idle": _("Free for"),
    "workload_today": _("Share of today"),
    "no_prior_contact": _("Known customer"),
    "asked_before": _("Asked before"),
}


@dataclass(frozen=True)
class CostPart:
    """One cost as shown to an agent: its title, their own value, and how the others compared."""

    title: str
    mine: str
    others: str


def cost_breakdown(explanation: TicketExplanation, me: Candidate) -> list[CostPart]:
    """The costs of this agent, without those of weight 0 and those that do not apply."""
    others = [candidate for candidate in explanation.ranked if candidate is not me]
    return [
        CostPart(str(TITLES[name]), mine, _compare(name, me, others))
        for name in COSTS
        if getattr(explanation.policy, name)
        and (mine := OWN_VALUES[name](explanation, me.agent_input))
    ]


def rank_sentence(explanation: TicketExplanation, me: Candidate) -> str:
    """The agent's rank among the agents who could serve the ticket."""
    others = len(explanation.ranked) - 1
    if not others:
        return gettext("Nobody else who fits was free.")
    if me.rank == 1:
        return ngettext(
            "You fitted best; %(count)d other person would have fitted too.",
            "You fitted best; %(count)d other people would have fitted too.",
            others,
        ) % {"count": others}
    return gettext(
        "You ranked %(place)d of %(all)d; everyone before you was asked for another "
        "conversation at the same moment."
    ) % {"place": me.rank, "all": others + 1}


def why_not_chosen(explanation: TicketExplanation, me: Candidate) -> Iterator[str]:
    """Why the wave chose another agent over this candidate."""
    if me.verdict.excluded_by:
        yield from EXCLUDED[me.verdict.excluded_by](explanation.ticket, me.agent_input)
    elif me.paired_ticket:
        yield gettext("you were asked for another conversation at the same moment")
    else:
        yield from _explain_rank(explanation, me)


def why_not_considered(explanation: TicketExplanation, me: UnconsideredAgent) -> Iterator[str]:
    """Why the wave did not consider this agent."""
    if me.excluded_by == "capacity":
        yield _explain_full(me)
    else:
        yield from EXCLUDED[me.excluded_by](explanation.ticket, me.agent_input)


def _explain_rank(explanation: TicketExplanation, me: Candidate) -> Iterator[str]:
    """The costs in which better-ranked agents were better, the largest differences first."""
    ahead = explanation.list_ahead_of(me)
    better = {
        name: sum(other.verdict.costs[name] < cost for other in ahead)
        for name, cost in me.verdict.costs.items()
    }
    chosen = next(
        (other for other in ahead if other.agent_input.id == explanation.chosen), ahead[0]
    )
    telling = [name for name in COSTS if better[name]]
    telling.sort(key=lambda name: chosen.verdict.costs[name] - me.verdict.costs[name])
    for name in telling[:3]:
        yield BETTER[name](better[name])
    if not telling:
        yield gettext("you fitted just as well; between equals, the one free for longest is asked")


def _compare(name: str, me: Candidate, others: list[Candidate]) -> str:
    """The number of other candidates better in this cost, or else worse."""
    if not others:
        return ""
    mine = me.verdict.costs[name]
    better = sum(other.verdict.costs[name] < mine for other in others)
    worse = sum(other.verdict.costs[name] > mine for other in others)
    about = {"better": better, "worse": worse, "all": len(others)}
    if better:
        return gettext("%(better)d of %(all)d others better") % about
    if worse:
        return gettext("nobody better, %(worse)d of %(all)d others less well placed") % about
    return gettext("the same for all")


def _language(explanation: TicketExplanation, me: FreeAgent) -> str:
    level = me.languages[explanation.ticket.language]
    return gettext("%(language)s at level %(level)d of %(best)d") % {
        "language": wording.language(explanation.ticket.language),
        "level": level,
        "best": BEST,
    }


def _skills(explanation: TicketExplanation, me: FreeAgent) -> str:
    asked = explanation.ticket.skills
    named = zip(wording.skills(asked), asked.items(), strict=True)
    return ", ".join(
        gettext("%(skill)s at level %(level)d (%(asked)d asked for)")
        % {"skill": name, "level": me.skills[code], "asked": least}
        for name, (code, least) in named
    )


def _scarce(explanation: TicketExplanation, me: FreeAgent) -> str:
    if not (likely := sum(chance >= LIKELY for chance in me.scarcity.values())):
        return gettext(
            "no skill of yours is likely to be needed soon while few who have it are free"
        )
    return ngettext(
        "%(count)d skill of yours is likely to be needed soon while few who have it are free",
        "%(count)d skills of yours are likely to be needed soon while few who have them are free",
        likely,
    ) % {"count": likely}


def _reviews(explanation: TicketExplanation, me: FreeAgent) -> str:
    if me.reviews < LEAST_REVIEWS:
        return gettext("too few reviews to say, so the usual figure counts")
    return gettext("%(good)d of %(all)d reviews are good") % {
        "good": me.good_reviews,
        "all": me.reviews,
    }


def _idle(explanation: TicketExplanation, me: FreeAgent) -> str:
    return wording.span(max(explanation.decision.at - me.idle_since, timedelta()))


def _workload_today(explanation: TicketExplanation, me: FreeAgent) -> str:
    return ngettext(
        "%(count)d conversation so far that day",
        "%(count)d conversations so far that day",
        me.worked_today,
    ) % {"count": me.worked_today}


def _no_prior_contact(explanation: TicketExplanation, me: FreeAgent) -> str:
    if not explanation.ticket.known_by:
        return ""
    if me.id in explanation.ticket.known_by:
        return gettext("you had helped this customer before")
    return gettext("somebody else had helped this customer before")


def _asked_before(explanation: TicketExplanation, me: FreeAgent) -> str:
    if me.id not in explanation.ticket.timed_out_by:
        return ""
    return gettext("you had been asked for it once; it counts for this conversation only")


#: The agent's own value of each cost; empty where it does not apply to the ticket.
OWN_VALUES: dict[str, Callable[[TicketExplanation, FreeAgent], str]] = {
    "language": _language,
    "skill": lambda explanation, me: _skills(explanation, me) if explanation.ticket.skills else "",
    "scarce": _scarce,
    "quality": _reviews,
    "idle": _idle,
    "workload_today": _workload_today,
    "no_prior_contact": _no_prior_contact,
    "asked_before": _asked_before,
}


#: The sentence for each cost in which so many better-ranked agents were better.
BETTER: Mapping[str, Callable[[int], str]] = {
    "language": lambda count: (
        ngettext(
            "%(count)d other agent speaks the language better",
            "%(count)d other agents speak the language better",
            count,
        )
        % {"count": count}
    ),
    "skill": lambda count: (
        ngettext(
            "%(count)d other agent knows better what it asked for",
            "%(count)d other agents know better what it asked for",
            count,
        )
        % {"count": count}
    ),
    "scarce": lambda count: (
        ngettext(
            "you are likelier to be needed for others; %(count)d other agent is needed less",
            "you are likelier to be needed for others; %(count)d other agents are needed less",
            count,
        )
        % {"count": count}
    ),
    "quality": lambda count: (
        ngettext(
            "reviews say more for the work of %(count)d other agent",
            "reviews say more for the work of %(count)d other agents",
            count,
        )
        % {"count": count}
    ),
    "idle": lambda count: (
        ngettext(
            "%(count)d other agent had been free for longer",
            "%(count)d other agents had been free for longer",
            count,
        )
        % {"count": count}
    ),
    "workload_today": lambda count: (
        ngettext(
            "%(count)d other agent had had fewer conversations that day",
            "%(count)d other agents had had fewer conversations that day",
            count,
        )
        % {"count": count}
    ),
    "no_prior_contact": lambda count: (
        ngettext(
            "%(count)d other agent knew this customer",
            "%(count)d other agents knew this customer",
            count,
        )
        % {"count": count}
    ),
    "asked_before": lambda count: (
        ngettext(
            "you had been asked for it before, %(count)d other agent had not",
            "you had been asked for it before, %(count)d other agents had not",
            count,
        )
        % {"count": count}
    ),
}


def _explain_full(me: UnconsideredAgent) -> str:
    sentence = gettext("you were being asked for another conversation (your limit is %(limit)d)")
    if me.talking:
        sentence = gettext("you were in another conversation (your limit is %(limit)d)")
    return sentence % {"limit": me.capacity}
