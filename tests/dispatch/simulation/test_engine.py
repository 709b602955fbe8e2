"""The simulation of a day: it uses the product's matching, and no caller is lost."""

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
    build_agent,
    build_ticket,
)
from dispatch.simulation.engine import GIVEN_UP_AFTER, IN_VAIN, Simulation
from dispatch.simulation.measures import CallerOutcome, gini
from dispatch.simulation.strategies import first_come_rule, matching_rule
from dispatch.simulation.synthetic import SyntheticDay

POLICY = Policy()
STRATEGIES = comparison.strategies(POLICY)
SMALL = SyntheticDay(agents=30)
ALL_DAY = (Shift(0, 1_000),)
PROMISED = 30


def make_caller(number: int, arrives: float = 0, **given: object) -> Caller:
    asked = {"language": "en", "skills": given.pop("skills", {})}
    ticket = build_ticket(number, arrives=arrives, promised=PROMISED, **asked)
    defaults = {"talks": 100.0, "leaves_after": 500.0}
    return Caller(ticket, arrives, **{**defaults, **given})


def make_worker(number: int, *, spans: tuple[Shift, ...] = ALL_DAY, **given: object) -> Worker:
    skills = given.pop("skills", {})
    return Worker(build_agent(number, languages={"en": 5}, skills=skills), spans, **given)


def simulate(callers: list[Caller], workers: list[Worker], policy: Policy = POLICY) -> Simulation:
    return Simulation(SimulatedDay("a day", callers, workers), matching_rule(policy)).run()


def list_waits(simulation: Simulation) -> list[float | None]:
    """The wait of each caller in seconds; None for callers who were not served."""
    return [
        None if ticket.served_at is None else ticket.served_at - ticket.caller.arrives
        for ticket in simulation.tickets.values()
    ]


@cache
def draw_day(seed: int = 1) -> SimulatedDay:
    return SMALL.draw(seed)


@cache
def simulate_strategy(strategy: str) -> Simulation:
    return STRATEGIES[strategy].simulate(draw_day())


def test_the_second_caller_waits_until_the_first_is_served() -> None:
    assert list_waits(simulate([make_caller(1), make_caller(2, 10)], [make_worker(1)])) == [0, 90]


def test_an_agent_of_capacity_two_serves_two_callers_at_once() -> None:
    simulation = simulate([make_caller(1), make_caller(2, 10)], [make_worker(1, capacity=2)])

    assert list_waits(simulation) == [0, 0]
    assert [agent.max_talking for agent in simulation.agents.values()] == [2]


def test_a_caller_without_patience_left_leaves() -> None:
    simulation = simulate([make_caller(1), make_caller(2, 10, leaves_after=30.0)], [make_worker(1)])

    assert list_waits(simulation) == [0, None]
    assert [ticket.left_at for ticket in simulation.tickets.values()] == [None, 40]


def test_an_agent_off_shift_finishes_and_takes_no_new_caller() -> None:
    worker = make_worker(1, spans=(Shift(0, 50),))
    simulation = simulate([make_caller(1), make_caller(2, 60)], [worker])

    assert list_waits(simulation) == [0, None]
    assert [agent.present for agent in simulation.agents.values()] == [100]


def test_a_declined_offer_costs_its_time_and_goes_to_another_agent() -> None:
    caller = make_caller(1, answers=(SimulatedAnswer(False, 4.0), SimulatedAnswer(True, 3.0)))

    simulation = simulate([caller], [make_worker(1), make_worker(2)])

    assert list_waits(simulation) == [7]


def test_a_slow_agents_ticket_is_offered_to_another_too() -> None:
    caller = make_caller(1, answers=(SimulatedAnswer(None, 0.0), SimulatedAnswer(True, 3.0)))

    simulation = simulate([caller], [make_worker(1), make_worker(2)])

    assert list_waits(simulation) == [POLICY.exclusive_for + 3]
    assert [agent.load for agent in simulation.agents.values()] == [0, 0]


def test_levels_are_lowered_at_percentages_of_the_clients_promise() -> None:
    callers = [make_caller(1, skills={"cards": 4}), make_caller(2, skills={"cards": 5})]
    workers = [make_worker(1, skills={"cards": 3}), make_worker(2, skills={"cards": 3})]

    simulation = simulate(callers, workers)

    assert list_waits(simulation) == [PROMISED, 2 * PROMISED]
    assert measures.measure_simulation(simulation).fit == 0


def test_a_skill_is_dropped_only_if_it_gives_way() -> None:
    kept = make_caller(1, skills={"cards": 2})
    given = make_caller(2, skills={"cards": 2}, gives_way=frozenset({"cards"}))

    simulation = simulate([kept, given], [make_worker(1), make_worker(2)])

    assert list_waits(simulation) == [None, 2 * PROMISED]


def test_lowering_after_seconds_drops_a_low_skill() -> None:
    day = SimulatedDay("a day", [make_caller(1, skills={"cards": 2})], [make_worker(1)])

    simulation = Simulation(day, matching_rule(POLICY, lowering=lowering.lower_after_seconds)).run()

    assert list_waits(simulation) == [lowering.FORMERLY[1]]


def test_an_agent_below_the_required_level_takes_longer() -> None:
    worker = make_worker(1, skills={"cards": 1})
    day = SimulatedDay("a day", [make_caller(1, skills={"cards": 2})], [worker], slower=1.5)

    simulation = Simulation(day, matching_rule(POLICY)).run()

    assert [agent.talked for agent in simulation.agents.values()] == [150]
    assert [agent.present for agent in simulation.agents.values()] == [1_000]


def test_the_matching_rule_calls_the_products_matching(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def record_call(*given: object, policy: Policy, **also: object) -> list[matching.Match]:
        asked.append(policy)
        return found(*given, policy=policy, **also)

    found = matching.match
    monkeypatch.setattr(matching, "match", record_call)

    Simulation(
        SimulatedDay("a day", [make_caller(1)], [make_worker(1)]), matching_rule(POLICY)
    ).run()

    assert asked == [POLICY]


def test_first_come_pairs_with_the_longest_idle_agent_able_to_serve() -> None:
    callers = [make_caller(1), make_caller(2, 200, skills={"cards": 1}), make_caller(3, 210)]
    workers = [make_worker(1), make_worker(2, skills={"cards": 5})]

    simulation = Simulation(SimulatedDay("a day", callers, workers), first_come_rule(POLICY)).run()

    first, second, third = [ticket.agent for ticket in simulation.tickets.values()]
    assert second == workers[1].profile.id
    assert third == workers[0].profile.id
    assert first in {worker.profile.id for worker in workers}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_caller_is_served_or_leaves_or_waits_until_closing(strategy: str) -> None:
    found = measures.measure_simulation(simulate_strategy(strategy))
    served = sum(
        ticket.served_at is not None for ticket in simulate_strategy(strategy).tickets.values()
    )

    assert len(simulate_strategy(strategy).tickets) == len(draw_day().callers)
    assert not [
        v for v in simulate_strategy(strategy).tickets.values() if v.served_at and v.left_at
    ]
    assert served / found.callers + found.abandoned + found.closed == pytest.approx(1)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_agent_holds_more_than_their_capacity(strategy: str) -> None:
    agents = simulate_strategy(strategy).agents.values()

    assert all(agent.max_talking <= agent.worker.capacity for agent in agents)
    assert {agent.max_talking for agent in agents} >= {1, 2, 3}
    assert [agent for agent in agents if agent.load or agent.talking] == []


def test_without_lowering_every_served_caller_gets_the_required_level() -> None:
    simulations = [
        Simulation(draw_day(), strategy(POLICY, lowering=lowering.keep_levels)).run()
        for strategy in (first_come_rule, matching_rule)
    ]

    assert [measures.measure_simulation(simulation).fit for simulation in simulations] == [1, 1]


def test_strategies_are_compared_with_the_same_lowering() -> None:
    among = comparison.strategies_by_lowering(POLICY)

    for said in comparison.LOWERINGS:
        first, mine = (among[f"{strategy}, {said}"].pairing for strategy in (FIRST, OURS))
        assert first.lowering is mine.lowering
    caller = make_caller(1, skills={"cards": 4})
    first, mine = (list(among[strategy].pairing.lowering(caller)) for strategy in (FIRST, OURS))
    assert first == mine == [(30, {"cards": 3}), (60, {"cards": 2})]


def test_a_silent_caller_holds_up_the_agent_who_accepts() -> None:
    silent = make_caller(2, 10, leaves_after=30.0, silent=True)

    simulation = simulate([make_caller(1), silent, make_caller(3, 20)], [make_worker(1)])

    assert list_waits(simulation) == [0, None, 80 + IN_VAIN]
    found = measures.measure_simulation(simulation)
    assert (found.in_vain, found.abandoned) == (1 / 3, 1 / 3)


def test_a_silent_callers_ticket_is_given_up_in_the_end() -> None:
    silent = make_caller(2, leaves_after=30.0, silent=True)

    simulation = simulate([make_caller(1, talks=GIVEN_UP_AFTER + 1), silent], [make_worker(1)])

    assert [ticket.in_vain for ticket in simulation.tickets.values()] == [False, False]
    assert [ticket.left_at for ticket in simulation.tickets.values()] == [None, 30]


def test_the_silent_share_changes_no_other_random_draw() -> None:
    day = draw_day().with_silent(0.3, seed=1)
    silent = sum(caller.silent for caller in day.callers)

    assert silent / len(day.callers) == pytest.approx(0.3, abs=0.05)
    assert [replace(caller, silent=False) for caller in day.callers] == draw_day().callers
    assert draw_day().with_silent(0, seed=1).callers == draw_day().callers


def test_where_agents_are_reluctant_the_rival_offers_to_two_at_once() -> None:
    unwilling = [
        make_caller(each, each, answers=(SimulatedAnswer(False, 0.1),)) for each in range(1, 12)
    ]
    slow = make_caller(20, 600, answers=(SimulatedAnswer(True, 15.0), SimulatedAnswer(True, 4.0)))
    workers = [make_worker(1), make_worker(2)]
    day = SimulatedDay("a day", [*unwilling, slow], workers)
    rival = replace(matching_rule(POLICY), two_at_once_below=0.7)

    one_by_one, two = (
        Simulation(day, strategy).run() for strategy in (matching_rule(POLICY), rival)
    )

    assert (list_waits(one_by_one)[-1], list_waits(two)[-1]) == (15, 4)
    assert measures.measure_simulation(one_by_one).taken == 0
    taken, offers = 1, sum(ticket.offers for ticket in two.tickets.values())
    assert measures.measure_simulation(two).taken == pytest.approx(taken / offers)


def test_where_agents_are_willing_the_rival_offers_to_one() -> None:
    rival = replace(matching_rule(POLICY), two_at_once_below=0.7)
    willing = [make_caller(each, each * 10, talks=1.0) for each in range(1, 12)]
    slow = make_caller(20, 600, answers=(SimulatedAnswer(True, 15.0), SimulatedAnswer(True, 4.0)))

    simulation = Simulation(
        SimulatedDay("a day", [*willing, slow], [make_worker(1), make_worker(2)]), rival
    ).run()

    assert list_waits(simulation)[-1] == 15


def test_a_reluctant_day_has_the_same_callers_and_more_declines() -> None:
    usual, reluctant = (SyntheticDay(agents=30, reluctant=more).draw(1).callers for more in (0, 40))

    assert [caller.ticket for caller in usual] == [caller.ticket for caller in reluctant]
    passes = [
        sum(answer.yes is False for caller in callers for answer in caller.answers)
        for callers in (usual, reluctant)
    ]
    assert passes[1] > 1.5 * passes[0]


def test_the_same_seed_gives_the_same_waits_and_another_seed_others() -> None:
    again, other = (
        STRATEGIES[OURS].simulate(SMALL.draw(1)),
        STRATEGIES[OURS].simulate(SMALL.draw(2)),
    )

    assert list_waits(again) == list_waits(simulate_strategy(OURS))
    assert list_waits(other) != list_waits(simulate_strategy(OURS))


def test_every_strategy_meets_the_same_callers() -> None:
    met = [
        [ticket.caller for ticket in simulate_strategy(strategy).tickets.values()]
        for strategy in STRATEGIES
    ]

    assert all(each == met[0] for each in met)
    assert AT_ONCE not in {caller.answers for caller in met[0]}


def test_fewer_callers_leave_if_every_agent_can_do_everything() -> None:
    assert (
        measures.measure_simulation(simulate_strategy(BOUND)).abandoned
        < measures.measure_simulation(simulate_strategy(FIRST)).abandoned
    )


def test_a_day_with_other_staff_has_the_same_callers() -> None:
    fewer, more = (draw_day().with_staff(many, seed=3) for many in (10, 40))

    assert fewer.callers == more.callers == draw_day().callers
    assert [len({worker.profile.id for worker in day.workers}) for day in (fewer, more)] == [10, 40]


def test_a_synthetic_day_has_the_wanted_load() -> None:
    day = SyntheticDay(agents=100, load=0.5).draw(1)
    places = sum(w.capacity * sum(s.ends - s.begins for s in w.spans) for w in day.workers)

    assert sum(caller.talks for caller in day.callers) / places == pytest.approx(0.5, abs=0.06)


def test_measures_count_callers_who_left_and_callers_at_closing() -> None:
    outcomes = [
        CallerOutcome(10, answered=True),
        CallerOutcome(30, answered=True, fits=False),
        CallerOutcome(50, answered=False, gone=True),
        CallerOutcome(70, answered=False),
    ]

    found = measures.measure(outcomes, [0.5, 0.5])

    assert (found.callers, found.mean_wait_s, found.within_20s) == (4, 40, 0.25)
    assert (found.abandoned, found.closed, found.fit) == (0.25, 0.25, 0.5)
    assert (found.occupancy, found.gini) == (0.5, 0)


@pytest.mark.parametrize(
    ("values", "expected"), [([1, 1, 1], 0), ([0, 0, 0, 1], 0.75), ([1, 3], 0.25), ([], 0)]
)
def test_gini_equals_values_computed_by_hand(values: list[float], expected: float) -> None:
    assert gini(values) == pytest.approx(expected)


def test_gap_closed_is_the_share_of_the_way_to_the_bound() -> None:
    first, mine, bound = (
        replace(measures.measure([CallerOutcome(0, answered=True)], []), abandoned=share)
        for share in (0.1, 0.08, 0.02)
    )

    found = {FIRST: first, OURS: mine, BOUND: bound}
    assert comparison.gap_closed(found, "abandoned") == pytest.approx(0.25)
    assert comparison.gap_closed(found, "within_20s") is None
