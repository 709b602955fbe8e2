"""Days in simulated time: what is played is the product's own pairing, and nobody is lost."""

from dataclasses import replace
from functools import cache

import pytest

from dispatch.rules import matching
from dispatch.rules.policy import Policy
from dispatch.simulation import comparison, lowering, measures
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
from dispatch.simulation.engine import GIVEN_UP_AFTER, IN_VAIN, Simulation
from dispatch.simulation.measures import CallerOutcome, gini
from dispatch.simulation.strategies import first_come, ours
from dispatch.simulation.synthetic import SyntheticDay

POLICY = Policy()
WAYS = comparison.strategies(POLICY)
SMALL = SyntheticDay(agents=30)
ALL_DAY = (Shift(0, 1_000),)
PROMISED = 30


def a_caller(number: int, arrives: float = 0, **given: object) -> Caller:
    asked = {"language": "en", "skills": given.pop("skills", {})}
    ticket = a_ticket(number, arrives=arrives, promised=PROMISED, **asked)
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


def test_levels_are_lowered_after_parts_of_the_clients_promise() -> None:
    callers = [a_caller(1, skills={"cards": 4}), a_caller(2, skills={"cards": 5})]
    workers = [a_worker(1, skills={"cards": 3}), a_worker(2, skills={"cards": 3})]

    play = played(callers, workers)

    assert waits(play) == [PROMISED, 2 * PROMISED]
    assert measures.of_play(play).fit == 0


def test_a_skill_is_waited_for_unless_it_gives_way() -> None:
    kept = a_caller(1, skills={"cards": 2})
    given = a_caller(2, skills={"cards": 2}, gives_way=frozenset({"cards"}))

    play = played([kept, given], [a_worker(1), a_worker(2)])

    assert waits(play) == [None, 2 * PROMISED]


def test_formerly_levels_were_lowered_soon_and_a_skill_let_go() -> None:
    day = SimulatedDay("a day", [a_caller(1, skills={"cards": 2})], [a_worker(1)])

    play = Simulation(day, ours(POLICY, lowering=lowering.formerly)).run()

    assert waits(play) == [lowering.FORMERLY[1]]


def test_whoever_knows_less_may_take_longer() -> None:
    worker = a_worker(1, skills={"cards": 1})
    day = SimulatedDay("a day", [a_caller(1, skills={"cards": 2})], [worker], slower=1.5)

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
    plays = [
        Simulation(a_day(), way(POLICY, lowering=lowering.never)).run()
        for way in (first_come, ours)
    ]

    assert [measures.of_play(play).fit for play in plays] == [1, 1]


def test_ways_are_compared_at_the_same_lowering() -> None:
    among = comparison.at_each_lowering(POLICY)

    for said in comparison.LOWERINGS:
        first, mine = (among[f"{way}, {said}"].pairing for way in (FIRST, OURS))
        assert first.lowering is mine.lowering
    caller = a_caller(1, skills={"cards": 4})
    first, mine = (list(among[way].pairing.lowering(caller)) for way in (FIRST, OURS))
    assert first == mine == [(30, {"cards": 3}), (60, {"cards": 2})]


def test_whoever_leaves_without_a_word_holds_up_an_agent_who_finds_nobody() -> None:
    silent = a_caller(2, 10, leaves_after=30.0, silent=True)

    play = played([a_caller(1), silent, a_caller(3, 20)], [a_worker(1)])

    assert waits(play) == [0, None, 80 + IN_VAIN]
    found = measures.of_play(play)
    assert (found.in_vain, found.abandoned) == (1 / 3, 1 / 3)


def test_whoever_left_without_a_word_is_given_up_in_the_end() -> None:
    silent = a_caller(2, leaves_after=30.0, silent=True)

    play = played([a_caller(1, talks=GIVEN_UP_AFTER + 1), silent], [a_worker(1)])

    assert [visit.in_vain for visit in play.visits.values()] == [False, False]
    assert [visit.left_at for visit in play.visits.values()] == [None, 30]


def test_so_many_are_silent_and_all_other_luck_is_the_same() -> None:
    day = a_day().with_silent(0.3, seed=1)
    silent = sum(caller.silent for caller in day.callers)

    assert silent / len(day.callers) == pytest.approx(0.3, abs=0.05)
    assert [replace(caller, silent=False) for caller in day.callers] == a_day().callers
    assert a_day().with_silent(0, seed=1).callers == a_day().callers


def test_where_agents_together_are_reluctant_the_rival_asks_two_at_once() -> None:
    unwilling = [
        a_caller(each, each, answers=(SimulatedAnswer(False, 0.1),)) for each in range(1, 12)
    ]
    slow = a_caller(20, 600, answers=(SimulatedAnswer(True, 15.0), SimulatedAnswer(True, 4.0)))
    workers = [a_worker(1), a_worker(2)]
    day = SimulatedDay("a day", [*unwilling, slow], workers)
    rival = replace(ours(POLICY), two_at_once_below=0.7)

    one_by_one, two = (Simulation(day, way).run() for way in (ours(POLICY), rival))

    assert (waits(one_by_one)[-1], waits(two)[-1]) == (15, 4)
    assert measures.of_play(one_by_one).taken == 0
    taken, offers = 1, sum(visit.asked for visit in two.visits.values())
    assert measures.of_play(two).taken == pytest.approx(taken / offers)


def test_where_agents_together_are_willing_the_rival_asks_one() -> None:
    rival = replace(ours(POLICY), two_at_once_below=0.7)
    willing = [a_caller(each, each * 10, talks=1.0) for each in range(1, 12)]
    slow = a_caller(20, 600, answers=(SimulatedAnswer(True, 15.0), SimulatedAnswer(True, 4.0)))

    play = Simulation(
        SimulatedDay("a day", [*willing, slow], [a_worker(1), a_worker(2)]), rival
    ).run()

    assert waits(play)[-1] == 15


def test_on_reluctant_days_the_same_callers_come_and_more_pass() -> None:
    usual, reluctant = (
        SyntheticDay(agents=30, reluctant=more).drawn(1).callers for more in (0, 40)
    )

    assert [caller.ticket for caller in usual] == [caller.ticket for caller in reluctant]
    passes = [
        sum(answer.yes is False for caller in callers for answer in caller.answers)
        for callers in (usual, reluctant)
    ]
    assert passes[1] > 1.5 * passes[0]


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
