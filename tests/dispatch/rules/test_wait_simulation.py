"""The simulation of a customer's wait."""

import numpy as np
import pytest

from dispatch.rules import wait_simulation
from dispatch.rules.wait_simulation import DurationDistribution, QueueEntry, Seat, WaitQuantiles

EN, CARDS = frozenset({"en/1"}), frozenset({"en/1", "cards:1"})
TALKS = DurationDistribution(tuple(float(second) for second in range(0, 601, 30)))
AT_ONCE = np.zeros(10)


def simulate(
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


def simulate_at(*seats: Seat, behind: int = 0, **given: object) -> tuple[int, int]:
    quantiles = simulate(*seats, **given)
    assert quantiles
    return quantiles.at_position(behind)


def make_busy_seat(after: float = 0.0, abilities: frozenset[str] = EN) -> Seat:
    return Seat(abilities, TALKS, after)


def test_without_a_seat_that_can_serve_there_is_no_estimate() -> None:
    assert simulate(Seat(EN), needs=CARDS) is None
    assert simulate() is None


def test_with_a_free_seat_the_wait_is_the_time_to_accept() -> None:
    minute = wait_simulation.sample_time_to_accept([], lasts=60)

    half, most = simulate_at(Seat(EN), until_yes=minute)

    assert 25 <= half <= 35
    assert 50 <= most <= 58


def test_a_longer_running_conversation_is_over_sooner() -> None:
    fresh, old = simulate_at(make_busy_seat(after=0)), simulate_at(make_busy_seat(after=540))

    assert 250 <= fresh[0] <= 350
    assert old[0] <= 40
    assert old[1] <= 60


def test_a_conversation_longer_than_any_recorded_still_has_an_estimate() -> None:
    half, most = simulate_at(make_busy_seat(after=900))

    assert 50 <= half <= 200
    assert most > half


def test_a_wrap_up_lasts_no_longer_than_its_limit() -> None:
    assert simulate_at(Seat(EN, TALKS, 0.0, most=20.0))[1] <= 20


def test_ten_busy_seats_give_a_shorter_wait_than_one() -> None:
    assert simulate_at(*[make_busy_seat()] * 10)[0] < simulate_at(make_busy_seat())[0] / 3


def test_a_ticket_ahead_takes_the_free_seat() -> None:
    alone, behind_one = (
        simulate_at(Seat(EN)),
        simulate_at(Seat(EN), ahead=[QueueEntry(EN, TALKS)], behind=1),
    )

    assert alone == (0, 0)
    assert 250 <= behind_one[0] <= 350


def test_tickets_ahead_with_another_seat_do_not_lengthen_the_wait() -> None:
    """The ticket that requires cards takes the seat with cards; the other seat is left."""
    seats = (Seat(EN), Seat(CARDS))

    assert simulate_at(*seats, ahead=[QueueEntry(CARDS, TALKS)], behind=1) == (0, 0)
    assert simulate_at(*seats, ahead=[QueueEntry(CARDS, TALKS)] * 2, behind=2) == (0, 0)


def test_the_wait_never_falls_with_the_position() -> None:
    quantiles = simulate(
        *[make_busy_seat(after=after) for after in (0, 60, 200)], ahead=[QueueEntry(EN, TALKS)] * 10
    )

    assert quantiles
    assert list(quantiles.p50) == sorted(quantiles.p50)
    assert list(quantiles.p90) == sorted(quantiles.p90)
    waits = [quantiles.at_position(ahead) for ahead in range(200)]
    assert waits == sorted(waits)
    assert all(half <= most for half, most in waits)


def test_a_long_queue_moves_at_the_pace_of_its_seats() -> None:
    """Four seats and five minutes a conversation give a seat every 75 seconds."""
    half, _ = simulate_at(*[make_busy_seat()] * 4, ahead=[QueueEntry(EN, TALKS)] * 100, behind=100)

    assert 0.8 * 100 * 75 <= half <= 1.25 * 100 * 75


def test_the_same_seats_give_the_same_estimate() -> None:
    seats = [make_busy_seat(), make_busy_seat(after=100)]

    assert simulate_at(*seats) == simulate_at(*seats)


def test_with_too_few_offers_the_time_to_accept_is_uniform() -> None:
    few = wait_simulation.sample_time_to_accept([(True, 1.0)] * 19, lasts=60)
    none_taken = wait_simulation.sample_time_to_accept([(False, 65.0)] * 50, lasts=60)

    assert (few.min(), few.max()) == (none_taken.min(), none_taken.max()) == (0.0, 60.0)


def test_each_declined_offer_adds_its_time() -> None:
    quick = wait_simulation.sample_time_to_accept([(True, 5.0)] * 50, lasts=60)
    passed_on = wait_simulation.sample_time_to_accept(
        [(True, 5.0)] * 25 + [(False, 65.0)] * 25, lasts=60
    )

    assert set(quick) == {5.0}
    assert np.median(passed_on) in (5.0, 70.0)
    assert np.mean(passed_on) == pytest.approx(5 + 65, rel=0.25)


@pytest.mark.parametrize("minutes", [1, 8, 30])
def test_the_lognormal_has_the_rate_cards_minutes_as_its_median(minutes: int) -> None:
    lengths = DurationDistribution.lognormal(minutes)

    assert lengths.median == pytest.approx(60 * minutes)
    assert list(lengths.seconds) == sorted(lengths.seconds)


def test_nine_of_ten_waits_are_within_the_ninety_per_cent_quantile() -> None:
    """Simulated with another seed, the estimate holds as often as it says."""
    seats = [make_busy_seat(after=after) for after in (10, 50, 90, 300)]
    half, most = simulate_at(*seats, ahead=[QueueEntry(EN, TALKS)] * 3, behind=3)
    rng = np.random.default_rng(99)
    simulated = []
    for _ in range(2000):
        free = sorted(
            float(TALKS.remaining(rng.random(1), after=seat.elapsed)[0]) for seat in seats
        )
        for _turn in range(3):
            free[0] += float(TALKS.remaining(rng.random(1))[0])
            free.sort()
        simulated.append(free[0])

    assert 0.4 <= np.mean(np.array(simulated) <= half) <= 0.6
    assert 0.84 <= np.mean(np.array(simulated) <= most) <= 0.96
