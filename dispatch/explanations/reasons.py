"""Why an agent was asked, or was not, in words for that agent: no names, nobody's but their own.

Keyed by the names of `dispatch.rules.policy`; a test holds that no name is without its words.
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

#: A chance in thousandths that is worth a word.
LIKELY = 50
#: What each part is called where it is told to the agent.
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
    """One thing that counted: what it is, how it was with them, and with the others."""

    title: str
    mine: str
    others: str


def cost_breakdown(account: TicketExplanation, me: Candidate) -> list[CostPart]:
    """What counted for this agent, part by part; what told nobody from another is left out."""
    others = [one for one in account.ranked if one is not me]
    return [
        CostPart(str(TITLES[name]), mine, _compared(name, me, others))
        for name in COSTS
        if getattr(account.policy, name) and (mine := MINE[name](account, me.agent_input))
    ]


def rank_sentence(account: TicketExplanation, me: Candidate) -> str:
    """Where they stood among those who fitted."""
    others = len(account.ranked) - 1
    if not others:
        return gettext("Nobody else who fits was free.")
    if me.rank == 1:
        return ngettext(
            "You fitted best; %(count)d other person would have fitted too.",
            "You fitted best; %(count)d other people would have fitted too.",
            others,
        ) % {"count": others}
    return gettext(
        "You stood in place %(place)d of %(all)d; whoever stood before you was asked for another "
        "conversation at the same moment."
    ) % {"place": me.rank, "all": others + 1}


def why_not_chosen(account: TicketExplanation, me: Candidate) -> Iterator[str]:
    """Why somebody else was asked, though this agent was looked at."""
    if me.verdict.excluded_by:
        yield from EXCLUDED[me.verdict.excluded_by](account.ticket, me.agent_input)
    elif me.given:
        yield gettext("you were asked for another conversation at the same moment")
    else:
        yield from _behind(account, me)


def why_not_considered(account: TicketExplanation, me: UnconsideredAgent) -> Iterator[str]:
    """Why the wave did not look at this agent at all."""
    if me.excluded_by == "capacity":
        yield _full(me)
    else:
        yield from EXCLUDED[me.excluded_by](account.ticket, me.agent_input)


def _behind(account: TicketExplanation, me: Candidate) -> Iterator[str]:
    """In which parts those before them were better, what made the most difference first."""
    ahead = account.ahead_of(me)
    better = {
        name: sum(one.verdict.costs[name] < cost for one in ahead)
        for name, cost in me.verdict.costs.items()
    }
    chosen = next((one for one in ahead if one.agent_input.id == account.chosen), ahead[0])
    telling = [name for name in COSTS if better[name]]
    telling.sort(key=lambda name: chosen.verdict.costs[name] - me.verdict.costs[name])
    for name in telling[:3]:
        yield BETTER[name](better[name])
    if not telling:
        yield gettext(
            "you fitted just as well; between equals, whoever has been free for longest is asked"
        )


def _compared(name: str, me: Candidate, others: list[Candidate]) -> str:
    """How many of the others were better in this part."""
    if not others:
        return ""
    mine = me.verdict.costs[name]
    better = sum(one.verdict.costs[name] < mine for one in others)
    worse = sum(one.verdict.costs[name] > mine for one in others)
    about = {"better": better, "worse": worse, "all": len(others)}
    if better:
        return gettext("%(better)d of %(all)d others better") % about
    if worse:
        return gettext("nobody better, %(worse)d of %(all)d others less well placed") % about
    return gettext("the same for all")


def _language(account: TicketExplanation, me: FreeAgent) -> str:
    level = me.languages[account.ticket.language]
    return gettext("%(language)s at level %(level)d of %(best)d") % {
        "language": wording.language(account.ticket.language),
        "level": level,
        "best": BEST,
    }


def _skills(account: TicketExplanation, me: FreeAgent) -> str:
    asked = account.ticket.skills
    named = zip(wording.skills(asked), asked.items(), strict=True)
    return ", ".join(
        gettext("%(skill)s at level %(level)d (%(asked)d asked for)")
        % {"skill": name, "level": me.skills[code], "asked": least}
        for name, (code, least) in named
    )


def _scarce(account: TicketExplanation, me: FreeAgent) -> str:
    if not (likely := sum(chance >= LIKELY for chance in me.scarcity.values())):
        return gettext("nothing that is likely to be asked for soon and few can do")
    return ngettext(
        "%(count)d thing you can do that is likely to be asked for soon and few can do",
        "%(count)d things you can do that are likely to be asked for soon and few can do",
        likely,
    ) % {"count": likely}


def _reviews(account: TicketExplanation, me: FreeAgent) -> str:
    if me.reviews < LEAST_REVIEWS:
        return gettext("too few reviews to say, so the usual figure counts")
    return gettext("%(good)d of %(all)d reviews are good") % {
        "good": me.good_reviews,
        "all": me.reviews,
    }


def _idle(account: TicketExplanation, me: FreeAgent) -> str:
    return wording.span(max(account.decision.at - me.idle_since, timedelta()))


def _workload_today(account: TicketExplanation, me: FreeAgent) -> str:
    return ngettext(
        "%(count)d conversation so far that day",
        "%(count)d conversations so far that day",
        me.worked_today,
    ) % {"count": me.worked_today}


def _no_prior_contact(account: TicketExplanation, me: FreeAgent) -> str:
    if not account.ticket.known_by:
        return ""
    if me.id in account.ticket.known_by:
        return gettext("you had helped this customer before")
    return gettext("somebody else had helped this customer before")


def _asked_before(account: TicketExplanation, me: FreeAgent) -> str:
    if me.id not in account.ticket.timed_out_by:
        return ""
    return gettext("you had been asked for it once; it counts for this conversation only")


#: How each part was with them; nothing where it could tell nobody from another.
MINE: dict[str, Callable[[TicketExplanation, FreeAgent], str]] = {
    "language": _language,
    "skill": lambda account, me: _skills(account, me) if account.ticket.skills else "",
    "scarce": _scarce,
    "quality": _reviews,
    "idle": _idle,
    "workload_today": _workload_today,
    "no_prior_contact": _no_prior_contact,
    "asked_before": _asked_before,
}


#: In what so many of those before them were better.
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


def _full(me: UnconsideredAgent) -> str:
    told = gettext("you were being asked for another conversation (your limit is %(limit)d)")
    if me.talking:
        told = gettext("you were in another conversation (your limit is %(limit)d)")
    return told % {"limit": me.capacity}
