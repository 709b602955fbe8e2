"""A synthetic day: contractors in four time zones with shifts, and callers all day long.

Nothing here is fitted to a strategy. Languages and skills are required as often as agents have
them. The number of callers follows the number of agents on shift, so that the load over the day is
as given, with a peak at midday.
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
    build_agent,
    build_ticket,
)

#: How many of a hundred agents have each, and how many of a hundred callers require it.
LANGUAGES = {"en": 50, "de": 22, "fr": 18, "sv": 10}
SKILLS = {
    "cards": 18, "payments": 16, "accounts": 14, "technical": 13,
    "loans": 12, "insurance": 11, "fraud": 9, "investing": 7,
}  # fmt: skip
#: Offsets from UTC in hours, and how many of a hundred contractors live there.
ZONES = {-5: 20, 0: 30, 1: 35, 8: 15}
#: How many of a hundred agents have one, two, … languages, and how many so many skills.
HAVE_LANGUAGES = (75, 20, 5)
HAVE_SKILLS = (5, 70, 15, 10)
CAPACITIES = (35, 45, 20)
#: Out of a hundred: levels 2 to 5 of agents, levels 1 to 4 of requirements.
KNOWN = (15, 35, 35, 15)
ASKED = (30, 35, 25, 10)
#: How many of a hundred callers require two skills.
TWO_SKILLS = 10
#: An agent has one or two shifts a day, of three to six hours each, around the local noon.
TIMES = (50, 50)
HOURS = (3.0, 6.0)
#: Seconds of a conversation with its wrap-up: lognormal, its median and the deviation of its log.
TALKS = (600.0, 0.6)
#: The mean seconds until a caller leaves: exponential.
PATIENCE = 240.0
#: Of a hundred offers, how many are declined and how many time out; the others are accepted.
PASS, SILENT = 10, 5
#: Seconds until an answer: lognormal, its median and the deviation of its log.
ANSWERS = (5.0, 0.6)
#: Answers drawn per caller; the last one repeats.
ANSWERS_PER_CALLER = 12
#: The promised wait, in seconds.
PROMISED = 30.0
#: Seconds over which the arrival rate is constant.
STEP = 900.0


@dataclass(frozen=True)
class SyntheticDay:
    """The parameters of a day: number of contractors, load, and the height of its peak.

    `slower` is how many times longer an agent below the required level takes.
    """

    agents: int = 300
    load: float = 0.85
    peak: float = 0.25
    slower: float = 1.0
    #: How many more of a hundred offers are declined, in every third hour of each topic.
    reluctant: int = 0

    def draw(self, seed: int) -> SimulatedDay:
        """A day with these parameters. The same seed gives the same day."""
        rng = numpy.random.default_rng([seed, self.agents])
        workers = [_draw_worker(number, rng) for number in range(1, self.agents + 1)]
        callers = sorted(self._draw_callers(workers, rng), key=lambda caller: caller.arrives)
        return SimulatedDay(f"invented {seed}", callers, workers, _usual_demand(), self.slower)

    def _draw_callers(self, workers: Sequence[Worker], rng: Generator) -> Iterator[Caller]:
        number = 0
        for language in LANGUAGES:
            for begins in numpy.arange(0.0, DAY, STEP):
                for arrives in self._draw_arrivals(language, begins, workers, rng):
                    number += 1
                    yield _draw_caller(number, language, arrives, rng, self.reluctant)

    def _draw_arrivals(
        self, language: str, begins: float, workers: Sequence[Worker], rng: Generator
    ) -> list[float]:
        """The arrivals of one step, Poisson with the rate that gives the wanted load."""
        places = sum(
            worker.capacity / len(worker.profile.languages)
            for worker in workers
            if language in worker.profile.languages
            and any(span.begins <= begins < span.ends for span in worker.spans)
        )
        usual, spread = TALKS
        mean = usual * numpy.exp(spread**2 / 2)
        load = self.load * self._hourly_factor(begins / 3600)
        many = rng.poisson(places * load * STEP / mean)
        return [float(each) for each in begins + rng.random(many) * STEP]

    def _hourly_factor(self, hour: float) -> float:
        """The load of an hour (UTC) relative to the day: a bell curve around noon."""
        bell = numpy.exp(-(((hour - 12) / 2) ** 2))
        return float(1 + self.peak * (bell - 0.15))


def _draw_worker(number: int, rng: Generator) -> Worker:
    languages = _draw_names(LANGUAGES, HAVE_LANGUAGES, rng)
    skills = _draw_names(SKILLS, HAVE_SKILLS, rng)
    native, *learned = languages
    return Worker(
        build_agent(
            number,
            languages={native: 5} | {each: 3 + int(rng.integers(3)) for each in learned},
            skills={each: 2 + _draw_index(KNOWN, rng) for each in skills},
        ),
        _draw_shifts(rng),
        capacity=1 + _draw_index(CAPACITIES, rng),
    )


def _draw_shifts(rng: Generator) -> tuple[Shift, ...]:
    """The shifts of one agent, mostly by day where they live."""
    offset = list(ZONES)[_draw_index(tuple(ZONES.values()), rng)]
    found: list[Shift] = []
    for _ in range(1 + _draw_index(TIMES, rng)):
        begins = (rng.normal(13, 3.5) - offset) % 24 * 3600
        ends = begins + rng.uniform(*HOURS) * 3600
        found.append(Shift(float(begins), float(min(ends, DAY))))
    return tuple(_merge(found))


def _merge(spans: Sequence[Shift]) -> Iterator[Shift]:
    """The same time, as shifts that do not overlap."""
    current, *others = sorted(spans)
    for span in others:
        if span.begins <= current.ends:
            current = Shift(current.begins, max(current.ends, span.ends))
        else:
            yield current
            current = span
    yield current


def _draw_caller(
    number: int, language: str, arrives: float, rng: Generator, reluctant: int
) -> Caller:
    wanted = _draw_names(SKILLS, (100 - TWO_SKILLS, TWO_SKILLS), rng)
    unpopular = (list(SKILLS).index(wanted[0]) + int(arrives // 3600)) % 3 == 0
    passes = PASS + (reluctant if unpopular else 0)
    usual, spread = TALKS
    return Caller(
        build_ticket(
            number,
            language=language,
            skills={each: 1 + _draw_index(ASKED, rng) for each in wanted},
            arrives=arrives,
            promised=PROMISED,
        ),
        arrives=arrives,
        talks=float(usual * numpy.exp(spread * rng.standard_normal())),
        leaves_after=float(rng.exponential(PATIENCE)),
        answers=tuple(_draw_answer(rng, passes) for _ in range(ANSWERS_PER_CALLER)),
    )


def _usual_demand() -> dict[str, float]:
    """The demand shares, as earlier days would have shown them."""
    return demand_shares(
        (required_capabilities(language, [skill]), often * share)
        for language, often in LANGUAGES.items()
        for skill, share in SKILLS.items()
    )


def _draw_answer(rng: Generator, passes: int) -> SimulatedAnswer:
    chance = rng.random() * 100
    usual, spread = ANSWERS
    after = float(usual * numpy.exp(spread * rng.standard_normal()))
    if chance < SILENT:
        return SimulatedAnswer(None, after)
    return SimulatedAnswer(chance >= SILENT + passes, after)


def _draw_names(of: Mapping[str, int], how_many: Sequence[int], rng: Generator) -> list[str]:
    """A few of these names, drawn by weight. `how_many` weighs one, two, … of them."""
    names, weights = list(of), numpy.array(list(of.values()), dtype=float)
    drawn = rng.choice(
        len(names), size=1 + _draw_index(how_many, rng), replace=False, p=weights / weights.sum()
    )
    return [names[each] for each in drawn]


def _draw_index(weights: Sequence[int], rng: Generator) -> int:
    """An index drawn by its weight."""
    return int(numpy.searchsorted(numpy.cumsum(weights), rng.random() * sum(weights), "right"))
