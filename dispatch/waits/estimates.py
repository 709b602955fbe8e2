"""The estimated wait of a ticket."""

from datetime import datetime

from dispatch.waits import estimator_cache
from tickets.models import Ticket
from tickets.queue import Wait

NO_RATE_CARD = "no_rate_card"


def estimate(ticket: Ticket, *, at: datetime) -> Wait:
    """Estimate the wait of a ticket, queued or not yet opened."""
    estimator = estimator_cache.get_estimator(at=at)
    if ticket.client.slug not in estimator.snapshot.minutes:
        return Wait(unknown=NO_RATE_CARD)
    if ticket.offered:
        return estimator.time_to_accept
    own, turn_at = (
        estimator.snapshot.get_duration(ticket.client.slug, ticket.topic),
        estimator.snapshot.turn_at(ticket),
    )
    wait = estimator.estimate(ticket.lane, own, turn_at=turn_at)
    for seconds, lane in estimator.snapshot.find_lower_lanes(ticket, at=at):
        if wait.p50 is not None and wait.p50 <= seconds:
            break
        wait = _lower_estimate(
            wait, estimator.estimate(lane, own, turn_at=turn_at), seconds=seconds
        )
    return wait


def _lower_estimate(wait: Wait, lowered: Wait, *, seconds: int) -> Wait:
    """Return the smaller wait, if lower requirements in `seconds` make it sooner."""
    if lowered.p50 is None or lowered.p90 is None:
        return wait
    half, most = seconds + lowered.p50, seconds + lowered.p90
    if wait.p50 is None or wait.p90 is None:
        return Wait(half, most)
    return Wait(min(wait.p50, half), min(wait.p90, most))
