"""Perfect foresight is a bound that no way of pairing goes beyond."""

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
    a_ticket,
    an_agent,
)
from dispatch.simulation.engine import Simulation
from dispatch.simulation.foresight import Foresight, Program
from dispatch.simulation.strategies import first_come, ours
from dispatch.simulation.synthetic import SyntheticDay

POLICY = Policy()
OURS = ours(POLICY)


def a_caller(number: int, arrives: float = 0, **given: object) -> Caller:
    ticket = a_ticket(
        number, language="en", skills=given.pop("skills", {}), arrives=arrives, promised=30
    )
    return Caller(ticket, arrives, **{"talks": 600.0, "leaves_after": 60.0, **given})


def a_worker(number: int, *spans: Shift, skills: dict[str, int] | None = None) -> Worker:
    able = an_agent(number, languages={"en": 5}, skills=skills or {})
    return Worker(able, spans or (Shift(0, 10_000),))


def foreseen(callers: list[Caller], workers: list[Worker]) -> Foresight:
    return foresight.foresee(SimulatedDay("a day", callers, workers), OURS)


@cache
def a_day(seed: int) -> SimulatedDay:
    return SyntheticDay(agents=40, load=1.0).drawn(seed)


def test_one_agent_answers_one_of_two_who_come_at_once() -> None:
    found = foreseen([a_caller(1), a_caller(2)], [a_worker(1)])

    assert found.within_20s == pytest.approx(0.5, abs=0.02)
    assert found.abandoned == pytest.approx(0.5, abs=0.02)


def test_two_agents_answer_two_who_come_at_once() -> None:
    found = foreseen([a_caller(1), a_caller(2)], [a_worker(1), a_worker(2)])

    assert found == Foresight(1.0, 0.0)


def test_whom_nobody_there_can_help_is_neither_answered_nor_kept() -> None:
    callers = [a_caller(1, skills={"cards": 3}), a_caller(2, 5_000), a_caller(3, 50)]
    workers = [a_worker(1, Shift(0, 1_000), skills={"cards": 2})]

    found = foreseen(callers, workers)

    # The first is served once the level is lowered, but not in twenty seconds.
    assert found.within_20s == pytest.approx(1 / 3)
    assert found.abandoned >= 1 / 3


def test_whoever_is_answered_late_by_the_luck_of_the_draw_is_not_answered_quickly() -> None:
    late = a_caller(1, answers=(SimulatedAnswer(False, 12.0), SimulatedAnswer(True, 9.0)))
    quick = a_caller(2, answers=(SimulatedAnswer(False, 2.0), SimulatedAnswer(True, 9.0)))

    found = foreseen([late, quick], [a_worker(1), a_worker(2)])

    assert found.within_20s == 0.5


def test_a_hesitant_agent_is_joined_by_another_who_may_be_quicker() -> None:
    caller = a_caller(1, answers=(SimulatedAnswer(True, 50.0), SimulatedAnswer(True, 4.0)))

    assert foresight.soonest(caller, alone_for=20) == (24, 4)
    assert (
        foresight.soonest(replace(caller, answers=(SimulatedAnswer(None, 1),)), alone_for=20).after
        == inf
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("way", [first_come, ours])
@pytest.mark.parametrize("lowered", [None, lowering.never])
def test_no_way_of_pairing_goes_beyond(seed: int, way, lowered) -> None:  # type: ignore[no-untyped-def]
    pairing = way(POLICY, lowering=lowered)

    bound = foresight.foresee(a_day(seed), pairing)

    found = measures.of_play(Simulation(a_day(seed), pairing).run())
    assert found.within_20s <= bound.within_20s < 1
    assert found.abandoned >= bound.abandoned > 0


def test_it_is_a_tighter_bound_than_everybody_able() -> None:
    bound = foresight.foresee(a_day(1), OURS)

    able = measures.of_play(comparison.strategies(POLICY)[comparison.BOUND].play(a_day(1)))
    assert bound.within_20s < able.within_20s


def test_any_prices_bound_the_exact_optimum_and_good_ones_come_near() -> None:
    day = SyntheticDay(agents=12, load=1.2).drawn(3)
    program = foresight.program(day, day.callers, OURS, foresight.QUICKLY)

    best = exact(program)

    assert best <= program.bound() <= 1.02 * best


def exact(program: Program) -> float:
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


def test_a_day_without_callers_has_bounds() -> None:
    assert foreseen([], [a_worker(1)]) == Foresight(0.0, 0.0)
