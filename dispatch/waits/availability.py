"""Availability: the position, the wait and the alternatives of a customer who escalates now."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatch.waits import estimator_cache
from dispatch.waits.availability_schema import (
    AgentsOnLine,
    Availability,
    ComeBack,
    ExpectedWait,
    Level,
    OpeningHours,
    OtherLanguage,
    StayWithBot,
    WithoutSkill,
)
from dispatch.waits.pool import AgentGroup
from tickets import opening_hours, queue
from tickets.models import Client, Ticket
from tickets.models.tickets import build_lane
from tickets.queue import Wait

#: At most this many other languages are listed, those with most free agents first.
MOST_LANGUAGES = 5


@dataclass(frozen=True)
class AvailabilityQuery:
    """A language, and skills with the minimum level of each."""

    language: str
    skills: Mapping[str, int]
    topic: str = ""
    #: The skills that are dropped at the policy's last step.
    gives_way: Collection[str] = ()


def check(client: Client, wish: AvailabilityQuery, *, at: datetime) -> Availability:
    """Return what a bot may want to tell before it escalates. Opens no ticket."""
    ticket = _draft_ticket(client, wish, at=at)
    wait = queue.estimate_wait(ticket, at=at)
    now = opening_hours.get_state(opening_hours.get_hours(client), at=at)
    present = _select_certified(client, estimator_cache.get_estimator(at=at).snapshot.agents)
    return Availability(
        position=queue.get_position(ticket) or 1,
        expected_wait_s=ExpectedWait.from_wait(wait),
        gives_up_after_s=int(client.patience.total_seconds()),
        agents=count_agents(wish, present),
        opening_hours=OpeningHours.from_state(opening_hours.get_hours(client), now),
        alternatives=[
            *_estimate_without_skills(client, wish, wait, present, at=at),
            *_find_other_languages(wish, present),
            StayWithBot(),
            *([ComeBack(opens_at=now.opens_at)] if now.opens_at else []),
        ],
    )


def count_agents(wish: AvailabilityQuery, present: Iterable[AgentGroup]) -> AgentsOnLine:
    """Count the agents on line who could serve this, by how well they could."""
    counted: Counter[tuple[int, int | None, bool, bool]] = Counter()
    for one in present:
        spoken = _get_level(one, f"{wish.language}/")
        known = [_get_level(one, f"{skill}:") for skill in wish.skills]
        if spoken and all(known):
            able = all(had >= least for had, least in zip(known, wish.skills.values(), strict=True))
            counted[spoken, min(known, default=None), able, one.room > 0] += one.size
    return AgentsOnLine(
        free=sum(count for (*_, able, free), count in counted.items() if able and free),
        busy=sum(count for (*_, able, free), count in counted.items() if able and not free),
        nearly=sum(count for (*_, able, _), count in counted.items() if not able),
        levels=list(_build_levels(counted)),
    )


def _build_levels(counted: Counter[tuple[int, int | None, bool, bool]]) -> Iterator[Level]:
    """Yield the levels, best first."""
    kinds = {(able, spoken, known) for spoken, known, able, _ in counted}
    for able, spoken, known in sorted(kinds, key=lambda kind: (kind[0], kind[1], kind[2] or 0))[
        ::-1
    ]:
        yield Level(
            language_level=spoken,
            skill_level=known,
            able=able,
            free=counted[spoken, known, able, True],
            busy=counted[spoken, known, able, False],
        )


def _estimate_without_skills(
    client: Client, wish: AvailabilityQuery, wait: Wait, present: list[AgentGroup], *, at: datetime
) -> Iterator[WithoutSkill]:
    """Yield the wait without one of the skills, where that is sooner."""
    for skill in wish.skills:
        others = {code: level for code, level in wish.skills.items() if code != skill}
        less = AvailabilityQuery(wish.language, others, wish.topic, wish.gives_way)
        sooner = queue.estimate_wait(_draft_ticket(client, less, at=at), at=at)
        if sooner.p50 is not None and (wait.p50 is None or sooner.p50 < wait.p50):
            free = count_agents(less, present).free
            yield WithoutSkill(
                skill=skill, free=free, expected_wait_s=ExpectedWait.from_wait(sooner)
            )


def _find_other_languages(
    wish: AvailabilityQuery, present: Iterable[AgentGroup]
) -> Iterator[OtherLanguage]:
    """Yield languages in which a free agent has the same skills."""
    skilled = {f"{code}:{level}" for code, level in wish.skills.items()}
    free: Counter[str] = Counter()
    for one in present:
        if one.room > 0 and skilled <= one.abilities:
            free.update({word[:-2]: one.size for word in one.abilities if word.endswith("/1")})
    del free[wish.language]
    for language, count in sorted(free.items(), key=lambda pair: (-pair[1], pair[0]))[
        :MOST_LANGUAGES
    ]:
        yield OtherLanguage(language=language, free=count)


def _select_certified(client: Client, present: Iterable[AgentGroup]) -> list[AgentGroup]:
    """Return the groups that hold the client's certificate."""
    required = {f"+{client.certificate}"} if client.certificate else set()
    return [one for one in present if required <= one.abilities]


def _get_level(one: AgentGroup, ability: str) -> int:
    """Return the highest level of this ability; 0 if the agents lack it."""
    return sum(f"{ability}{level}" in one.abilities for level in range(1, 6))


def _draft_ticket(client: Client, wish: AvailabilityQuery, *, at: datetime) -> Ticket:
    """Return the unsaved ticket of such a customer, at the end of the queue."""
    return Ticket(
        client=client,
        language=wish.language,
        topic=wish.topic,
        skills=dict(wish.skills),
        gives_way=list(wish.gives_way),
        lane=build_lane(wish.language, wish.skills, client.certificate),
        queued_at=at,
        due_at=at + client.answer_within,
        give_up_at=at + client.patience,
    )
