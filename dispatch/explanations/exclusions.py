"""Why somebody could not be asked at all, in words for them: by a filter of the policy, or by where
they stood.

Keyed by the names of `dispatch.rules.policy` and `dispatch.explanations.not_considered`. A test
fails when a name has no sentence.
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


def _says(sentence: Any) -> Callable[[WaitingTicket, FreeAgent], list[str]]:
    return lambda ticket, me: [str(sentence)]


#: Why they could not be asked: by the policy's filter, or by where they stood.
EXCLUDED: Mapping[str, Callable[[WaitingTicket, FreeAgent], Any]] = {
    "language": lambda ticket, me: [
        gettext("it was in %(language)s, which you do not speak")
        % {"language": wording.language(ticket.language)}
    ],
    "skill": _lacks_skill,
    "certificate": lambda ticket, me: [
        gettext("whoever takes it must hold the certificate %(certificate)s")
        % {"certificate": ticket.certificate}
    ],
    "capacity": _says(_("you held as many conversations as you take at once")),
    "blocked": _says(_("you and this customer are not put together again")),
    "asked": _says(_("you had it on your screen already")),
    "declined": _says(_("you had passed on this one")),
    "further": _says(_("others had been free for longer")),
    "silent": _says(_("nothing had been heard from your page for a while: a weak connection")),
}
