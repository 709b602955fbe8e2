"""What a customer who asked for a human now would meet: their place, their wait, and what else."""

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

#: No more other languages than this are named, those with most agents free first.
MOST_LANGUAGES = 5


@dataclass(frozen=True)
class AvailabilityQuery:
    """What is asked for: a language, and skills with the least proficiency in each."""

    language: str
    skills: Mapping[str, int]
    topic: str = ""
    #: Those of the skills that are dropped at the policy's last step.
    gives_way: Collection[str] = ()


def check(client: Client, wish: AvailabilityQuery, *, at: datetime) -> Availability:
    """Everything a bot may want to tell before it hands over. Opens nothing."""
    would_be = _would_be(client, wish, at=at)
    wait = queue.estimate_wait(would_be, at=at)
    now = opening_hours.get_state(opening_hours.get_hours(client), at=at)
    present = _certified(client, estimator_cache.estimator(at=at).snapshot.agents)
    return Availability(
        position=queue.get_position(would_be) or 1,
        expected_wait_s=ExpectedWait.of(wait),
        told_after_s=int(client.patience.total_seconds()),
        agents=count_agents(wish, present),
        opening_hours=OpeningHours.of(opening_hours.get_hours(client), now),
        alternatives=[
            *_without_a_skill(client, wish, wait, present, at=at),
            *_other_languages(wish, present),
            StayWithBot(),
            *([ComeBack(opens_at=now.opens_at)] if now.opens_at else []),
        ],
    )


def count_agents(wish: AvailabilityQuery, present: Iterable[AgentGroup]) -> AgentsOnLine:
    """Those on line who could serve this, counted by how well they could."""
    counted: Counter[tuple[int, int | None, bool, bool]] = Counter()
    for one in present:
        spoken = _level(one, f"{wish.language}/")
        known = [_level(one, f"{skill}:") for skill in wish.skills]
        if spoken and all(known):
            able = all(had >= least for had, least in zip(known, wish.skills.values(), strict=True))
            counted[spoken, min(known, default=None), able, one.room > 0] += one.size
    return AgentsOnLine(
        free=sum(count for (*_, able, free), count in counted.items() if able and free),
        busy=sum(count for (*_, able, free), count in counted.items() if able and not free),
        nearly=sum(count for (*_, able, _), count in counted.items() if not able),
        levels=list(_levels(counted)),
    )


def _levels(counted: Counter[tuple[int, int | None, bool, bool]]) -> Iterator[Level]:
    """The best first."""
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


def _without_a_skill(
    client: Client, wish: AvailabilityQuery, wait: Wait, present: list[AgentGroup], *, at: datetime
) -> Iterator[WithoutSkill]:
    """The same without one of the skills, where that would be sooner."""
    for skill in wish.skills:
        others = {code: level for code, level in wish.skills.items() if code != skill}
        less = AvailabilityQuery(wish.language, others, wish.topic, wish.gives_way)
        sooner = queue.estimate_wait(_would_be(client, less, at=at), at=at)
        if sooner.p50 is not None and (wait.p50 is None or sooner.p50 < wait.p50):
            free = count_agents(less, present).free
            yield WithoutSkill(skill=skill, free=free, expected_wait_s=ExpectedWait.of(sooner))


def _other_languages(
    wish: AvailabilityQuery, present: Iterable[AgentGroup]
) -> Iterator[OtherLanguage]:
    """Languages in which somebody free can do the same."""
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


def _certified(client: Client, present: Iterable[AgentGroup]) -> list[AgentGroup]:
    """Those who hold what the client asks of every agent."""
    asked = {f"+{client.certificate}"} if client.certificate else set()
    return [one for one in present if asked <= one.abilities]


def _level(one: AgentGroup, ability: str) -> int:
    """The proficiency as the steps of an ability tell it; 0 when they can't."""
    return sum(f"{ability}{level}" in one.abilities for level in range(1, 6))


def _would_be(client: Client, wish: AvailabilityQuery, *, at: datetime) -> Ticket:
    """The ticket such a customer would open, at the end of the line."""
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
