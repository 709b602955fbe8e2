"""How long a customer will wait, as arithmetic."""

import numpy as np
import pytest

from dispatch.rules import wait_simulation
from dispatch.rules.wait_simulation import DurationDistribution, QueueEntry, Seat, WaitQuantiles

EN, CARDS = frozenset({"en/1"}), frozenset({"en/1", "cards:1"})
TALKS = DurationDistribution(tuple(float(second) for second in range(0, 601, 30)))
AT_ONCE = np.zeros(10)


def look(
    *seats: Seat,
    ahead: list[QueueEntry] | None = None,
    needs: frozenset[str] = EN,
    until_yes: wait_simulation.Floats = AT_ONCE,
) -> WaitQuantiles | None:
    return wait_simulation.simulate_wait(
        needs,
        own=TALKS,
        seats=seats,
        free_in=wait_simulation.sample_free_times(seats),
        ahead=ahead or [],
        until_yes=until_yes,
    )


def wait(*seats: Seat, behind: int = 0, **given: object) -> tuple[int, int]:
    outlook = look(*seats, **given)
    assert outlook
    return outlook.at_position(behind)


def in_talk(after: float = 0.0, abilities: frozenset[str] = EN) -> Seat:
    return Seat(abilities, TALKS, after)


def test_nobody_able_is_no_number() -> None:
    assert look(Seat(EN), needs=CARDS) is None
    assert look() is None


def test_with_somebody_free_only_the_answer_is_waited_for() -> None:
    minute = wait_simulation.sample_time_to_accept([], lasts=60)

    half, most = wait(Seat(EN), until_yes=minute)

    assert 25 <= half <= 35
    assert 50 <= most <= 58


def test_a_conversation_that_has_lasted_is_over_sooner() -> None:
    fresh, old = wait(in_talk(after=0)), wait(in_talk(after=540))

    assert 250 <= fresh[0] <= 350
    assert old[0] <= 40
    assert old[1] <= 60


def test_what_lasted_longer_than_any_before_has_an_end_nobody_knows() -> None:
    half, most = wait(in_talk(after=900))

    assert 50 <= half <= 200
    assert most > half


def test_a_wrap_up_is_over_when_its_time_is_up() -> None:
    assert wait(Seat(EN, TALKS, 0.0, most=20.0))[1] <= 20


def test_of_many_conversations_one_is_soon_over() -> None:
    assert wait(*[in_talk()] * 10)[0] < wait(in_talk())[0] / 3


def test_whoever_is_ahead_takes_the_seat() -> None:
    nobody, somebody = wait(Seat(EN)), wait(Seat(EN), ahead=[QueueEntry(EN, TALKS)], behind=1)

    assert nobody == (0, 0)
    assert 250 <= somebody[0] <= 350


def test_those_ahead_who_have_a_seat_of_their_own_do_not_matter() -> None:
    """The one who needs cards has to take the agent who knows them; the other is left."""
    seats = (Seat(EN), Seat(CARDS))

    assert wait(*seats, ahead=[QueueEntry(CARDS, TALKS)], behind=1) == (0, 0)
    assert wait(*seats, ahead=[QueueEntry(CARDS, TALKS)] * 2, behind=2) == (0, 0)


def test_further_back_never_waits_less() -> None:
    outlook = look(
        *[in_talk(after=after) for after in (0, 60, 200)], ahead=[QueueEntry(EN, TALKS)] * 10
    )

    assert outlook
    assert list(outlook.p50) == sorted(outlook.p50)
    assert list(outlook.p90) == sorted(outlook.p90)
    told = [outlook.at_position(ahead) for ahead in range(200)]
    assert told == sorted(told)
    assert all(half <= most for half, most in told)


def test_a_long_line_goes_at_the_pace_of_its_seats() -> None:
    """Four seats, five minutes a talk: a seat every 75 seconds."""
    half, _ = wait(*[in_talk()] * 4, ahead=[QueueEntry(EN, TALKS)] * 100, behind=100)

    assert 0.8 * 100 * 75 <= half <= 1.25 * 100 * 75


def test_the_same_floor_gives_the_same_answer() -> None:
    seats = [in_talk(), in_talk(after=100)]

    assert wait(*seats) == wait(*seats)


def test_too_few_offers_say_nothing_about_answers() -> None:
    few = wait_simulation.sample_time_to_accept([(True, 1.0)] * 19, lasts=60)
    none_taken = wait_simulation.sample_time_to_accept([(False, 65.0)] * 50, lasts=60)

    assert (few.min(), few.max()) == (none_taken.min(), none_taken.max()) == (0.0, 60.0)


def test_every_offer_that_is_passed_on_costs_its_time() -> None:
    quick = wait_simulation.sample_time_to_accept([(True, 5.0)] * 50, lasts=60)
    passed_on = wait_simulation.sample_time_to_accept(
        [(True, 5.0)] * 25 + [(False, 65.0)] * 25, lasts=60
    )

    assert set(quick) == {5.0}
    assert np.median(passed_on) in (5.0, 70.0)
    assert np.mean(passed_on) == pytest.approx(5 + 65, rel=0.25)


@pytest.mark.parametrize("minutes", [1, 8, 30])
def test_until_real_ones_tell_talks_are_about_what_the_card_expects(minutes: int) -> None:
    lengths = DurationDistribution.lognormal(minutes)

    assert lengths.median == pytest.approx(60 * minutes)
    assert list(lengths.seconds) == sorted(lengths.seconds)


def test_nine_of_ten_are_nine_of_ten() -> None:
    """Played with other dice, the wait that was told holds as often as it says."""
    seats = [in_talk(after=after) for after in (10, 50, 90, 300)]
    half, most = wait(*seats, ahead=[QueueEntry(EN, TALKS)] * 3, behind=3)
    dice = np.random.default_rng(99)
    came = []
    for _ in range(2000):
        free = sorted(
            float(TALKS.remaining(dice.random(1), after=seat.elapsed)[0]) for seat in seats
        )
        for _turn in range(3):
            free[0] += float(TALKS.remaining(dice.random(1))[0])
            free.sort()
        came.append(free[0])

    assert 0.4 <= np.mean(np.array(came) <= half) <= 0.6
    assert 0.84 <= np.mean(np.array(came) <= most) <= 0.96
