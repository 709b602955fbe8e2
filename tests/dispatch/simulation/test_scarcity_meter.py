"""Scarcity on a simulated day: the same numbers as the rules give."""

import pytest

from dispatch.rules import policy as rules
from dispatch.simulation.scarcity_meter import ScarcityMeter


@pytest.fixture
def scarcity() -> ScarcityMeter:
    """Sixty tickets in the last quarter of an hour: eight are expected in two minutes."""
    meter = ScarcityMeter({"en cards": 0.5, "en loans": 0.25})
    for moment in range(60):
        meter.record_arrival(float(moment))
    meter.add_places(["en ", "en cards", "en loans"], 1)
    meter.add_places(["en ", "en cards"], 3)
    meter.start_wave(100.0)
    return meter


def test_scarcity_follows_demand_and_free_places(scarcity: ScarcityMeter) -> None:
    assert scarcity.measure(["en ", "en cards", "en loans"]) == {
        "en cards": rules.scarcity(4, 4),
        "en loans": rules.scarcity(2, 1),
    }


def test_places_taken_are_known_from_the_next_look_on(scarcity: ScarcityMeter) -> None:
    scarcity.measure(["en cards"])
    scarcity.add_places(["en cards"], -2)
    scarcity.start_wave(101.0)

    assert scarcity.measure(["en cards"]) == {"en cards": rules.scarcity(4, 2)}


def test_who_came_long_ago_is_expected_no_more(scarcity: ScarcityMeter) -> None:
    scarcity.start_wave(929.0)

    assert scarcity.measure(["en cards"]) == {"en cards": rules.scarcity(0.5 * 30 / 900 * 120, 4)}
