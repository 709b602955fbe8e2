"""How rare what agents can do is, in simulated time: as the product's own count has it."""

import pytest

from dispatch.rules import policy as rules
from dispatch.simulation.scarcity_meter import ScarcityMeter


@pytest.fixture
def scarcity() -> ScarcityMeter:
    """Sixty came in the last quarter of an hour: eight are expected in two minutes."""
    known = ScarcityMeter({"en cards": 0.5, "en loans": 0.25})
    for moment in range(60):
        known.come(float(moment))
    known.change(["en ", "en cards", "en loans"], 1)
    known.change(["en ", "en cards"], 3)
    known.look(100.0)
    return known


def test_it_is_of_what_is_asked_for_and_who_is_free(scarcity: ScarcityMeter) -> None:
    assert scarcity.of(["en ", "en cards", "en loans"]) == {
        "en cards": rules.scarcity(4, 4),
        "en loans": rules.scarcity(2, 1),
    }


def test_places_taken_are_known_from_the_next_look_on(scarcity: ScarcityMeter) -> None:
    scarcity.of(["en cards"])
    scarcity.change(["en cards"], -2)
    scarcity.look(101.0)

    assert scarcity.of(["en cards"]) == {"en cards": rules.scarcity(4, 2)}


def test_who_came_long_ago_is_expected_no_more(scarcity: ScarcityMeter) -> None:
    scarcity.look(929.0)

    assert scarcity.of(["en cards"]) == {"en cards": rules.scarcity(0.5 * 30 / 900 * 120, 4)}
