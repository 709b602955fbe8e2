"""The bound of perfect foresight: no strategy does better."""

from dataclasses import replace
from functools import cache
from math import inf

import numpy
import pytest
from scipy.optimize import linprog

from dispatch.rules.policy import Policy
from dispatch.simulation import comparison, foresight, lowering, measures
from dispatch.simulation.day import (
    Caller,
    Shift,
    SimulatedAnswer,
    SimulatedDay,
    Worker,
    build_agent,
    build_ticket,
)
from dispatch.simulation.engine import Simulation
from dispatch.simulation.foresight import Foresight, Program
from dispatch.simulation.strategies import first_come_rule, matching_rule
from dispatch.simulation.synthetic import SyntheticDay

POLICY = Policy()
OURS = matching_rule(POLICY)


def make_caller(number: int, arrives: float = 0, **given: object) -> Caller:
    ticket = build_ticket(
        number, language="en", skills=given.pop("skills", {}), arrives=arrives, promised=30
    )
    return Caller(ticket, arrives, **{"talks": 600.0, "leaves_after": 60.0, **given})


def make_worker(number: int, *spans: Shift, skills: dict[str, int] | None = None) -> Worker:
    able = build_agent(number, languages={"en": 5}, skills=skills or {})
    return Worker(able, spans or (Shift(0, 10_000),))


def foresee(callers: list[Caller], workers: list[Worker]) -> Foresight:
    return foresight.foresee(SimulatedDay("a day", callers, workers), OURS)


@cache
def draw_day(seed: int) -> SimulatedDay:
    return SyntheticDay(agents=40, load=1.0).draw(seed)


def test_one_agent_can_answer_one_of_two_simultaneous_callers() -> None:
    found = foresee([make_caller(1), make_caller(2)], [make_worker(1)])

    assert found.within_20s == pytest.approx(0.5, abs=0.02)
    assert found.abandoned == pytest.approx(0.5, abs=0.02)


def test_two_agents_can_answer_two_simultaneous_callers() -> None:
    found = foresee([make_caller(1), make_caller(2)], [make_worker(1), make_worker(2)])

    assert found == Foresight(1.0, 0.0)


def test_a_caller_no_agent_can_serve_counts_as_lost() -> None:
    callers = [make_caller(1, skills={"cards": 3}), make_caller(2, 5_000), make_caller(3, 50)]
    workers = [make_worker(1, Shift(0, 1_000), skills={"cards": 2})]

    found = foresee(callers, workers)

    # The first caller is served once the level is lowered, but not within twenty seconds.
    assert found.within_20s == pytest.approx(1 / 3)
    assert found.abandoned >= 1 / 3


def test_a_caller_whose_first_yes_is_late_is_not_answered_quickly() -> None:
    late = make_caller(1, answers=(SimulatedAnswer(False, 12.0), SimulatedAnswer(True, 9.0)))
    quick = make_caller(2, answers=(SimulatedAnswer(False, 2.0), SimulatedAnswer(True, 9.0)))

    found = foresee([late, quick], [make_worker(1), make_worker(2)])

    assert found.within_20s == 0.5


def test_the_first_yes_may_come_from_a_second_agent() -> None:
    caller = make_caller(1, answers=(SimulatedAnswer(True, 50.0), SimulatedAnswer(True, 4.0)))

    assert foresight.find_first_yes(caller, alone_for=20) == (24, 4)
    assert (
        foresight.find_first_yes(
            replace(caller, answers=(SimulatedAnswer(None, 1),)), alone_for=20
        ).after
        == inf
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("build_rule", [first_come_rule, matching_rule])
@pytest.mark.parametrize("lowered", [None, lowering.keep_levels])
def test_no_strategy_does_better_than_the_bound(seed: int, build_rule, lowered) -> None:  # type: ignore[no-untyped-def]
    pairing = build_rule(POLICY, lowering=lowered)

    bound = foresight.foresee(draw_day(seed), pairing)

    found = measures.measure_simulation(Simulation(draw_day(seed), pairing).run())
    assert found.within_20s <= bound.within_20s < 1
    assert found.abandoned >= bound.abandoned > 0


def test_the_bound_is_tighter_than_agents_who_can_do_everything() -> None:
    bound = foresight.foresee(draw_day(1), OURS)

    able = measures.measure_simulation(
        comparison.strategies(POLICY)[comparison.BOUND].simulate(draw_day(1))
    )
    assert bound.within_20s < able.within_20s


def test_the_bound_is_within_two_per_cent_of_the_exact_optimum() -> None:
    day = SyntheticDay(agents=12, load=1.2).draw(3)
    program = foresight.build_program(day, day.callers, OURS, foresight.QUICKLY)

    best = solve_exactly(program)

    assert best <= program.bound() <= 1.02 * best


def solve_exactly(program: Program) -> float:
    """The optimum of the linear program, by HiGHS."""
    shape = (len(program.places), len(program.callers))
    taken = numpy.zeros(shape)
    taken[program.rows, program.columns] = 1
    once = numpy.zeros((max(program.callers) + 1, shape[1]))
    once[program.callers, range(shape[1])] = 1
    solved = linprog(
        -numpy.ones(shape[1]),
        A_ub=numpy.vstack([taken, once]),
        b_ub=[*program.places, *[1] * len(once)],
    )
    return float(-solved.fun)


def test_a_day_without_callers_has_bounds_of_zero() -> None:
    assert foresee([], [make_worker(1)]) == Foresight(0.0, 0.0)
