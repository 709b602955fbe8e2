"""Days in simulated time: what is played is the product's own pairing, and nobody is lost."""

from dataclasses import replace
from functools import cache

import pytest

from dispatch.rules import matching
from dispatch.rules.policy import Policy
from dispatch.simulation import comparison, measures
from dispatch.simulation.comparison import BOUND, FIRST, OURS
from dispatch.simulation.day import (
    AT_ONCE,
    Caller,
    Shift,
    SimulatedAnswer,
    SimulatedDay,
    Worker,
    a_ticket,
    an_agent,
)
from dispatch.simulation.engine import Simulation
from dispatch.simulation.measures import CallerOutcome, gini
from dispatch.simulation.strategies import first_come, ours
from dispatch.simulation.synthetic import SyntheticDay

POLICY = Policy()
WAYS = comparison.strategies(POLICY)
SMALL = SyntheticDay(agents=30)
ALL_DAY = (Shift(0, 1_000),)


def a_caller(number: int, arrives: float = 0, **given: object) -> Caller:
    asked = {"language": "en", "skills": given.pop("skills", {})}
    ticket = a_ticket(number, arrives=arrives, promised=30, **asked)
    defaults = {"talks": 100.0, "leaves_after": 500.0}
    return Caller(ticket, arrives, **{**defaults, **given})


def a_worker(number: int, *, spans: tuple[Shift, ...] = ALL_DAY, **given: object) -> Worker:
    skills = given.pop("skills", {})
    return Worker(an_agent(number, languages={"en": 5}, skills=skills), spans, **given)


def played(callers: list[Caller], workers: list[Worker], policy: Policy = POLICY) -> Simulation:
    return Simulation(SimulatedDay("a day", callers, workers), ours(policy)).run()


def waits(play: Simulation) -> list[float | None]:
    """From coming to being served; None for whoever was not."""
    return [
        None if visit.served_at is None else visit.served_at - visit.caller.arrives
        for visit in play.visits.values()
    ]


@cache
def a_day(seed: int = 1) -> SimulatedDay:
    return SMALL.drawn(seed)


@cache
def one(way: str) -> Simulation:
    return WAYS[way].play(a_day())


def test_whoever_comes_second_waits_until_the_first_is_helped() -> None:
    assert waits(played([a_caller(1), a_caller(2, 10)], [a_worker(1)])) == [0, 90]


def test_with_more_room_two_are_helped_at_once() -> None:
    play = played([a_caller(1), a_caller(2, 10)], [a_worker(1, capacity=2)])

    assert waits(play) == [0, 0]
    assert [seat.most for seat in play.seats.values()] == [2]


def test_whoever_runs_out_of_patience_leaves() -> None:
    play = played([a_caller(1), a_caller(2, 10, leaves_after=30.0)], [a_worker(1)])

    assert waits(play) == [0, None]
    assert [visit.left_at for visit in play.visits.values()] == [None, 40]


def test_whoever_goes_off_duty_takes_nobody_new_and_finishes() -> None:
    worker = a_worker(1, spans=(Shift(0, 50),))
    play = played([a_caller(1), a_caller(2, 60)], [worker])

    assert waits(play) == [0, None]
    assert [seat.present for seat in play.seats.values()] == [100]


def test_a_no_costs_its_time_and_then_another_is_asked() -> None:
    caller = a_caller(1, answers=(SimulatedAnswer(False, 4.0), SimulatedAnswer(True, 3.0)))

    play = played([caller], [a_worker(1), a_worker(2)])

    assert waits(play) == [7]


def test_whoever_is_slow_is_joined_by_another() -> None:
    caller = a_caller(1, answers=(SimulatedAnswer(None, 0.0), SimulatedAnswer(True, 3.0)))

    play = played([caller], [a_worker(1), a_worker(2)])

    assert waits(play) == [POLICY.exclusive_for + 3]
    assert [seat.load for seat in play.seats.values()] == [0, 0]


def test_what_is_asked_for_is_lowered_with_the_wait() -> None:
    play = played([a_caller(1, skills={"cards": 4})], [a_worker(1, skills={"cards": 3})])

    assert waits(play) == [POLICY.relax_after[0]]
    assert measures.of_play(play).fit == 0


def test_in_the_end_somebody_who_speaks_the_language_answers() -> None:
    little, much = a_caller(1, skills={"cards": 2}), a_caller(2, skills={"cards": 3})

    play = played([little, much], [a_worker(1), a_worker(2)])

    assert waits(play) == [POLICY.relax_after[1], None]


def test_whoever_knows_less_may_take_longer() -> None:
    day = SimulatedDay("a day", [a_caller(1, skills={"cards": 1})], [a_worker(1)], slower=1.5)

    play = Simulation(day, ours(POLICY)).run()

    assert [seat.talked for seat in play.seats.values()] == [150]
    assert [seat.present for seat in play.seats.values()] == [1_000]


def test_ours_is_the_products_own_matching(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def watched(*given: object, policy: Policy, **also: object) -> list[matching.Match]:
        asked.append(policy)
        return found(*given, policy=policy, **also)

    found = matching.match
    monkeypatch.setattr(matching, "match", watched)

    Simulation(SimulatedDay("a day", [a_caller(1)], [a_worker(1)]), ours(POLICY)).run()

    assert asked == [POLICY]


def test_first_come_goes_to_the_longest_idle_of_those_able() -> None:
    callers = [a_caller(1), a_caller(2, 200, skills={"cards": 1}), a_caller(3, 210)]
    workers = [a_worker(1), a_worker(2, skills={"cards": 5})]

    play = Simulation(SimulatedDay("a day", callers, workers), first_come(POLICY)).run()

    first, second, third = [visit.agent for visit in play.visits.values()]
    assert second == workers[1].profile.id
    assert third == workers[0].profile.id
    assert first in {worker.profile.id for worker in workers}


@pytest.mark.parametrize("way", WAYS)
def test_every_caller_is_served_or_leaves_or_is_there_at_closing(way: str) -> None:
    found = measures.of_play(one(way))
    served = sum(visit.served_at is not None for visit in one(way).visits.values())

    assert len(one(way).visits) == len(a_day().callers)
    assert not [v for v in one(way).visits.values() if v.served_at and v.left_at]
    assert served / found.callers + found.abandoned + found.closed == pytest.approx(1)


@pytest.mark.parametrize("way", WAYS)
def test_nobody_holds_more_than_they_take_at_once(way: str) -> None:
    seats = one(way).seats.values()

    assert all(seat.most <= seat.worker.capacity for seat in seats)
    assert {seat.most for seat in seats} >= {1, 2, 3}
    assert [seat for seat in seats if seat.load or seat.talking] == []


def test_nobody_is_helped_by_somebody_who_can_not() -> None:
    play = Simulation(a_day(), ours(replace(POLICY, relax_after=()))).run()

    assert measures.of_play(play).fit == measures.of_play(one(FIRST)).fit == 1


def test_the_same_seed_plays_the_same_and_another_another() -> None:
    again, other = WAYS[OURS].play(SMALL.drawn(1)), WAYS[OURS].play(SMALL.drawn(2))

    assert waits(again) == waits(one(OURS))
    assert waits(other) != waits(one(OURS))


def test_every_way_meets_the_same_callers_with_the_same_luck() -> None:
    met = [[visit.caller for visit in one(way).visits.values()] for way in WAYS]

    assert all(each == met[0] for each in met)
    assert AT_ONCE not in {caller.answers for caller in met[0]}


def test_were_everybody_able_fewer_would_leave() -> None:
    assert measures.of_play(one(BOUND)).abandoned < measures.of_play(one(FIRST)).abandoned


def test_a_day_with_other_staff_has_the_same_callers() -> None:
    fewer, more = (a_day().with_staff(many, seed=3) for many in (10, 40))

    assert fewer.callers == more.callers == a_day().callers
    assert [len({worker.profile.id for worker in day.workers}) for day in (fewer, more)] == [10, 40]


def test_an_invented_day_is_as_loaded_as_asked_for() -> None:
    day = SyntheticDay(agents=100, load=0.5).drawn(1)
    places = sum(w.capacity * sum(s.ends - s.begins for s in w.spans) for w in day.workers)

    assert sum(caller.talks for caller in day.callers) / places == pytest.approx(0.5, abs=0.06)


def test_measures_count_those_who_left_and_those_at_closing() -> None:
    fates = [
        CallerOutcome(10, answered=True),
        CallerOutcome(30, answered=True, fits=False),
        CallerOutcome(50, answered=False, gone=True),
        CallerOutcome(70, answered=False),
    ]

    found = measures.of(fates, [0.5, 0.5])

    assert (found.callers, found.mean_wait_s, found.within_20s) == (4, 40, 0.25)
    assert (found.abandoned, found.closed, found.fit) == (0.25, 0.25, 0.5)
    assert (found.occupancy, found.gini) == (0.5, 0)


@pytest.mark.parametrize(
    ("values", "expected"), [([1, 1, 1], 0), ([0, 0, 0, 1], 0.75), ([1, 3], 0.25), ([], 0)]
)
def test_gini_by_hand(values: list[float], expected: float) -> None:
    assert gini(values) == pytest.approx(expected)


def test_the_part_of_the_gap_that_is_closed() -> None:
    first, mine, bound = (
        replace(measures.of([CallerOutcome(0, answered=True)], []), abandoned=share)
        for share in (0.1, 0.08, 0.02)
    )

    found = {FIRST: first, OURS: mine, BOUND: bound}
    assert comparison.closed(found, "abandoned") == pytest.approx(0.25)
    assert comparison.closed(found, "within_20s") is None
