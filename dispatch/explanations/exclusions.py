"""Sentences that tell agents why they could not be offered a ticket.

Each filter of `dispatch.rules.policy` and each reason of `dispatch.explanations.not_considered`
has one. A test fails when a name has no sentence.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch import wording
from dispatch.rules.policy import FreeAgent, WaitingTicket


def _lacks_skill(ticket: WaitingTicket, me: FreeAgent) -> Iterator[str]:
    for code, least in ticket.skills.items():
        level = me.skills.get(code, 0)
        if level < least:
            about = {"skill": wording.skills([code])[0], "asked": least, "level": level}
            yield (
                gettext("it asked for %(skill)s at level %(asked)d; you have %(level)d") % about
                if level
                else gettext("it asked for %(skill)s at level %(asked)d; you have none") % about
            )


def _always(sentence: Any) -> Callable[[WaitingTicket, FreeAgent], list[str]]:
    return lambda ticket, me: [str(sentence)]


#: By the name of the filter or reason: what it says to the agent.
EXCLUDED: Mapping[str, Callable[[WaitingTicket, FreeAgent], Any]] = {
    "language": lambda ticket, me: [
        gettext("it was in %(language)s, which you do not speak")
        % {"language": wording.language(ticket.language)}
    ],
    "skill": _lacks_skill,
    "certificate": lambda ticket, me: [
        gettext("it requires the certificate %(certificate)s, which you do not hold")
        % {"certificate": ticket.certificate}
    ],
    "capacity": _always(_("you held as many conversations as you take at once")),
    "blocked": _always(_("you and this customer are not put together again")),
    "asked": _always(_("you had it on your screen already")),
    "declined": _always(_("you had passed on this one")),
    "further": _always(_("others had been free for longer")),
    "silent": _always(_("nothing had been heard from your page for a while: a weak connection")),
}
