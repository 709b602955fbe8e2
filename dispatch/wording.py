"""Durations, names and reasons as text, in the active language."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from django.core.cache import cache
from django.utils.translation import get_language, gettext, ngettext

from agents.pay.quotes import QuoteLine
from dispatch.models import Offer
from tickets.models import Skill


def clock(span: timedelta) -> str:
    """Write a duration like a clock: 4:12 or 1:04:12."""
    seconds = max(int(span.total_seconds()), 0)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def span(length: timedelta) -> str:
    """Write a duration in short: 12 s, 9 min, 2 h 10."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes:02}" if hours else f"{minutes} min"


def language(tag: str) -> str:
    """The name of a language, such as "English" or « anglais »."""
    return _language(tag, get_language() or "en")


@lru_cache(maxsize=1024)
def _language(tag: str, reader: str) -> str:
    try:
        return Locale.parse(tag, sep="-").get_display_name(Locale.parse(reader, sep="-")) or tag
    except (ValueError, UnknownLocaleError):
        return tag


def plain(slug: str) -> str:
    """A slug as a phrase: "card-not-arrived" is "Card not arrived"."""
    words = slug.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def skills(codes: Iterable[str]) -> list[str]:
    """List the names of skills. A cache miss is looked up in the database."""
    codes = list(codes)
    names: dict[str, str] = cache.get("skill_names") or {}
    if not names.keys() >= set(codes):
        names = dict(Skill.objects.values_list("code", "name"))
        cache.set("skill_names", names, timeout=60)
    return [names.get(code) or plain(code) for code in codes]


def pay_line(line: QuoteLine, minutes: int) -> str:
    """Name a part of the pay."""
    if line.kind == "skill":
        return gettext("Skill: %(skill)s") % {"skill": skills([line.code])[0]}
    if line.kind == "language":
        return gettext("Language: %(language)s") % {"language": language(line.code)}
    if line.kind == "minutes":
        return ngettext("%(count)s minute expected", "%(count)s minutes expected", minutes) % {
            "count": minutes
        }
    if line.kind == "least":
        return gettext("Raised to the least a conversation pays")
    return gettext("For each conversation")


def list_reasons(offer: Offer) -> Iterator[str]:
    """List the reasons why this agent got the offer."""
    given: dict[str, Any] = offer.reasons
    yield gettext("you speak %(language)s") % {"language": language(offer.ticket.language)}
    if known := [code for code in offer.ticket.skills if code not in given.get("without", [])]:
        yield gettext("you know %(skills)s") % {"skills": ", ".join(skills(known))}
    yield from list_lowered_for(offer)
    if given.get("known"):
        yield gettext("you have helped this customer before")
    if minutes := given.get("idle_s", 0) // 60:
        yield gettext("you have been free for %(count)s min or more") % {"count": minutes}
    yield from _compare_candidates(given.get("candidates", 0))
    if given.get("again"):
        yield gettext("you were asked once before, which changes nothing for you")


def list_lowered_for(offer: Offer) -> Iterator[str]:
    """List the skills whose required level had been lowered when the offer was made."""
    waited = timedelta(seconds=offer.reasons.get("waited_s", 0))
    yield from list_lowered(offer.reasons.get("lowered", {}), waited=waited)


def list_lowered(levels: Mapping[str, Sequence[int]], *, waited: timedelta) -> Iterator[str]:
    """`levels`: of each skill, the level first asked for and the level asked for after the wait.

    Level 0 says that the skill was dropped.
    """
    for name, (asked, level) in zip(skills(levels), levels.values(), strict=True):
        about = {"skill": name, "asked": asked, "level": level, "waited": span(waited)}
        yield (
            gettext(
                "%(skill)s was asked for at level %(asked)d; after %(waited)s level %(level)d is "
                "enough"
            )
            if level
            else gettext(
                "%(skill)s was asked for at level %(asked)d; after %(waited)s it is no longer "
                "asked for"
            )
        ) % about


def reasons(offer: Offer) -> str:
    """Write the reasons why this agent got the offer as one phrase."""
    return gettext("; ").join(list_reasons(offer))


def waited(offer: Offer) -> str:
    """How long the customer had waited when the offer was made."""
    return span(offer.sent_at - offer.ticket.queued_at)


def _compare_candidates(candidates: int) -> Iterator[str]:
    if candidates == 1:
        yield gettext("nobody else who fits is free")
    elif candidates > 1:
        others = candidates - 1
        yield ngettext(
            "you fit best now; %(count)s other person would fit too",
            "you fit best now; %(count)s other people would fit too",
            others,
        ) % {"count": others}
