"""An invented day: contractors in four time zones who come and go, and callers all day long.

Nothing here is fitted to a way of pairing. Languages and skills are wanted as often as they are
known; how many write is set by how many are there to answer, so that the load is what is asked for
over the day, and more of it at midday.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy
from numpy.random import Generator

from dispatch.rules.policy import demand_shares, required_capabilities
from dispatch.simulation.day import (
    DAY,
    Caller,
    Shift,
    SimulatedAnswer,
    SimulatedDay,
    Worker,
    a_ticket,
    an_agent,
)

#: How often each is spoken and asked for, out of a hundred.
LANGUAGES = {"en": 50, "de": 22, "fr": 18, "sv": 10}
SKILLS = {
    "cards": 18, "payments": 16, "accounts": 14, "technical": 13,
    "loans": 12, "insurance": 11, "fraud": 9, "investing": 7,
}  # fmt: skip
#: Hours from UTC where contractors live, and how many of a hundred live there.
ZONES = {-5: 20, 0: 30, 1: 35, 8: 15}
#: How many of a hundred have one, two, … of them: most have one language and two skills.
HAVE_LANGUAGES = (75, 20, 5)
HAVE_SKILLS = (5, 70, 15, 10)
CAPACITIES = (35, 45, 20)
#: Levels 2 to 5 of those who know, levels 1 to 4 of what is asked for.
KNOWN = (15, 35, 35, 15)
ASKED = (30, 35, 25, 10)
#: Of a hundred callers, so many ask for two skills at once.
TWO_SKILLS = 10
#: An agent comes once or twice a day, for three to six hours each, around the local noon.
TIMES = (50, 50)
HOURS = (3.0, 6.0)
#: Seconds of a conversation with its wrap-up: median, and spread of its logarithm.
TALKS = (600.0, 0.6)
#: Seconds until a caller gives up: as likely at every moment.
PATIENCE = 240.0
#: Of a hundred who are asked, so many pass and so many let the time run out; the others say yes.
PASS, SILENT = 10, 5
#: Seconds until they answer: median, and spread of its logarithm.
ANSWERS = (5.0, 0.6)
#: So many are asked at most before it is always the same answer.
ASKS = 12
#: What the clients promise.
PROMISED = 30.0
#: How often the load is set anew, in seconds.
STEP = 900.0


@dataclass(frozen=True)
class SyntheticDay:
    """A kind of day: how many contractors, how loaded, and by how much more so at midday.

    `slower`: so many times as long takes whoever knows less than was asked for.
    """

    agents: int = 300
    load: float = 0.85
    peak: float = 0.25
    slower: float = 1.0
    #: Of a hundred who are asked, so many more pass, in every third hour of each topic.
    reluctant: int = 0

    def drawn(self, seed: int) -> SimulatedDay:
        """A day of this kind; the same for the same seed, whatever is compared on it."""
        luck = numpy.random.default_rng([seed, self.agents])
        workers = [_worker(number, luck) for number in range(1, self.agents + 1)]
        callers = sorted(self._callers(workers, luck), key=lambda caller: caller.arrives)
        return SimulatedDay(f"invented {seed}", callers, workers, _usual(), self.slower)

    def _callers(self, workers: Sequence[Worker], luck: Generator) -> Iterator[Caller]:
        number = 0
        for language in LANGUAGES:
            for begins in numpy.arange(0.0, DAY, STEP):
                for arrives in self._arrivals(language, begins, workers, luck):
                    number += 1
                    yield _caller(number, language, arrives, luck, self.reluctant)

    def _arrivals(
        self, language: str, begins: float, workers: Sequence[Worker], luck: Generator
    ) -> list[float]:
        """As many as keep the places there are for this language as loaded as asked for."""
        places = sum(
            worker.capacity / len(worker.profile.languages)
            for worker in workers
            if language in worker.profile.languages
            and any(span.begins <= begins < span.ends for span in worker.spans)
        )
        usual, spread = TALKS
        mean = usual * numpy.exp(spread**2 / 2)
        load = self.load * self._of_the_hour(begins / 3600)
        many = luck.poisson(places * load * STEP / mean)
        return [float(each) for each in begins + luck.random(many) * STEP]

    def _of_the_hour(self, hour: float) -> float:
        """How much more is asked for than over the day; a bell around one o'clock in Europe."""
        bell = numpy.exp(-(((hour - 12) / 2) ** 2))
        return float(1 + self.peak * (bell - 0.15))


def _worker(number: int, luck: Generator) -> Worker:
    languages = _some(LANGUAGES, HAVE_LANGUAGES, luck)
    skills = _some(SKILLS, HAVE_SKILLS, luck)
    native, *learned = languages
    return Worker(
        an_agent(
            number,
            languages={native: 5} | {each: 3 + int(luck.integers(3)) for each in learned},
            skills={each: 2 + _one(KNOWN, luck) for each in skills},
        ),
        _spans(luck),
        capacity=1 + _one(CAPACITIES, luck),
    )


def _spans(luck: Generator) -> tuple[Shift, ...]:
    """When somebody is there: they come when they like, mostly by day where they live."""
    offset = list(ZONES)[_one(tuple(ZONES.values()), luck)]
    found: list[Shift] = []
    for _ in range(1 + _one(TIMES, luck)):
        begins = (luck.normal(13, 3.5) - offset) % 24 * 3600
        ends = begins + luck.uniform(*HOURS) * 3600
        found.append(Shift(float(begins), float(min(ends, DAY))))
    return tuple(_merged(found))


def _merged(spans: Sequence[Shift]) -> Iterator[Shift]:
    """None overlaps another."""
    open_one, *others = sorted(spans)
    for span in others:
        if span.begins <= open_one.ends:
            open_one = Shift(open_one.begins, max(open_one.ends, span.ends))
        else:
            yield open_one
            open_one = span
    yield open_one


def _caller(number: int, language: str, arrives: float, luck: Generator, reluctant: int) -> Caller:
    wanted = _some(SKILLS, (100 - TWO_SKILLS, TWO_SKILLS), luck)
    unpopular = (list(SKILLS).index(wanted[0]) + int(arrives // 3600)) % 3 == 0
    passes = PASS + (reluctant if unpopular else 0)
    usual, spread = TALKS
    return Caller(
        a_ticket(
            number,
            language=language,
            skills={each: 1 + _one(ASKED, luck) for each in wanted},
            arrives=arrives,
            promised=PROMISED,
        ),
        arrives=arrives,
        talks=float(usual * numpy.exp(spread * luck.standard_normal())),
        leaves_after=float(luck.exponential(PATIENCE)),
        answers=tuple(_answer(luck, passes) for _ in range(ASKS)),
    )


def _usual() -> dict[str, float]:
    """What is usually asked for, as the days before would have told."""
    return demand_shares(
        (required_capabilities(language, [skill]), often * share)
        for language, often in LANGUAGES.items()
        for skill, share in SKILLS.items()
    )


def _answer(luck: Generator, passes: int) -> SimulatedAnswer:
    chance = luck.random() * 100
    usual, spread = ANSWERS
    after = float(usual * numpy.exp(spread * luck.standard_normal()))
    if chance < SILENT:
        return SimulatedAnswer(None, after)
    return SimulatedAnswer(chance >= SILENT + passes, after)


def _some(of: Mapping[str, int], how_many: Sequence[int], luck: Generator) -> list[str]:
    """One, two, … of them, what is usual more often."""
    names, weights = list(of), numpy.array(list(of.values()), dtype=float)
    drawn = luck.choice(
        len(names), size=1 + _one(how_many, luck), replace=False, p=weights / weights.sum()
    )
    return [names[each] for each in drawn]


def _one(weights: Sequence[int], luck: Generator) -> int:
    """A place, drawn by its weight."""
    return int(numpy.searchsorted(numpy.cumsum(weights), luck.random() * sum(weights), "right"))
